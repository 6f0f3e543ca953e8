"""OTLP requests as JSON events: the documented mapping, and JSON that every parser takes."""

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from dt_otlp_logs.encoding import events
from dt_otlp_logs.encoding.events import encode_json, to_events

TIME = 1_764_096_771_123_999_999
TIMESTAMP = "2025-11-25T18:52:51.123Z"  # date --utc --date=@1764096771


def any_value(value: object) -> AnyValue:
    if value is None:
        return AnyValue()
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(element) for element in value]))
    kind = {bool: "bool_value", str: "string_value", int: "int_value", float: "double_value", bytes: "bytes_value"}
    return AnyValue(**{kind[type(value)]: value})  # type: ignore[arg-type]


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def request(
    body: object = "text",
    attributes: dict[str, Any] | None = None,
    *,
    resource: dict[str, Any] | None = None,
    scope: dict[str, Any] | None = None,
    scope_name: str = "",
    **fields: Any,
) -> bytes:
    fields = {"time_unix_nano": TIME, **fields}
    record = LogRecord(body=any_value(body), attributes=pairs(attributes or {}), **fields)
    scope_message = InstrumentationScope(name=scope_name, attributes=pairs(scope or {}))
    resource_logs = ResourceLogs(
        resource=Resource(attributes=pairs(resource or {})),
        scope_logs=[ScopeLogs(scope=scope_message, log_records=[record])],
    )
    return ExportLogsServiceRequest(resource_logs=[resource_logs]).SerializeToString()


def event(*arguments: Any, structure: Any = None, **settings: Any) -> dict[str, object]:
    (only,) = to_events(request(*arguments, **settings), structure=structure)
    return only


def test_every_field_has_its_place() -> None:
    raw = request(
        "card declined",
        {"order.id": 42, "ok": False, "share": 0.5, "none": None},
        resource={"service.name": "shop"},
        scope={"team": "red"},
        scope_name="shop.payment",
        severity_text="WARNING",
        severity_number=13,
        trace_id=bytes.fromhex("0AF7651916CD43DD8448EB211C80319C"),
        span_id=bytes.fromhex("B7AD6B7169203331"),
        event_name="payment.declined",
        observed_time_unix_nano=TIME + 5,
        flags=1,
    )
    message = ExportLogsServiceRequest.FromString(raw)
    message.resource_logs[0].scope_logs[0].scope.version = "1.2"
    assert to_events(message.SerializeToString()) == [
        {
            "timestamp": TIMESTAMP,
            "content": "card declined",
            "loglevel": "WARNING",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": "b7ad6b7169203331",
            "service.name": "shop",
            "otel.scope.name": "shop.payment",
            "otel.scope.version": "1.2",
            "team": "red",
            "event.name": "payment.declined",
            "order.id": 42,
            "ok": False,
            "share": 0.5,
            "none": None,
        }
    ]


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("", ""),
        (None, ""),
        (True, "true"),
        (7, "7"),
        (1.5, "1.5"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (b"hello world", "aGVsbG8gd29ybGQ="),  # the example of Dynatrace's page
        ([1, "ä", [None, b"\x01"]], '[1,"ä",[null,"AQ=="]]'),
        ({"a": {"b": math.inf}}, '{"a":{"b":"Infinity"}}'),
        ([], "[]"),
        ({}, "{}"),
    ],
)
@pytest.mark.parametrize("structure", [None, "raw"])
def test_the_body_is_content_as_text(body: object, content: str, structure: str | None) -> None:
    assert event(body, structure=structure) == {"timestamp": TIMESTAMP, "content": content}


@pytest.mark.parametrize(
    ("text", "number", "loglevel"),
    [
        ("notice", 17, "notice"),
        ("", 1, "TRACE"),
        ("", 4, "TRACE"),
        ("", 5, "DEBUG"),
        ("", 9, "INFO"),
        ("", 13, "WARN"),
        ("", 20, "ERROR"),
        ("", 21, "CRITICAL"),  # FATAL would be read as EMERGENCY
        ("", 24, "CRITICAL"),
        ("", 0, None),
        ("", 25, None),
    ],
)
def test_the_loglevel_is_the_text_and_else_the_number(text: str, number: int, loglevel: str | None) -> None:
    raw = request(severity_text=text)
    message = ExportLogsServiceRequest.FromString(raw)
    record = message.resource_logs[0].scope_logs[0].log_records[0]
    record.severity_number = number  # type: ignore[assignment]
    (only,) = to_events(message.SerializeToString())
    assert only.get("loglevel") == loglevel


