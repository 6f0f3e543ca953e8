"""Objects as `extra`: dates, identifiers, enums, records, models, arrays of other libraries.

Sources: the README's table, `encoding.plain_value`'s docstring, and what `str()` of each type is documented to be.
"""

import dataclasses
import enum
import fractions
import ipaddress
import pathlib
import re
import uuid
from collections import namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pydantic
from pydantic import SecretStr
from starlette import datastructures as starlette
from werkzeug.datastructures import MultiDict

from records.row import Check, Row, extra, has, one_of

UTC = timezone.utc


class Colour(enum.Enum):
    RED = "red"
    PAIR = (1, 2)
    SEVEN = 7


class Size(enum.IntEnum):
    LARGE = 3


class Tea(str, enum.Enum):
    GREEN = "green"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Line:
    sku: str
    count: int
    token: str = dataclasses.field(default="hidden", repr=False)


@dataclasses.dataclass(frozen=True)
class Order:
    number: int
    lines: list[Line]


Point = namedtuple("Point", "x y")  # noqa: PYI024  # as people still write them


class Place(NamedTuple):
    name: str
    at: Point


class Card(pydantic.BaseModel):
    owner: str
    number: SecretStr
    limit: Decimal = Decimal("9.50")


class Cart(pydantic.BaseModel):
    cards: list[Card]
    at: datetime


class Total(pydantic.BaseModel):
    net: int

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def gross(self) -> int:
        return self.net + 1


class OwnError(Exception):
    pass


def shortened(*parts: str) -> Check:
    """A text with these parts, no longer than the 4,096 characters that a frame is documented to take."""
    return Check(
        f"a text with {parts}",
        lambda value: isinstance(value, str) and all(part in value for part in parts) and len(value) < 4200,
    )


def attrs_value() -> Any:
    attrs = __import__("attrs")
    return attrs.make_class("Sock", ["left", "right"])(1, "b")


def raised(kind: type[BaseException], *args: Any) -> BaseException:
    try:
        raise kind(*args)
    except kind as error:
        return error


