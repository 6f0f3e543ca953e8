"""Bodies and attributes of every kind of OpenTelemetry's AnyValue, as other sources than logging emit them.

Sources: OpenTelemetry's data model (`AnyValue`), "Ingest OTLP logs", docs.dynatrace.com (body and attribute values).
"""

import math
import time
from datetime import datetime, timezone
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber

from records.documented import json_text
from records.row import ANYTHING, KEEPS_MIXED_ARRAYS, Check, Row, attribute, body, has, one_of

VALUES: dict[str, tuple[Any, Any]] = {
    "none": (None, None),
    "true": (True, True),
    "false": (False, False),
    "zero": (0, 0),
    "int": (42, 42),
    "int64-max": (2**63 - 1, 2**63 - 1),
    "int64-min": (-(2**63), -(2**63)),
    "int64-beyond": (2**63, str(2**63)),
    "int64-below": (-(2**63) - 1, str(-(2**63) - 1)),
    "float": (1.5, 1.5),
    "float-integral": (3.0, 3.0),
    "float-minus-zero": (-0.0, -0.0),
    "float-subnormal": (5e-324, 5e-324),
    "float-max": (1.7976931348623157e308, 1.7976931348623157e308),
    "float-nan": (math.nan, "NaN"),
    "float-inf": (math.inf, "Infinity"),
    "float-minus-inf": (-math.inf, "-Infinity"),
    "text": ("tea", "tea"),
    "text-empty": ("", ""),
    "bytes": (b"\x00\xff", b"\x00\xff"),
    "bytes-empty": (b"", ""),
    "list-empty": ([], []),
    "list-ints": ([1, 2], [1, 2]),
    "list-floats": ([1.5, 2.5], [1.5, 2.5]),
    "list-bools": ([True, False], [True, False]),
    "list-texts": (["a", "b"], ["a", "b"]),
    "list-none": (["a", None], ["a", None]),
    "list-mixed": ([1, "a", True, None], [1, "a", True, None]),
    "list-bytes": ([b"\x00\xff"], [b"\x00\xff"]),
    "list-lists": ([[1], ["a"]], [[1], ["a"]]),
    "list-maps": ([{"a": 1}, {"b": "x"}], [{"a": 1}, {"b": "x"}]),
    "list-nan": (["a", math.nan], ["a", math.nan]),
    "map": ({"a": 1, "b": "x"}, {"a": 1, "b": "x"}),
    "map-nested": ({"a": {"b": {"c": True}}}, {"a": {"b": {"c": True}}}),
    "map-list": ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}),
    "map-none": ({"a": None}, {"a": None}),
    "map-bytes": ({"a": b"\x00\xff"}, {"a": b"\x00\xff"}),
}

ATTRIBUTES = [
    attribute(id_, given, expected)
    for id_, (given, expected) in VALUES.items()
    if KEEPS_MIXED_ARRAYS or id_ not in ("list-mixed", "list-nan", "map-list")
]

# A map with nothing in it is JSON text when raw; what it is when flattened is not documented.
EMPTY_MAP = [
    Row(
        "attribute-map-empty",
        lambda source: source.otel.emit(body="kept", attributes=source.extra(value={})),
        {"content": "kept"},
    )
]

BODIES: dict[str, tuple[Any, Any]] = {
    "none": (None, ""),
    "true": (True, "true"),
    "false": (False, "false"),
    "zero": (0, "0"),
    "int": (42, "42"),
    "int64-max": (2**63 - 1, str(2**63 - 1)),
    "int64-min": (-(2**63), str(-(2**63))),
    "int64-beyond": (2**63, str(2**63)),
    "int-huge": (10**60, str(10**60)),
    "float": (1.5, "1.5"),
    "float-minus-zero": (-0.0, "-0.0"),
    "float-large": (1e300, Check("1e300 as text", lambda text: float(text) == 1e300)),
    "float-nan": (math.nan, "NaN"),
    "float-inf": (math.inf, one_of("Infinity", "inf")),
    "text": ("tea", "tea"),
    "text-empty": ("", ""),
    "bytes": (b"\x00\xff", "AP8="),
    "list-empty": ([], json_text([])),
    "list": ([1, "a", None, True, 1.5], json_text([1, "a", None, True, 1.5])),
    "list-bytes": ([b"\x00\xff"], json_text([b"\x00\xff"])),
    "list-nested": ([[1], {"a": [2]}], json_text([[1], {"a": [2]}])),
    "list-40": (list(range(40)), Check("40 numbers, or 32 of them", lambda text: "31" in text)),
}