def test_colliding_names_are_counted_as_dynatrace_documents_for_otlp() -> None:
    same = {"my.attribute": "resource"}, {"my.attribute": "scope"}, {"my.attribute": "log"}
    collided = event("x", same[2], resource=same[0], scope=same[1])
    assert collided["my.attribute"] == "resource"
    assert collided["overwritten1.my.attribute"] == "scope"
    assert collided["overwritten2.my.attribute"] == "log"
    assert event("x", same[2], resource=same[0])["overwritten1.my.attribute"] == "log"


def test_names_that_collide_with_a_special_field_and_each_other_are_counted_together() -> None:
    collided = event("x", {"content": 3}, resource={"content": 1}, scope={"content": 2})
    assert collided == {
        "timestamp": TIMESTAMP,
        "content": "x",
        "overwritten1.content": 1,
        "overwritten2.content": 2,
        "overwritten3.content": 3,
    }


@pytest.mark.parametrize("where", ["attributes", "resource", "scope"])
def test_an_attribute_with_the_name_of_a_special_field_neither_replaces_it_nor_is_lost(where: str) -> None:
    names = {"content": "mine", "timestamp": 1, "loglevel": "x", "trace_id": "t", "span_id": "s"}
    collided = event("body", severity_text="INFO", trace_id=b"\x01" * 16, span_id=b"\x02" * 8, **{where: names})
    assert collided == {
        "timestamp": TIMESTAMP,
        "content": "body",
        "loglevel": "INFO",
        "trace_id": "01" * 16,
        "span_id": "02" * 8,
        **{f"overwritten1.{name}": value for name, value in names.items()},
    }


def test_a_loglevel_attribute_speaks_where_the_record_has_no_severity() -> None:
    assert event("x", {"loglevel": "ALERT"})["loglevel"] == "ALERT"


@pytest.mark.parametrize("name", ["loglevel", "status", "severity", "level", "syslog.severity", "Level"])
def test_the_first_key_that_dynatrace_takes_for_a_loglevel_is_it_where_the_record_has_no_severity(name: str) -> None:
    assert event("x", {name: "error", "a": 1}) == {"timestamp": TIMESTAMP, "content": "x", "loglevel": "error", "a": 1}
    assert event("x", {"syslog.severity": 3, "level": "error", "severity": 2}) == {
        "timestamp": TIMESTAMP,
        "content": "x",
        "loglevel": 2,
        "level": "error",
        "syslog.severity": 3,
    }
    # Where it has one they are attributes like others.
    assert event("x", {"level": "error"}, severity_text="INFO")["level"] == "error"


@pytest.mark.parametrize("name", ["loglevel", "status", "severity", "level", "syslog.severity", "SEVERITY"])
@pytest.mark.parametrize("where", ["resource", "scope"])
def test_a_resource_or_scope_never_says_the_loglevel_of_a_record(name: str, where: str) -> None:
    inherited = event("x", **{where: {name: "success"}})
    if name == "loglevel":
        assert inherited["overwritten1.loglevel"] == "success"
    else:
        assert inherited[name] == "success"
    assert inherited["loglevel"] == "NONE"
    assert "loglevel" not in event("x", {}, **{where: {"other": 1}})


def test_a_flattened_body_says_the_loglevel_before_the_attributes_do() -> None:
    flattened = event({"message": "m", "level": "warn"}, {"level": "error"}, structure="flattened")
    assert (flattened["content"], flattened["loglevel"], flattened["level"]) == ("m", "warn", "error")


def test_the_names_of_special_fields_are_not_repeated_in_another_case() -> None:
    # JSON ingest looks for them whatever the case and could take this one.
    flattened = event({"Timestamp": 1, "LOGLEVEL": "x", "message": "m"}, severity_text="INFO", structure="flattened")
    assert flattened == {
        "timestamp": TIMESTAMP,
        "content": "m",
        "loglevel": "INFO",
        "overwritten1.Timestamp": 1,
        "overwritten1.LOGLEVEL": "x",
    }


def test_ids_of_zeros_are_none() -> None:
    assert event("x", trace_id=bytes(16), span_id=bytes(8)) == {"timestamp": TIMESTAMP, "content": "x"}


def test_maps_by_structure() -> None:
    planet = {"name": "earth", "system": {"name": "solar", "galaxy": {"name": "milky way", "group": {"name": "local"}}}}
    assert event("x", {"planet": planet}, structure=None)["planet"] == planet
    text = event("x", {"planet": planet}, structure="raw")["planet"]
    assert json.loads(str(text)) == planet
    # The example of "Ingest OTLP logs", flattened.
    flattened = event("x", {"planet": planet}, structure="flattened")
    assert {key: value for key, value in flattened.items() if key.startswith("planet")} == {
        "planet.name": "earth",
        "planet.system.name": "solar",
        "planet.system.galaxy.name": "milky way",
        "planet.system.galaxy.group.name": "local",
    }