TIMES = [
    extra("date", lambda: date(2026, 1, 2), "2026-01-02"),
    extra("datetime", lambda: datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),  # noqa: DTZ001
    extra("datetime-us", lambda: datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05.000006"),  # noqa: DTZ001
    extra("datetime-utc", lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    extra("datetime-zone", lambda: datetime(2026, 1, 2, tzinfo=ZoneInfo("Asia/Tokyo")), "2026-01-02T00:00:00+09:00"),
    extra("time", lambda: time(3, 4, 5), "03:04:05"),
    extra("time-zone", lambda: time(3, 4, tzinfo=UTC), "03:04:00+00:00"),
    extra("timedelta", lambda: timedelta(days=1, seconds=5), "1 day, 0:00:05"),
    extra("timedelta-negative", lambda: timedelta(seconds=-1), "-1 day, 23:59:59"),
    extra("timezone", lambda: UTC, "UTC"),
]


IDENTIFIERS = [
    extra("decimal", lambda: Decimal("1.10"), "1.10"),
    extra("decimal-nan", lambda: Decimal("NaN"), "NaN"),
    extra("decimal-exponent", lambda: Decimal("1E+30"), "1E+30"),
    extra("fraction", lambda: fractions.Fraction(1, 3), "1/3"),
    extra("uuid", lambda: uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    extra("path", lambda: pathlib.PurePosixPath("/a/b"), "/a/b"),
    extra("path-windows", lambda: pathlib.PureWindowsPath("c:/a"), "c:\\a"),
    extra("ipv4", lambda: ipaddress.ip_address("192.0.2.1"), "192.0.2.1"),
    extra("ipv6", lambda: ipaddress.ip_address("2001:db8::1"), "2001:db8::1"),
    extra("network", lambda: ipaddress.ip_network("192.0.2.0/24"), "192.0.2.0/24"),
    extra("pattern", lambda: re.compile("a+"), "re.compile('a+')"),
    extra("enum-text", lambda: Colour.RED, "red"),
    extra("enum-number", lambda: Colour.SEVEN, 7),
    extra("enum-other", lambda: Colour.PAIR, "PAIR"),
    extra("enum-int", lambda: Size.LARGE, 3),
    extra("enum-str", lambda: Tea.GREEN, "green"),
    extra("enum-flag", lambda: Right.READ | Right.WRITE, 3),
    extra("enum-class", lambda: Colour, has("Colour")),
    extra("enum-key-str", lambda: {Tea.GREEN: 1}, {"green": 1}),
    extra("enum-key", lambda: {Colour.RED: 1}, {"red": 1}),
    extra("enum-list", lambda: [Tea.GREEN, Colour.RED], ["green", "red"]),
]

RECORDS = [
    extra("dataclass", lambda: Line("tea", 2), {"sku": "tea", "count": 2}, absent=("value.token",)),
    extra("dataclass-nested", lambda: Order(1, [Line("tea", 2)]), {"number": 1, "lines": [{"sku": "tea", "count": 2}]}),
    extra("dataclass-class", lambda: Line, has("Line")),
    extra("namedtuple", lambda: Point(1, 2), {"x": 1, "y": 2}),
    extra("namedtuple-nested", lambda: Place("a", Point(1, 2)), {"name": "a", "at": {"x": 1, "y": 2}}),
    extra("attrs", attrs_value, {"left": 1, "right": "b"}),
    extra(
        "pydantic",
        lambda: Card(owner="a", number=SecretStr("4242")),
        {"owner": "a", "number": "**********", "limit": "9.50"},
        holds=lambda record: "4242" not in str(record),
    ),
    extra(
        "pydantic-nested",
        lambda: Cart(cards=[Card(owner="a", number=SecretStr("4242"))], at=datetime(2026, 1, 2, tzinfo=UTC)),
        {
            "cards": [{"owner": "a", "number": "**********", "limit": "9.50"}],
            "at": "2026-01-02T00:00:00+00:00",
        },
    ),
    extra("pydantic-secret", lambda: SecretStr("4242"), "**********"),
    extra("pydantic-url", lambda: pydantic.HttpUrl("https://a.example/b"), "https://a.example/b"),
    extra("pydantic-computed", lambda: Total(net=1), {"net": 1, "gross": 2}),
    extra(
        "secret",
        lambda: starlette.Secret("4242"),
        "Secret('**********')",
        holds=lambda record: "4242" not in str(record),
    ),
    extra(
        "secret-in-url",
        lambda: starlette.URL("https://bob:4242@a.example"),
        "URL('https://bob:********@a.example')",
        holds=lambda record: "4242" not in str(record),
    ),
    extra("url", lambda: starlette.URL("https://a.example/b"), "https://a.example/b"),
    extra("headers", lambda: starlette.Headers({"host": "a.example"}), {"host": "a.example"}),
    extra("form", lambda: MultiDict([("a", 1), ("a", 2), ("b", 3)]), {"a": [1, 2], "b": 3}),
    extra("pydantic-class", lambda: Card, has("Card")),
    extra("exception", lambda: ValueError("boom"), "ValueError: boom"),
    extra("exception-raised", lambda: raised(ValueError, "boom"), "ValueError: boom"),
    extra("exception-bare", lambda: ValueError(), one_of("ValueError", "ValueError: ")),
    extra("exception-own", lambda: raised(OwnError, "boom"), has("rows_objects.OwnError: boom")),
    extra("exception-list", lambda: [KeyError("a")], ["KeyError: 'a'"]),
    extra("function", lambda: attrs_value, has("function attrs_value")),
    extra("lambda", lambda: lambda: 1, has("<function", "lambda")),
    extra("builtin", lambda: len, has("len")),
    extra("class", lambda: dict, has("dict")),
    extra("method", lambda: "a".upper, has("upper")),
    extra("module", lambda: re, has("module 're'")),
    extra("generator", lambda: (n for n in (1, 2)), has("<generator object")),
    extra("iterator", lambda: iter([1, 2]), has("iterator")),
    extra("map-iterator", lambda: map(str, [1]), has("<map object")),
    extra("object", object, has("<object object")),
    extra("slice", lambda: slice(1, 2), "slice(1, 2, None)"),
]

NUMPY = [
    extra("numpy-int8", lambda: np.int8(-5), -5),
    extra("numpy-int64", lambda: np.int64(2**63 - 1), 2**63 - 1),
    extra("numpy-uint64", lambda: np.uint64(2**64 - 1), str(2**64 - 1)),
    extra("numpy-float16", lambda: np.float16(1.5), 1.5),
    extra("numpy-float32", lambda: np.float32(1.5), 1.5),
    extra("numpy-float64", lambda: np.float64(0.1), 0.1),
    extra("numpy-nan", lambda: np.float64("nan"), "NaN"),
    extra("numpy-inf", lambda: np.float32("inf"), "Infinity"),
    extra("numpy-bool", lambda: np.bool_(True), True),
    extra("numpy-str", lambda: np.str_("tea"), "tea"),
    extra("numpy-bytes", lambda: np.bytes_(b"tea"), "tea"),
    extra("numpy-complex", lambda: np.complex64(1 + 2j), "(1+2j)"),
    extra("numpy-datetime64", lambda: np.datetime64("2026-01-02T03:04:05"), has("2026-01-02T03:04:05")),
    extra("numpy-datetime64-day", lambda: np.datetime64("2026-01-02"), has("2026-01-02")),
    extra("numpy-datetime64-ns", lambda: np.datetime64(1, "ns"), has("1970-01-01T00:00:00.000000001")),
    extra("numpy-nat", lambda: np.datetime64("NaT", "s"), None),
    extra("numpy-timedelta64", lambda: np.timedelta64(5, "s"), one_of("0:00:05", "5 seconds")),
    extra("numpy-array", lambda: np.array([1, 2, 3]), [1, 2, 3]),
    extra("numpy-array-float", lambda: np.array([1.5, 2.0]), [1.5, 2.0]),
    extra("numpy-array-bool", lambda: np.array([True]), [True]),
    extra("numpy-array-2d", lambda: np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    extra("numpy-array-0d", lambda: np.array(5), one_of(5, "5")),
    extra("numpy-array-empty", lambda: np.array([]), []),
    extra("numpy-array-32", lambda: np.arange(32), list(range(32))),
    extra("numpy-array-33", lambda: np.arange(33), shortened()),
    extra("numpy-array-large", lambda: np.zeros((1000, 1000)), shortened("0")),
    extra("numpy-array-objects", lambda: np.array([{"a": 1}, None], dtype=object), [{"a": 1}, None]),
    extra("numpy-in-map", lambda: {"n": np.int64(1), "a": np.array([1])}, {"n": 1, "a": [1]}),
    extra("numpy-key", lambda: {np.int64(1): "a"}, {"1": "a"}),
]

PANDAS = [
    extra("pandas-timestamp", lambda: pd.Timestamp("2026-01-02T03:04:05"), "2026-01-02T03:04:05"),
    extra("pandas-timestamp-zone", lambda: pd.Timestamp("2026-01-02", tz="UTC"), "2026-01-02T00:00:00+00:00"),
    extra("pandas-timedelta", lambda: pd.Timedelta(seconds=5), has("00:05")),
    extra("pandas-nat", lambda: pd.NaT, None),
    extra("pandas-na", lambda: pd.NA, None),
    extra("pandas-period", lambda: pd.Period("2026-01"), "2026-01"),
    extra("pandas-series", lambda: pd.Series([1, 2], name="teas"), shortened("teas", "2")),
    extra("pandas-frame", lambda: pd.DataFrame({"tea": [1, 2]}), shortened("tea", "2")),
    extra("pandas-frame-large", lambda: pd.DataFrame(np.ones((5000, 50))), shortened("1.0")),
    extra("pandas-in-list", lambda: [pd.NaT, pd.Timestamp("2026-01-02")], [None, "2026-01-02T00:00:00"]),
]

ROWS: list[Row] = [*TIMES, *IDENTIFIERS, *RECORDS, *NUMPY, *PANDAS]
