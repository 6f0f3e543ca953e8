"""The encoder's messages against those of OpenTelemetry's own, over anything that Dynatrace keeps as it is.

That is: the severity text is a word that Dynatrace reads as what the number means, no limit is broken, and no name is
there twice or is one that the server fills. What is done about the rest has tests of its own.
"""

import enum
import functools
from collections import OrderedDict, UserDict, UserList, deque, namedtuple
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import TraceFlags

from dt_otlp_logs.encoding.limits import GRAIL
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, seal

NANOSECONDS = st.integers(1, 2**64 - 1)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.binary(max_size=20)
    | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
# What Dynatrace fills itself, or would take for a loglevel, a timestamp or a trace link.
SPECIAL = {"content", "timestamp", "status", "loglevel", "trace_id", "span_id", "event.name"}
NAMES = st.sampled_from(["", "order.id", "größe", "code.line.number"]) | st.text(max_size=10).filter(
    lambda name: name.lower() not in SPECIAL and not name.startswith(("r.", "s."))
)


def levels(value: object) -> int:
    """How many maps there are inside each other; those in an array become text, as JSON, in any case."""
    return 1 + max(map(levels, value.values()), default=0) if isinstance(value, dict) else 0


def attributes(prefix: str) -> st.SearchStrategy[dict[str, object]]:
    """Names with a prefix are those of no other owner, and none that the server fills. Five levels with the name's."""
    names = NAMES.map(prefix.__add__)
    return st.dictionaries(names, VALUES.filter(lambda value: levels(value) <= 4), max_size=6)


# The statuses that the words have by Dynatrace's table: INFO up to 12, WARN up to 16, ERROR from 17.
INFO, WARN, ERROR = (list(SeverityNumber)[first:last] for first, last in ((1, 13), (13, 17), (17, 25)))
SEVERITIES = (
    st.tuples(st.sampled_from(["TRACE", "DEBUG", "INFO", "NOTICE"]), st.sampled_from(INFO))
    | st.tuples(st.just("WARN"), st.sampled_from(WARN))
    | st.tuples(st.sampled_from(["ERROR", "SEVERE", "CRITICAL", "ALERT", "EMERGENCY"]), st.sampled_from(ERROR))
    | st.tuples(st.sampled_from(["INFO", "WARN", "EMERGENCY"]), st.sampled_from([None, SeverityNumber.UNSPECIFIED]))
    | st.tuples(st.sampled_from([None, ""]), st.sampled_from([None, SeverityNumber.UNSPECIFIED]))
)
URLS = st.sampled_from([None, "", "https://opentelemetry.io/schemas/1.30.0", "https://example.test/ü"])
RESOURCES = st.builds(Resource, attributes("r."), URLS)
SCOPES = st.none() | st.builds(
    InstrumentationScope,
    st.text(max_size=10),
    st.none() | st.text(max_size=5),
    URLS,
    st.dictionaries(NAMES.map("s.".__add__), st.text(max_size=8), max_size=3),
)


@st.composite
def log_records(draw: st.DrawFn) -> LogRecord:
    own: Any = draw(st.none() | attributes(""))
    if own is not None and draw(st.booleans()):
        own = BoundedAttributes(
            maxlen=draw(st.sampled_from([None, 128])), attributes={name: own[name] for name in own if name}
        )
    text, number = draw(SEVERITIES)
    record = LogRecord(
        timestamp=draw(NANOSECONDS),
        observed_timestamp=draw(NANOSECONDS),
        severity_text=text,
        severity_number=number,
        body=draw(VALUES.filter(lambda value: levels(value) <= 5)),
        attributes=own,
        event_name=draw(st.none() | st.text(max_size=10)),
    )
    record.trace_id = draw(st.just(0) | st.integers(1, 2**128 - 1))
    record.span_id = draw(st.just(0) | st.integers(1, 2**64 - 1))
    record.trace_flags = draw(
        st.sampled_from([TraceFlags(0), TraceFlags(1), TraceFlags(255)]) | st.integers(0, 2**32 - 1)
    )
    return record


def content_of(owner: object) -> tuple[str, ...]:
    """What a resource or scope says; NaN and NaN say the same."""
    said = [repr(getattr(owner, part, None)) for part in ("name", "version", "schema_url")]
    return (*said, repr(dict(getattr(owner, "attributes", None) or {})), str(owner is None))


@st.composite
def batches(draw: st.DrawFn) -> list[ReadableLogRecord]:
    # Alike ones are one: where NaN is inside, the stock exporter takes two equal resources for different ones (NaN is
    # not equal to itself) and sends them twice, while ours compares what is sent.
    resources = draw(st.lists(RESOURCES, min_size=1, max_size=3, unique_by=content_of))
    scopes = draw(st.lists(SCOPES, min_size=1, max_size=3, unique_by=content_of))
    owners = st.tuples(st.sampled_from(resources), st.sampled_from(scopes))
    return [
        ReadableLogRecord(record, resource, scope)
        for record, (resource, scope) in draw(st.lists(st.tuples(log_records(), owners), max_size=8))
    ]


def stock_bytes(batch: list[ReadableLogRecord]) -> bytes:
    return encode_logs(batch).SerializeToString(deterministic=True)


