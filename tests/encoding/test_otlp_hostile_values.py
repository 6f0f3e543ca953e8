"""What a record must not be able to do: raise, or cost another value or record."""

import collections
import datetime as dt
import decimal
import enum
import inspect
import itertools
import pathlib
import re
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogRecordMessage
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from dt_otlp_logs.encoding.limits import CLASSIC, GRAIL, Limits
from dt_otlp_logs.encoding.otlp import Encoded, OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, pack

NOW = 1_764_096_771_123_456_789


def readable(body: object = "fine", attributes: object = None, **fields: object) -> ReadableLogRecord:
    record = LogRecord(timestamp=NOW, observed_timestamp=NOW + 1, severity_text="INFO", body=body)
    record.attributes = attributes  # past the constructor, as an application can do, too
    for name, value in fields.items():
        setattr(record, name, value)
    return ReadableLogRecord(record, Resource({"service.name": "shop"}), InstrumentationScope("shop"))


def encode(*records: Any, limits: Limits = GRAIL, **settings: Any) -> tuple[Encoded, list[LogRecordMessage]]:
    encoded = OtlpEncoder(limits, time_ns=lambda: NOW, **settings).encode(records)
    return encoded, messages(encoded)


def messages(encoded: Encoded) -> list[LogRecordMessage]:
    requests = [ExportLogsServiceRequest.FromString(decompress(payload)) for payload in pack(encoded.groups)]
    return [
        record
        for request in requests
        for resource_logs in request.resource_logs
        for scope_logs in resource_logs.scope_logs
        for record in scope_logs.log_records
    ]


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(element) for element in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


class Raises:
    def __init__(self, error: Callable[[], BaseException] = lambda: RuntimeError("no")) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error()

    __repr__ = __str__


class ReturnsNoText:
    def __repr__(self) -> Any:
        return 7

    __str__ = __repr__


class HostileText(str):
    __slots__ = ()

    def _no(self, *_: object, **__: object) -> Any:
        raise RuntimeError("no")

    __str__ = __repr__ = __len__ = __eq__ = __hash__ = encode = __format__ = __iter__ = _no  # type: ignore[assignment]