BODY_ROWS = [body(id_, given, expected) for id_, (given, expected) in BODIES.items()]


def map_body(id_: str, value: dict[str, Any], flattened_content: Any, leaves: dict[str, Any]) -> list[Row]:
    """Raw keeps it whole as JSON text; flattened takes it apart. By whichever route, it is the same."""

    def call(source: Any) -> None:
        source.otel.emit(body=value, attributes=source.extra())

    def as_documented(record: dict[str, Any]) -> bool:
        if record["content"] == json_text(value):
            return True
        kept = {name: record.get(name) for name in leaves}
        as_text = {name: as_strings(leaf) for name, leaf in leaves.items()}
        return record["content"] == flattened_content and kept in (leaves, as_text)

    return [Row(f"body-map-{id_}", call, holds=as_documented)]


def as_strings(value: Any) -> Any:
    return list(map(str, value)) if isinstance(value, list) else str(value)


MAP_BODIES = [
    *map_body("message", {"message": "paid", "order": 42}, "paid", {"order": 42}),
    *map_body("content", {"content": "paid", "order": 42}, "paid", {"order": 42}),
    *map_body("log", {"log": "paid", "a": {"b": "x"}}, "paid", {"a.b": "x"}),
    *map_body("no-text", {"order": 42, "by": "me"}, "", {"order": 42, "by": "me"}),
    *map_body("nested", {"message": "m", "a": {"b": {"c": 1}}}, "m", {"a.b.c": 1}),
    *map_body("list", {"message": "m", "a": [1, 2]}, "m", {"a": [1, 2]}),
    *map_body("empty", {}, "", {}),
]


def with_fields(id_: str, fields: dict[str, Any], expected: dict[str, Any], **more: Any) -> Row:
    """A whole record as another source fills it."""
    return Row(
        f"record-{id_}",
        lambda source: source.otel.emit(LogRecord(attributes=source.extra(), **fields)),
        expected,
        **more,
    )


SECOND = 1_000_000_000
NOW = time.time_ns()
MILLISECONDS = datetime.fromtimestamp(NOW // SECOND, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + (
    f".{NOW % SECOND // 1_000_000:03}"
)
WHOLE = [
    with_fields("time", {"body": "a", "timestamp": NOW}, {"timestamp": has(MILLISECONDS)}),
    with_fields("observed", {"body": "a", "observed_timestamp": NOW}, {"timestamp": has(MILLISECONDS)}),
    with_fields("nothing", {}, {"content": "", "loglevel": "NONE", "status": "NONE", "timestamp": ANYTHING}),
    with_fields("body-only", {"body": "a"}, {"content": "a"}),
    with_fields("event-name", {"body": "a", "event_name": "order.paid"}, {"event.name": "order.paid"}),
    with_fields("event-name-empty", {"body": "a", "event_name": ""}, {"content": "a"}),
    with_fields("event-name-hostile", {"body": "a", "event_name": "a\ud800\x00"}, {"event.name": has("a")}),
    with_fields("severity", {"body": "a", "severity_number": SeverityNumber.WARN2}, {"loglevel": "WARN"}),
    with_fields("body-like-level", {"body": "ERROR: a"}, {"status": "NONE", "loglevel": "NONE"}),
    with_fields("negative-time", {"body": "a", "timestamp": -1}, {"content": "a"}),
    with_fields("time-beyond", {"body": "a", "timestamp": 2**70}, {"content": "a"}),
    with_fields("zero-time", {"body": "a", "timestamp": 0, "observed_timestamp": 0}, {"timestamp": ANYTHING}),
    with_fields("old", {"body": "a", "timestamp": SECOND}, {"content": "a", "log.original_timestamp": ANYTHING}),
]


ROWS: list[Row] = [*ATTRIBUTES, *EMPTY_MAP, *BODY_ROWS, *MAP_BODIES, *WHOLE]
