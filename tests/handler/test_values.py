"""What a reader finds of each kind of value given as `extra`, at the top and nested, by way of a real provider.

Expected: ISO 8601 for dates and times, `str()` where that is what a person writes, JSON's kinds for everything else.
"""

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import io
import ipaddress
import pathlib
import re
import sys
import types
import typing
import uuid
import warnings
from typing import Any, NamedTuple

import attrs
import numpy as np
import pandas as pd
import pydantic
import pydantic.v1
import pytest

from dt_otlp_logs.encoding.plain_value import plain_value
from dt_otlp_logs.handler.uniform_arrays import uniform
from handler.logged import KEEPS_MIXED_ARRAYS, Logged

UTC = dt.timezone.utc


class Colour(enum.Enum):
    RED = "red"
    ONE = 1
    HALF = 0.5
    NOTHING = None
    WHEN = dt.date(2026, 1, 1)


class Number(enum.IntEnum):
    TWO = 2


class Word(str, enum.Enum):
    TEA = "tea"


# Python 3.10 has no enum.StrEnum.
Drink = enum.StrEnum("Drink", {"TEA": "tea"}) if sys.version_info >= (3, 11) else Word


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Place(NamedTuple):
    x: int
    when: dt.date


@dataclasses.dataclass
class Order:
    number: int
    total: decimal.Decimal
    card: str = dataclasses.field(default="4111", repr=False)
    lines: list[Place] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    a: int
    later: int = dataclasses.field(init=False)


@attrs.define
class Customer:
    name: str
    password: str = attrs.field(repr=False, default="secret")
    iban: str = attrs.field(repr=lambda iban: iban[:2] + "***", default="DE0012")


class Address(pydantic.BaseModel):
    city: str
    code: str = pydantic.Field(repr=False, default="hidden")


class Account(pydantic.BaseModel):
    id: uuid.UUID
    token: pydantic.SecretStr
    addresses: list[Address] = []
    home: Address | None = None
    by_name: dict[str, Address] = {}
    pin: int = pydantic.Field(repr=False, default=1234)
    internal: str = pydantic.Field(exclude=True, default="internal")


class OldAccount(pydantic.v1.BaseModel):
    name: str
    token: pydantic.v1.SecretStr
    pin: int = pydantic.v1.Field(1234, repr=False)


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


class Big(int):
    pass


class Shown:
    def __str__(self) -> str:
        return "shown"

    def __repr__(self) -> str:
        return "Shown('shown')"