def test_what_is_nested_deeper_than_five_levels_is_marked() -> None:
    deep = {"b": {"c": {"d": {"e": {"f": 1}, "leaf": 2}}}}
    flattened = event("x", {"a": deep}, structure="flattened")
    assert flattened["a.b.c.d.leaf"] == 2
    assert flattened["a.b.c.d.e"] == "<truncated due to nesting limit>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"message": "m", "log": "l"}, {"content": "m", "log": "l"}),
        ({"log": 5, "k": True}, {"content": "5", "k": True}),
        ({"content": {"no": "text"}, "body": "b"}, {"content": "b", "content.no": "text"}),
        ({"k": {"in": 1}}, {"content": "", "k.in": 1}),
        ({}, {"content": ""}),
    ],
)
def test_a_flattened_body_gives_content_and_attributes(body: dict[str, Any], expected: dict[str, Any]) -> None:
    flattened = event(body, structure="flattened")
    assert flattened == {"timestamp": TIMESTAMP, **expected}


def test_the_keys_of_a_body_come_after_the_records_attributes() -> None:
    flattened = event({"k": "body", "message": "m"}, {"k": "record"}, structure="flattened")
    assert (flattened["content"], flattened["k"], flattened["overwritten1.k"]) == ("m", "record", "body")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        ([1, 2.5, None], [1, 2.5, None]),
        ([1, "a", None, True], ["1", "a", None, "true"]),
        (["a", {"b": 1}, [2]], ["a", '{"b":1}', "[2]"]),
        ([b"\x01"], ["AQ=="]),
        ([1.5, math.nan], ["1.5", "NaN"]),
        ([], []),
    ],
)
def test_an_array_has_one_type(array: list[object], expected: list[object]) -> None:
    for structure in (None, "raw", "flattened"):
        assert event("x", {"array": array}, structure=structure)["array"] == expected


def test_a_record_without_a_time_takes_the_observed_one_and_else_the_servers() -> None:
    assert event(time_unix_nano=0, observed_time_unix_nano=TIME)["timestamp"] == TIMESTAMP
    assert "timestamp" not in event(time_unix_nano=0)


def test_times_at_the_end_of_the_range_are_written() -> None:
    assert event(time_unix_nano=2**64 - 1)["timestamp"] == "2554-07-21T23:34:33.709Z"
    assert event(time_unix_nano=1)["timestamp"] == "1970-01-01T00:00:00.000Z"


def test_bytes_that_are_no_request_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="ExportLogsServiceRequest"):
        to_events(b"\xff\xff\xff")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.binary(max_size=8)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(["a", "content", "overwritten1.a", "timestamp", "otel.scope.name"]) | st.text(max_size=4)
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=4)


def no_constants(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize("fast", [True, False], ids=["orjson", "json"])
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(VALUES, ATTRIBUTES, ATTRIBUTES, ATTRIBUTES, st.sampled_from([None, "raw", "flattened"]))
def test_json_is_always_valid_and_no_scalar_is_lost(
    monkeypatch: pytest.MonkeyPatch,
    fast: bool,
    body: object,
    resource: dict[str, Any],
    scope: dict[str, Any],
    attributes: dict[str, Any],
    structure: Any,
) -> None:
    if not fast:
        monkeypatch.setattr(events, "_orjson", None)
    raw = request(body, attributes, resource=resource, scope=scope, scope_name="s")
    (parsed,) = json.loads(encode_json(raw, structure=structure), parse_constant=no_constants)
    assert isinstance(parsed["content"], str)
    assert parsed["timestamp"] == TIMESTAMP
    if structure != "flattened":
        assert len(parsed) == 3 + len(resource) + len(scope) + len(attributes)
    for level in (resource, scope, attributes):
        for value in level.values():
            if isinstance(value, bytes):
                assert base64.b64encode(value).decode() in parsed.values()
            elif isinstance(value, (str, int)) or value is None:
                assert value in parsed.values()


@pytest.mark.parametrize("structure", [None, "raw", "flattened"])
def test_events_keep_the_order_of_records_over_resources_and_scopes(structure: Any) -> None:
    raw = b"".join(request(str(number), resource={"r": number}, scope={"s": number}) for number in range(20))
    assert [only["content"] for only in to_events(raw, structure=structure)] == [str(n) for n in range(20)]
    assert [only["r"] for only in to_events(raw, structure=structure)] == list(range(20))