class HostileName(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def encode(self, *_: object, **__: object) -> Any:
        raise RuntimeError("no")

    __str__ = __len__ = encode  # type: ignore[assignment]


class HostileInt(int):
    def _no(self, *_: object) -> Any:
        raise RuntimeError("no")

    __int__ = __index__ = __str__ = __repr__ = __eq__ = __hash__ = __lt__ = __le__ = __bool__ = _no  # type: ignore[assignment]


class HostileDict(dict):  # type: ignore[type-arg]
    def _no(self, *_: object) -> Any:
        raise RuntimeError("no")

    items = keys = values = __iter__ = __len__ = __repr__ = copy = _no  # type: ignore[assignment]


class HostileList(list):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[object]:
        raise RuntimeError("no")


class Endless(collections.UserList):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[object]:
        return itertools.count()


class ChangesWhileRead(collections.UserDict):  # type: ignore[type-arg]
    def items(self) -> Any:
        for key in self.data:
            self.data[f"{key}+"] = 1
            yield key, 1


class HostileMeta(type):
    @property
    def __name__(cls) -> str:
        raise RuntimeError("no")

    def __instancecheck__(cls, instance: object) -> bool:
        raise RuntimeError("no")


class Nameless(metaclass=HostileMeta):
    __repr__ = Raises.__repr__
    error = staticmethod(lambda: RuntimeError("no"))

    @property
    def __class__(self) -> Any:
        raise RuntimeError("no")


class Colour(enum.Enum):
    RED = "red"
    SELF = Raises()


class NumpyScalar:
    """What numpy's and pandas' scalars have in common; numpy itself is not needed."""

    dtype = type("dtype", (), {"kind": "i"})()
    shape = ()

    def item(self) -> object:
        return 42


class NumpyArray(NumpyScalar):
    shape = (3,)

    def __repr__(self) -> str:
        return "array([1, 2, 3])"


def cyclic_list() -> list[object]:
    value: list[object] = [1]
    value.append(value)
    return value


def cyclic_dict() -> dict[str, object]:
    value: dict[str, object] = {}
    value["me"] = {"again": value}
    return value


def nested(levels: int) -> object:
    value: object = "core"
    for _ in range(levels):
        value = {"in": [value]}
    return value


def doubling(levels: int) -> object:
    value: object = ["x"]
    for _ in range(levels):
        value = [value, value]
    return value


UNKNOWN = object()
A_UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")

# What becomes of a value: the exact plain value, or UNKNOWN for "some text".
HOSTILE: dict[str, tuple[object, object]] = {
    "object": (object(), UNKNOWN),
    "exception": (ValueError("bad"), "ValueError('bad')"),
    "class": (int, "<class 'int'>"),
    "Decimal": (decimal.Decimal("1.50"), "1.50"),
    "datetime": (dt.datetime(2026, 11, 25, 18, 52, tzinfo=dt.timezone.utc), "2026-11-25T18:52:00+00:00"),
    "date": (dt.date(2026, 11, 25), "2026-11-25"),
    "UUID": (A_UUID, str(A_UUID)),
    "Path": (pathlib.PurePosixPath("/var/log"), "/var/log"),
    "Enum": (Colour.RED, "red"),
    "Enum of something that raises": (Colour.SELF, UNKNOWN),
    "set": ({7}, [7]),
    "frozenset": (frozenset({"a"}), ["a"]),
    "int beyond 64 bits": (2**64, str(2**64)),
    "negative int beyond 64 bits": (-(2**63) - 1, str(-(2**63) - 1)),
    "int of 100,000 bits": (2**100_000, UNKNOWN),
    "complex": (1j, "1j"),
    "generator": ((letter for letter in "ab"), UNKNOWN),
    "lone surrogate": ("bad \ud800 text", "bad \\ud800 text"),
    "dict with a datetime": ({"at": dt.date(2026, 1, 2), "n": 1}, {"at": "2026-01-02", "n": 1}),
    "list with an object": ([1, Raises(), "x"], UNKNOWN),
    "lone surrogate as a key": ({"\udfff": 1}, {"\\udfff": 1}),
    "numpy scalar": (NumpyScalar(), 42),
    "numpy array": (NumpyArray(), "array([1, 2, 3])"),
    "__repr__ raises": (Raises(), "<Raises that cannot be shown: RuntimeError>"),
    "__repr__ raises RecursionError": (Raises(RecursionError), "<Raises that cannot be shown: RecursionError>"),
    "__repr__ raises MemoryError": (Raises(MemoryError), "<Raises that cannot be shown: MemoryError>"),
    "__repr__ returns no text": (ReturnsNoText(), UNKNOWN),
    "key that raises": ({Raises(): 1}, {"<Raises that cannot be shown: RuntimeError>": 1}),
    "dict subclass that raises": (HostileDict(a=1), UNKNOWN),
    "list subclass that raises": (HostileList([1]), UNKNOWN),
    "class without a name": (Nameless(), UNKNOWN),
    "list that holds itself": (cyclic_list(), [1, "<list that holds itself>"]),
    "dict that holds itself": (cyclic_dict(), {"me": {"again": "<dict that holds itself>"}}),
    "1,000 levels": (nested(1_000), UNKNOWN),
    "2**40 elements": (doubling(25), UNKNOWN),
    "endless": (Endless(), UNKNOWN),
    "changes while read": (ChangesWhileRead(a=1), UNKNOWN),
    "repr of 1 MB": (collections.Counter({"x" * 1_000_000: Raises}), UNKNOWN),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("where", ["body", "attribute", "bounded attribute", "in a list"])
def test_a_hostile_value_becomes_text_and_its_neighbours_stay(name: str, where: str) -> None:
    value, expected = HOSTILE[name]
    if where == "body":
        record = readable(value, {"before": 1, "after": "x"})
    elif where == "attribute":
        record = readable("fine", {"before": 1, "odd": value, "after": "x"})
    elif where == "bounded attribute":
        # As it is without the SDK's own cleaning, which a processor may have written past.
        attributes = BoundedAttributes(attributes={"before": 1, "odd": None, "after": "x"}, immutable=False)
        attributes._dict["odd"] = value  # type: ignore[assignment]
        record = readable("fine", attributes)
    else:
        record = readable(["first", value, "last"], {"before": 1, "after": "x"})
    encoded, (first, odd, last) = encode(readable("first"), record, readable("last"))
    attributes = {pair.key: plain(pair.value) for pair in odd.attributes}
    got = {
        "body": plain(odd.body),
        "in a list": plain(odd.body)[1] if where == "in a list" else None,
    }.get(where, attributes.get("odd"))
    if expected is not UNKNOWN:
        assert got == expected
    assert got not in (None, "")
    assert (attributes["before"], attributes["after"]) == (1, "x")
    assert (first.body.string_value, last.body.string_value) == ("first", "last")
    if name != "repr of 1 MB":
        assert encoded.replaced >= 1
    assert encoded.lost == 0


def test_bytes_alikes_are_bytes_and_lose_nothing() -> None:
    encoded, (record,) = encode(readable([bytearray(b"ab"), memoryview(b"cd")]))
    assert plain(record.body) == [b"ab", b"cd"]
    assert encoded.replaced == 0


def test_subclasses_that_raise_in_every_method_are_read_by_their_plain_value() -> None:
    _, (record,) = encode(readable(HostileText("text"), {"i": [HostileInt(5)]}))
    assert plain(record.body) == "text"
    assert plain(record.attributes[0].value) == [5]


class HostileRecord:
    """Every property raises."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.parametrize("kind", [type(None), int, str, HostileRecord, object])
def test_what_is_no_record_at_all_is_replaced_by_one_that_says_so(kind: type) -> None:
    record = kind()
    encoded, (before, odd, after) = encode(readable("a"), record, readable("b"))
    found = {message.body.string_value for message in (before, odd, after)}
    assert {"a", "b"} < found
    stand_in = (found - {"a", "b"}).pop()
    assert stand_in.startswith("[dt_otlp_logs: this record could not be encoded")
    assert encoded.replaced >= 1
    assert all(message.time_unix_nano == NOW for message in (before, odd, after))


class RaisingAttributes(Mapping):  # type: ignore[type-arg]
    def __getitem__(self, key: str) -> object:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __len__(self) -> int:
        return 1


class EndlessAttributes(RaisingAttributes):
    def __getitem__(self, key: str) -> object:
        return 1

    def __iter__(self) -> Iterator[str]:
        return (f"k{number}" for number in itertools.count())


class LogRecordWithoutBody(LogRecord):
    @property
    def body(self) -> Any:
        raise RuntimeError("no")

    @body.setter
    def body(self, _: object) -> None:
        pass


def test_a_record_that_fails_keeps_its_time_severity_and_trace() -> None:
    broken = LogRecordWithoutBody(timestamp=NOW, severity_text="ERROR", severity_number=SeverityNumber.ERROR)
    broken.trace_id, broken.span_id = 5, 6
    odd = ReadableLogRecord(broken, Resource({}), None)
    encoded, (message,) = encode(odd)
    assert message.time_unix_nano == NOW
    assert message.severity_number == 17
    assert message.severity_text == "ERROR"
    assert message.trace_id == (5).to_bytes(16, "big")
    assert message.span_id == (6).to_bytes(8, "big")
    assert message.body.string_value == "[dt_otlp_logs: this record could not be encoded: RuntimeError]"
    assert encoded.replaced == 1


@pytest.mark.parametrize(
    "attributes", ["text", ["a"], 7, object(), RaisingAttributes()], ids=["text", "list", "int", "object", "raises"]
)
def test_attributes_that_cannot_be_read_become_one_text(attributes: object) -> None:
    encoded, (message,) = encode(readable("x", attributes))
    assert message.body.string_value == "x"
    assert [pair.key for pair in message.attributes] == ["attributes"]
    assert encoded.replaced == 1


def test_attributes_without_end_are_taken_until_there_are_more_than_anyone_keeps() -> None:
    encoded, (message,) = encode(readable("x", EndlessAttributes()))
    # 500 at the server, two of them the resource's and the scope's name; of 10,000 that were looked at.
    assert len(message.attributes) == 498
    assert plain(message.attributes[-1].value) == ["attr_count_trimmed: 9503"]
    assert (encoded.replaced, encoded.truncated) == (1, 9_503)


@pytest.mark.parametrize("where", ["body", "attribute"])
def test_nesting_stays_within_what_every_protobuf_parser_takes(where: str) -> None:
    value: object = "core"
    for _ in range(200):
        value = {"in": value}
    # protobuf's own parser, which refuses the whole request beyond 100 messages inside each other, reads it here.
    encoded, found = encode(readable("a"), readable(value) if where == "body" else readable("b", {"deep": value}))
    assert len(found) == 2
    assert encoded.replaced == 1


def test_a_stack_that_is_nearly_full_costs_at_most_the_record() -> None:
    encoder = OtlpEncoder(GRAIL)
    batch = [readable("x", {"a": [1, {"b": dt.date(2026, 1, 1)}]})]
    outcomes = set()

    def with_frames_left(frames: int) -> None:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(len(inspect.stack(0)) + frames)
        try:
            encoded = encoder.encode(batch)
        finally:
            sys.setrecursionlimit(limit)
        (message,) = messages(encoded)
        outcomes.add(message.body.string_value[:20])

    for frames in range(16, 44):
        with_frames_left(frames)
    assert outcomes == {"x", "[dt_otlp_logs: this "}


def test_attribute_names_that_are_no_text_are_written_as_text() -> None:
    encoded, (message,) = encode(readable("x", {7: 1, HostileName("b"): 2, None: 3, "\ud800": 4, "": 5}))
    assert [pair.key for pair in message.attributes] == ["7", "b", "None", "\\ud800", ""]
    assert encoded.replaced == 3
    assert [plain(pair.value) for pair in message.attributes] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trace_id", -1),
        ("trace_id", 2**128),
        ("trace_id", "abc"),
        ("span_id", 2**64),
        ("span_id", 1.5),
        ("trace_flags", -1),
        ("trace_flags", 2**32),
        ("severity_number", 99),
        ("severity_number", "INFO"),
        ("timestamp", -5),
        ("timestamp", 2**64),
        ("timestamp", 1.5e18),
        ("observed_timestamp", "now"),
    ],
)
def test_a_field_out_of_range_is_left_out_and_counted(field: str, value: object) -> None:
    encoded, (message,) = encode(readable("kept", None, **{field: value}))
    assert message.body.string_value == "kept"
    assert encoded.replaced == 1
    name = {"timestamp": "time_unix_nano", "observed_timestamp": "observed_time_unix_nano", "trace_flags": "flags"}
    stored = getattr(message, name.get(field, field))
    assert stored == (NOW + 1 if field == "timestamp" else b"" if "_id" in field else 0)


@pytest.mark.parametrize(
    ("timestamp", "observed", "expected"), [(None, 7, 7), (0, 7, 7), (None, None, NOW), (0, 0, NOW), (3, 7, 3)]
)
def test_the_time_is_never_0(timestamp: object, observed: object, expected: int) -> None:
    encoded, (message,) = encode(readable("x", None, timestamp=timestamp, observed_timestamp=observed))
    assert message.time_unix_nano == expected
    assert encoded.groups[0].times == (expected,)
    assert encoded.replaced == 0


@pytest.mark.parametrize(("number", "expected"), [(9, 9), (SeverityNumber.WARN, 13), (None, 0), (0, 0), (24, 24)])
def test_a_severity_number_may_be_a_plain_integer(number: object, expected: int) -> None:
    encoded, (message,) = encode(readable("x", None, severity_number=number))
    assert message.severity_number == expected
    assert encoded.replaced == 0


def test_content_and_attribute_values_are_cut_at_characters_and_say_how_much_is_missing() -> None:
    encoded, (message,) = encode(readable("ä" * 10_000, {"long": "€" * 1_000, "in": ["x" * 300]}), limits=CLASSIC)
    body = message.body.string_value
    assert len(body.encode()) <= 8_192
    kept = body.rstrip("]abcdefghijklmnopqrstuvwxyz0123456789 [.")
    assert body == f"{kept}...[truncated {20_000 - len(kept.encode())} bytes]"
    assert set(kept) == {"ä"}
    values = {pair.key: plain(pair.value) for pair in message.attributes}
    assert len(values["long"].encode()) <= 250
    assert values["long"].endswith(" bytes]")
    assert len(values["in"][0]) <= 250
    assert encoded.truncated == 3
    assert encoded.replaced == 0


def test_redacted_text_leaves_nowhere() -> None:
    patterns = (re.compile(r"\b\d{16}\b"), re.compile("token=[^ &]+"))
    secret = "4111111111111111"
    odd = readable(
        f"card {secret} token=abc",
        {"card": secret, "deep": {"list": [f"x {secret}", {"k": f"token={secret}"}]}, "odd": ValueError(secret)},
    )
    encoded, (message,) = encode(odd, redact=patterns)
    assert message.body.string_value == "card *** ***"
    assert {pair.key: plain(pair.value) for pair in message.attributes} == {
        "card": "***",
        "deep": {"list": ["x ***", {"k": "***"}]},
        "odd": "ValueError('***')",
    }
    assert not any(secret.encode() in record for record in encoded.groups[0].records)


def test_a_level_that_is_kept_beside_the_word_is_redacted_like_any_text() -> None:
    _, (message,) = encode(readable("x", None, severity_text="token=abc"), redact=(re.compile("token=[^ &]+"),))
    assert {pair.key: plain(pair.value) for pair in message.attributes} == {"log.raw_level": "***"}
    assert message.severity_text == ""


def test_a_record_that_uses_up_its_allowance_still_says_what_was_cut() -> None:
    encoded, (message,) = encode(readable(doubling(25), {"long": "x" * 40_000, "content": 1}))
    attributes = {pair.key: plain(pair.value) for pair in message.attributes}
    assert attributes["dt_otlp_logs.warnings"] == ["attr_val_size_trimmed"]
    assert attributes["overwritten1.content"] == 1
    assert encoded.truncated == 1


def test_a_cut_leaves_no_half_of_a_secret() -> None:
    odd = ValueError("x" * 4_075 + "4111111111111111")
    card = re.compile(r"4\d{15}")
    body = "x" * 8_150 + "4111111111111111" + "y" * 99
    _, (message,) = encode(readable(body), limits=CLASSIC, redact=(card,))
    assert "41" not in message.body.string_value.partition("...[")[0]
    _, (message,) = encode(readable("x", {"odd": odd}), redact=(card,))
    assert "41" not in plain(message.attributes[0].value).partition("...[")[0]


@pytest.mark.parametrize("pattern", [re.compile("x*"), re.compile(b"x")])
def test_a_pattern_that_cannot_redact_is_refused(pattern: Any) -> None:
    with pytest.raises(ValueError, match="cannot redact"):
        OtlpEncoder(GRAIL, redact=(pattern,))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_not_swallowed(error: type[BaseException]) -> None:
    with pytest.raises(error):
        encode(readable(Raises(error)))


def test_what_was_replaced_is_counted_in_every_batch_also_when_values_repeat() -> None:
    encoder = OtlpEncoder(CLASSIC)
    odd = readable("x", {"s": "\ud800", "big": 2**70, "long": "x" * 300})
    assert [(e.replaced, e.truncated) for e in (encoder.encode([odd]), encoder.encode([odd]))] == [(2, 1)] * 2


def test_resources_and_scopes_that_raise_do_not_cost_their_records() -> None:
    record = readable("kept").log_record
    odd: Any = [ReadableLogRecord(record, HostileRecord(), HostileRecord()), ReadableLogRecord(record, None, None)]  # type: ignore[arg-type]
    encoded, found = encode(*odd, readable("fine"))
    assert sorted(message.body.string_value for message in found) == ["fine", "kept", "kept"]
    assert encoded.replaced >= 1
    request = ExportLogsServiceRequest.FromString(decompress(pack(encoded.groups)[0]))
    unreadable = request.resource_logs[0]
    assert [pair.key for pair in unreadable.resource.attributes] == ["dt_otlp_logs.unreadable"]
    assert unreadable.scope_logs[0].scope.name == "dt_otlp_logs.unreadable"


def test_caches_stay_within_their_bounds() -> None:
    encoder = OtlpEncoder(GRAIL)
    for number in range(400):
        batch = [
            ReadableLogRecord(
                LogRecord(timestamp=1, body="x", severity_text=f"L{number}-{index}"),
                Resource({"n": number, "i": index}),
                InstrumentationScope(f"s{number}.{index}"),
            )
            for index in range(5)
        ]
        for index, item in enumerate(batch):
            item.log_record.attributes = {f"key{number}": f"v{index}", "id": number * 5 + index, f"k{index}": "x" * 50}
        encoder.encode(batch)
    names = encoder._records._attributes._names
    assert len(names) + sum(len(name.fields) for name in names.values()) <= 8_192
    assert len(names["id"].fields) <= 256
    assert len(encoder._owners._remembered) <= 512
    assert len(encoder._records._fields._severities) <= 256