PLAIN = [
    ("text", "text"),
    ("", ""),
    (Text("text"), "text"),
    (collections.UserString("text"), "text"),
    (7, 7),
    (Big(7), 7),
    (2**63 - 1, 2**63 - 1),
    (-(2**63), -(2**63)),
    (1.5, 1.5),
    (True, True),
    (None, None),
]
AS_TEXT = [
    (2**63, "9223372036854775808"),
    (-(2**63) - 1, "-9223372036854775809"),
    (dt.date(2026, 11, 25), "2026-11-25"),
    (dt.datetime(2026, 11, 25, 1, 2, 3, 4), "2026-11-25T01:02:03.000004"),  # noqa: DTZ001
    (dt.datetime(2026, 11, 25, tzinfo=UTC), "2026-11-25T00:00:00+00:00"),
    (dt.time(1, 2), "01:02:00"),
    (dt.timedelta(days=1, seconds=2), "1 day, 0:00:02"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (decimal.Decimal("1.10"), "1.10"),
    (decimal.Decimal("NaN"), "NaN"),
    (fractions.Fraction(1, 3), "1/3"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (pathlib.PureWindowsPath("c:/a"), "c:\\a"),
    (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
    (ipaddress.ip_address("::1"), "::1"),
    (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
    (1 + 2j, "(1+2j)"),
    (int, "<class 'int'>"),
    (len, "<built-in function len>"),
    (ValueError("no tea"), "ValueError: no tea"),
    (ValueError(), "ValueError"),
    (KeyError("tea"), "KeyError: 'tea'"),
    (decimal.InvalidOperation("x"), "decimal.InvalidOperation: x"),
    (re.compile("a+"), "re.compile('a+')"),
    (Ellipsis, "Ellipsis"),
    (Shown(), "shown"),
    (pydantic.SecretStr("secret"), "**********"),
]
ENUMS = [
    (Colour.RED, "red"),
    (Colour.ONE, 1),
    (Colour.HALF, 0.5),
    (Colour.NOTHING, "NOTHING"),
    (Colour.WHEN, "WHEN"),
    (Number.TWO, 2),
    (Word.TEA, "tea"),
    (Drink.TEA, "tea"),
    (Right.READ | Right.WRITE, 3),
]
BYTES = [
    (b"tea", "tea"),
    ("grün\n\t".encode(), "grün\n\t"),
    (b"", ""),
    (b"\xff\x00", b"\xff\x00"),
    (b"a\x00", b"a\x00"),
    (bytearray(b"tea"), "tea"),
    (memoryview(b"\xff"), b"\xff"),
]
COLLECTIONS = [
    ([1, None], [1, None]),
    ([1, "a", None], [1, "a", None] if KEEPS_MIXED_ARRAYS else ["1", "a", None]),
    ([1, 0.5], [1, 0.5]),
    ([True, {"a": [1]}], [True, {"a": [1]}] if KEEPS_MIXED_ARRAYS else ["true", '{"a":[1]}']),
    ((1, 2), [1, 2]),
    ([], []),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    (collections.deque([1, 2]), [1, 2]),
    (range(3), [0, 1, 2]),
    (array.array("i", [1, 2]), [1, 2]),
    (collections.UserList([1]), [1]),
    ({"b": 1, "a": 2}.keys(), ["b", "a"]),
    ({"a": 1}.values(), [1]),
    ({"a": 1}.items(), [["a", 1]] if KEEPS_MIXED_ARRAYS else [["a", "1"]]),
    ({"a": {"b": [dt.date(2026, 1, 1)]}}, {"a": {"b": ["2026-01-01"]}}),
    (
        {1: "a", None: "b", (1, 2): "c", dt.date(2026, 1, 1): "d"},
        {"1": "a", "None": "b", "(1, 2)": "c", "2026-01-01": "d"},
    ),
    ({"": 1}, {"_": 1}),
    ({1: "a", "1": "b"}, {"1": "a", "overwritten1.1": "b"}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.ChainMap({"a": 1}, {"a": 2}), {"a": 1}),
    (collections.UserDict(a=1), {"a": 1}),
]
OBJECTS = [
    (Place(1, dt.date(2026, 1, 1)), {"x": 1, "when": "2026-01-01"}),
    (
        Order(1, decimal.Decimal("2.50"), lines=[Place(1, dt.date(2026, 1, 1))]),
        {"number": 1, "total": "2.50", "lines": [{"x": 1, "when": "2026-01-01"}]},
    ),
    (Slotted(1), {"a": 1}),
    (Order, f"<class '{__name__}.Order'>"),
    (Customer("Ada"), {"name": "Ada", "iban": "DE***"}),
    (
        Account(
            id=uuid.UUID(int=1),
            token="t",
            addresses=[Address(city="Linz")],
            home=Address(city="Wien"),
            by_name={"work": Address(city="Graz")},
        ),
        {
            "id": "00000000-0000-0000-0000-000000000001",
            "token": "**********",
            "addresses": [{"city": "Linz"}],
            "home": {"city": "Wien"},
            "by_name": {"work": {"city": "Graz"}},
        },
    ),
    (OldAccount(name="Ada", token="t"), {"name": "Ada", "token": "**********"}),
]
NUMPY = [
    (np.int64(5), 5),
    (np.uint64(2**64 - 1), "18446744073709551615"),
    (np.float32(0.5), 0.5),
    (np.float64(0.5), 0.5),
    (np.longdouble(0.5), "0.5"),
    (np.bool_(True), True),
    (np.str_("tea"), "tea"),
    (np.bytes_(b"tea"), "tea"),
    (np.complex128(1j), "1j"),
    (np.datetime64("2026-01-01T00:00:00.5"), "2026-01-01T00:00:00.500"),
    (np.datetime64("2026-01-01", "ns"), "2026-01-01T00:00:00.000000000"),
    (np.datetime64("NaT"), None),
    (np.timedelta64(5, "D"), "5 days"),
    (np.array([1, 2]), [1, 2]),
    (np.array([[1.5], [2.5]]), [[1.5], [2.5]]),
    (np.array(7), 7),
    (np.array(["2026-01-01"], dtype="datetime64[ns]"), ["2026-01-01T00:00:00.000000000"]),
    (np.array([dt.date(2026, 1, 1), None], dtype=object), ["2026-01-01", None]),
    (np.arange(32), list(range(32))),
    (np.arange(33), "array of shape (33,), int64: 0, 1, 2, 3, 4, 5, 6, 7, ..."),
    (np.zeros((100, 3)), "array of shape (100, 3), float64: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ..."),
]
PANDAS = [
    (pd.Timestamp("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00+00:00"),
    (pd.Timestamp(1, unit="ns"), "1970-01-01T00:00:00.000000001"),
    (pd.Timedelta(days=1), "1 days 00:00:00"),
    (pd.NaT, None),
    (pd.NA, None),
    (pd.Period("2026-01"), "2026-01"),
    (pd.Series([1, 2]), str(pd.Series([1, 2]))),
    (pd.DataFrame({"a": [1]}), "   a\n0  1"),
]

EVERYTHING = [*PLAIN, *AS_TEXT, *ENUMS, *BYTES, *COLLECTIONS, *OBJECTS, *NUMPY, *PANDAS]


def lists(value: object) -> object:
    """The SDK keeps lists as tuples; as JSON they are the same."""
    if isinstance(value, (tuple, list)):
        return [lists(item) for item in value]
    return {name: lists(item) for name, item in value.items()} if isinstance(value, dict) else value


@pytest.fixture(autouse=True)
def a_warning_is_an_error() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(("value", "expected"), EVERYTHING, ids=lambda value: type(value).__name__)
def test_a_value_is_what_its_author_expects_to_read(
    logged: Logged, value: object, expected: object, caplog: pytest.LogCaptureFixture
) -> None:
    logged.log.info("x", extra={"value": value, "nested": {"inside": [value]}})
    found = logged.attributes
    assert lists(found["value"]) == expected
    assert type(found["value"]) in {str, int, float, bool, bytes, tuple, dict, type(None)}
    assert lists(found["nested"]) == {"inside": [expected]}
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")], "the SDK is content"


@pytest.mark.parametrize(("value", "expected"), EVERYTHING, ids=lambda value: type(value).__name__)
def test_the_items_of_a_dict_message_are_read_alike(logged: Logged, value: object, expected: object) -> None:
    assert lists(logged.handle({"value": value})["value"]) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        ([], []),
        ([None], [None]),
        ([1, 2, None], [1, 2, None]),
        ([1, 0.5, None], [1.0, 0.5, None]),
        ([1, True], ["1", "true"]),
        (["a", 1, 0.5, False, None, {"b": [1, "c"]}], ["a", "1", "0.5", "false", None, '{"b":["1","c"]}']),
        ([b"\xff", "a", float("nan")], ["/w==", "a", "NaN"]),
        ([[1], [2]], [[1], [2]]),
        ([[1], "a"], ["[1]", "a"]),
        ({"a": [1, "b"]}, {"a": ["1", "b"]}),
    ],
)
def test_arrays_are_made_alike_for_an_opentelemetry_that_wants_it(value: object, expected: object) -> None:
    # Dynatrace, "Arrays": with any text, array or object among the elements, all become text.
    assert uniform(value) == expected  # type: ignore[arg-type]


def test_a_frame_of_any_size_is_a_short_text(logged: Logged) -> None:
    with pd.option_context("display.max_rows", None):
        logged.log.info("x", extra={"frame": pd.DataFrame({"a": range(100_000)})})
    text = logged.attributes["frame"]
    assert text.startswith("           a\n0          0\n1          1\n")
    whole = str(pd.DataFrame({"a": range(100_000)}).to_string())
    kept, marker = re.fullmatch(r"(?s)(.*\n)\.\.\.\[(\d+) more characters\]", text).groups()  # type: ignore[union-attr]
    assert 4_000 < len(kept) <= 4_096
    assert whole.startswith(kept)
    assert len(kept) + int(marker) >= len(whole)


def test_a_frame_is_not_cut_within_a_cell_so_that_redaction_finds_what_is_in_it() -> None:
    card = "4111111111111111"
    for rows in range(150, 180):
        frame = pd.DataFrame({"card": [card] * rows, "note": ["y" * (rows % 29)] * rows})
        with pd.option_context("display.max_rows", None):
            kept, _, left_out = str(plain_value(frame)).partition("...[")
        assert left_out.endswith(" more characters]")
        assert all(card in line for line in kept.splitlines()[1:])
    with pd.option_context("display.width", None):
        assert card[:8] not in str(plain_value(pd.DataFrame({"a" * 5_000: [card]})))


def test_values_are_those_of_the_moment_of_the_call(logged: Logged) -> None:
    order = Order(1, decimal.Decimal(1))
    shelf = np.zeros(2)
    items = {"tea": [1]}
    raw = bytearray(b"\xff")
    logged.log.info("x", extra={"order": order, "shelf": shelf, "items": items, "raw": raw})
    order.number, shelf[0], raw[0] = 2, 9, 0
    items["tea"].append(2)
    found = logged.attributes
    assert found["order"]["number"] == 1
    assert lists(found["shelf"]) == [0.0, 0.0]
    assert lists(found["items"]) == {"tea": [1]}
    assert found["raw"] == b"\xff"


def test_iterators_are_not_consumed(logged: Logged) -> None:
    numbers = iter(range(3))
    squares = (number * number for number in range(3))
    lines = io.StringIO("a\nb")
    logged.log.info("x", extra={"numbers": numbers, "squares": squares, "pairs": enumerate([1]), "lines": lines})
    found = logged.attributes
    assert [*numbers] == [0, 1, 2]
    assert [*squares] == [0, 1, 4]
    assert lines.read() == "a\nb"
    assert "range_iterator" in found["numbers"]
    assert "generator" in found["squares"]


def test_what_holds_itself_says_so(logged: Logged) -> None:
    endless: dict[str, Any] = {"name": "a"}
    endless["self"] = endless
    parent = Order(1, decimal.Decimal(1))
    parent.lines = [parent]  # type: ignore[list-item]
    logged.log.info("x", extra={"endless": endless, "parent": parent})
    found = logged.attributes
    assert found["endless"] == {"name": "a", "self": "<dict that holds itself>"}
    assert lists(found["parent"]) == {"number": 1, "total": "1", "lines": ["<Order that holds itself>"]}


def test_a_model_that_holds_itself_says_so(logged: Logged) -> None:
    class Node(pydantic.BaseModel):
        children: list[Any] = []
        secret: str = pydantic.Field(repr=False, default="hidden")

    node = Node()
    node.children.append(node)
    logged.log.info("x", extra={"node": node})
    assert lists(logged.attributes["node"]) == {"children": ["<Node that holds itself>"]}


def test_what_an_author_masks_in_a_repr_of_his_own_stays_masked(logged: Logged) -> None:
    class Address(typing.NamedTuple):
        host: str
        password: str

        def __repr__(self) -> str:
            return f"Address({self.host}, ***)"

    @dataclasses.dataclass
    class Connection:
        host: str
        password: str

        def __repr__(self) -> str:
            return f"Connection({self.host}, ***)"

    @dataclasses.dataclass(repr=False)
    class Silent:
        password: str

    class Login(pydantic.BaseModel):
        user: str
        password: str

        def __repr_args__(self) -> Any:
            return [("user", self.user)]

        __str__ = pydantic.BaseModel.__repr__

    class Session(pydantic.BaseModel):
        login: Login

    secret = "pa55word"
    login = Login(user="bob", password=secret)
    values = [Address("db", secret), Connection("db", secret), Silent(secret), login, Session(login=login)]
    logged.log.info("x", extra={f"value{number}": value for number, value in enumerate(values)})
    logged.log.info({"event": "y", "values": values})
    assert secret not in str([dict(record.log_record.attributes) for record in logged.records])
    first = logged.records[0].log_record.attributes
    assert (first["value0"], first["value1"]) == ("Address(db, ***)", "Connection(db, ***)")
    assert first["value4"] == {"login": "Login(user='bob')"}


def test_one_text_held_a_thousand_times_is_bounded() -> None:
    for one in ("y" * 1_000_000, b"\xff" * 1_000_000):
        kept = plain_value([one] * 1_000)
        assert isinstance(kept, list)
        # As much as Dynatrace takes in a request, 10 MB.
        assert [len(each) for each in kept[:11]] == [1_000_000] * 10 + [len("...[further values left out]")]


def test_one_value_that_is_held_twice_is_there_twice(logged: Logged) -> None:
    shared = {"a": 1}
    logged.log.info("x", extra={"pair": [shared, shared]})
    assert lists(logged.attributes["pair"]) == [{"a": 1}, {"a": 1}]


def test_nesting_is_kept_sixteen_levels_deep(logged: Logged) -> None:
    deep: list[Any] = ["the deepest"]
    for _ in range(15):
        deep = [deep]
    logged.log.info("x", extra={"kept": deep, "cut": [deep]})
    kept, cut = logged.attributes["kept"], logged.attributes["cut"]
    for _ in range(15):
        kept, cut = kept[0], cut[0]
    assert kept == ("the deepest",)
    assert cut == ("<list beyond what one value may hold>",)


def test_a_value_of_more_than_sixteen_thousand_elements_is_cut_off(logged: Logged) -> None:
    logged.log.info("x", extra={"rows": [{"n": n} for n in range(1_000_000)], "exact": range(16_384)})
    found = logged.attributes
    assert len(found["rows"]) == 8_193
    assert found["rows"][8_191] == ({"n": 8_191} if KEEPS_MIXED_ARRAYS else '{"n":8191}')
    assert found["rows"][-1] == "...[further values left out]"
    assert found["exact"] == tuple(range(16_384))


def test_objects_that_hold_each_other_many_times_over_end(logged: Logged) -> None:
    tree: list[Any] = []
    model = Account(id=uuid.UUID(int=1), token="t")
    shelf: Any = model
    for _ in range(40):
        tree = [tree, tree]
        shelf = [shelf, shelf]
    model.by_name = {"tree": shelf}
    logged.log.info("x", extra={"tree": tree, "model": model})
    found = logged.attributes
    assert len(str(found["tree"])) < 2_000_000
    assert len(str(found["model"])) < 2_000_000


def test_the_texts_of_many_objects_are_bounded_together(logged: Logged) -> None:
    class Loud:
        def __repr__(self) -> str:
            return "x" * 300_000

    logged.log.info("x", extra={"loud": [Loud() for _ in range(1_000)]})
    texts = logged.attributes["loud"]
    assert len(texts) == 1_000
    assert texts[2] == "x" * 300_000
    # Whole or not at all: what is cut before redaction could hide a part of a secret from it.
    assert texts[3] == "x" * 300_000
    assert set(texts[4:]) == {"...[further values left out]"}


def test_the_text_of_one_object_is_whole() -> None:
    class Loud:
        def __repr__(self) -> str:
            return "x" * 3_000_000

    assert plain_value(Loud()) == "x" * 3_000_000


def test_libraries_that_are_not_there_are_not_imported() -> None:
    import subprocess

    script = (
        "import sys; from dt_otlp_logs.encoding.plain_value import plain_value\n"
        "class A: pass\n"
        "plain_value([A(), {1}, 1j])\n"
        "print(sorted({'numpy', 'pandas', 'pydantic', 'attr', 'attrs'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