def our_bytes(encoder: OtlpEncoder, batch: list[ReadableLogRecord]) -> bytes:
    """Our request as protobuf reads and writes it: equal messages are equal bytes then, even where NaN is inside."""
    encoded = encoder.encode(batch)
    assert encoded.replaced == encoded.truncated == encoded.lost == 0
    request = ExportLogsServiceRequest.FromString(decompress(seal(encoded.groups)))
    return request.SerializeToString(deterministic=True)


# One for all examples: what one batch left in a cache must not show in the next.
ENCODER = OtlpEncoder(GRAIL)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches())
def test_every_valid_batch_becomes_the_same_messages_as_by_the_stock_encoder(
    batch: list[ReadableLogRecord],
) -> None:
    assert our_bytes(ENCODER, batch) == stock_bytes(batch)


def test_two_resources_that_say_the_same_are_sent_once_even_with_nan_inside() -> None:
    def record() -> ReadableLogRecord:
        return ReadableLogRecord(LogRecord(timestamp=1, body="x"), Resource({"x": float("nan")}), None)

    assert len(OtlpEncoder(GRAIL).encode([record(), record()]).groups) == 1


@given(batches())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_batch_encoded_twice_is_the_same_the_second_time(batch: list[ReadableLogRecord]) -> None:
    encoder = OtlpEncoder(GRAIL)
    assert encoder.encode(batch) == encoder.encode(batch)


class Colour(enum.IntEnum):
    RED = 7


class Shape(str, enum.Enum):
    ROUND = "round"


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


class Half(float):
    __slots__ = ()


Point = namedtuple("Point", "x y")  # noqa: PYI024 - the plain kind is what applications log


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(value, id=name)
        for name, value in {
            "IntEnum": Colour.RED,
            "text Enum": Shape.ROUND,
            "subclass of str": Loud("quiet"),
            "subclass of float": Half(0.5),
            "namedtuple": Point(1, "two"),
            "OrderedDict": OrderedDict(a=1, b=[]),
            "Mapping that is no dict": UserDict(a=UserDict(b=None)),
            "Sequence that is no list": UserList([1, UserList([])]),
            "range": range(3),
            "deque": deque([1, b"2"]),
            "int keys": {1: "one", None: "none", (1, 2): "pair"},
            "4 levels": functools.reduce(lambda inner, _: {"in": inner}, range(4), "core"),
            "10 kB of text": "ü" * 5_000,
            "2 kB of bytes": b"\x00\xff" * 1_000,
            "32 elements": list(range(32)),
            "same list twice": [["a"]] * 2,
            "smallest int": -(2**63),
            "largest int": 2**63 - 1,
            "2**28": 2**28,
            "2**21 - 1": 2**21 - 1,
        }.items()
    ],
)
def test_what_the_stock_encoder_takes_is_taken_alike(value: object) -> None:
    record = LogRecord(timestamp=1, observed_timestamp=2, body=value, attributes={"a": value, "b": "plain"})
    batch = [ReadableLogRecord(record, Resource({"r": "x"}), None)]
    assert our_bytes(OtlpEncoder(GRAIL), batch) == stock_bytes(batch)


def test_maps_are_left_alone_where_dynatrace_keeps_them_as_they_are() -> None:
    value = functools.reduce(lambda inner, _: {"in": inner, "n": list(range(100))}, range(29), "core")
    record = LogRecord(timestamp=1, body=value, attributes={"a": value})
    batch = [ReadableLogRecord(record, Resource({"r": "x"}), None)]
    assert our_bytes(OtlpEncoder(GRAIL, structure="raw"), batch) == stock_bytes(batch)


def test_an_array_as_the_body_has_no_limit_but_that_of_content() -> None:
    batch = [ReadableLogRecord(LogRecord(timestamp=1, body=list(range(10_000))), Resource({}), None)]
    assert our_bytes(OtlpEncoder(GRAIL), batch) == stock_bytes(batch)


def test_equal_resources_and_scopes_are_grouped_even_if_they_are_different_objects() -> None:
    batch = [
        ReadableLogRecord(
            LogRecord(timestamp=1 + index, body=str(index)),
            Resource({"a": 1, "b": 2} if index % 2 else {"b": 2, "a": 1}),
            InstrumentationScope("shop", attributes={"k": index % 3}),
        )
        for index in range(12)
    ]
    assert len(OtlpEncoder(GRAIL).encode(batch).groups) == 3
    assert our_bytes(OtlpEncoder(GRAIL), batch) == stock_bytes(batch)


def test_dropped_attributes_are_reported_as_by_the_stock_encoder_and_in_words() -> None:
    attributes = BoundedAttributes(maxlen=2, attributes={"a": 1, "b": 2, "c": 3, "d": 4})
    batch = [ReadableLogRecord(LogRecord(timestamp=1, body="x", attributes=attributes), Resource({}), None)]
    ours, stock = (
        ExportLogsServiceRequest.FromString(request).resource_logs[0].scope_logs[0].log_records[0]
        for request in (decompress(seal(OtlpEncoder(GRAIL).encode(batch).groups)), stock_bytes(batch))
    )
    assert ours.dropped_attributes_count == stock.dropped_attributes_count == 2
    warnings = ours.attributes.pop()
    assert warnings.key == "dt_otlp_logs.warnings"
    assert [each.string_value for each in warnings.value.array_value.values] == ["attr_count_trimmed: 2"]
    assert list(ours.attributes) == list(stock.attributes)
