"""Names that are taken: nothing is replaced silently, what says nothing new is left out.

Prefix: "Ingest OTLP logs". Names the server fills: "Log ingestion API" and the semantic dictionary, docs.dynatrace.com.
"""

from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from dt_otlp_logs.encoding.limits import CLASSIC, GRAIL, Limits
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, seal


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(element) for element in value.array_value.values]
    if kind == "kvlist_value":
        return pairs(value.kvlist_value.values)
    return getattr(value, kind) if kind else None


def pairs(attributes: Any) -> dict[str, Any]:
    found: list[KeyValue] = list(attributes)
    assert len({pair.key for pair in found}) == len(found)
    return {pair.key: plain(pair.value) for pair in found}


def sent(
    attributes: Any,
    resource: dict[str, Any] | None = None,
    scope: InstrumentationScope | None = None,
    limits: Limits = GRAIL,
    resource_attributes: dict[str, str] | None = None,
    **fields: Any,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The attributes of record, scope and resource, as sent."""
    record = LogRecord(
        timestamp=1, body="x", **{"severity_text": "INFO", "severity_number": SeverityNumber.INFO, **fields}
    )
    record.attributes = attributes
    encoder = OtlpEncoder(limits, resource_attributes=resource_attributes or {})
    # Resource itself changes some values, in some versions.
    stand_in: Any = SimpleNamespace(attributes=resource or {}, schema_url="")
    readable = ReadableLogRecord(record, stand_in, scope)
    first, second = encoder.encode([readable]), encoder.encode([readable])
    assert first == second
    assert first.replaced == 0
    (resource_logs,) = ExportLogsServiceRequest.FromString(decompress(seal(first.groups))).resource_logs
    (scope_logs,) = resource_logs.scope_logs
    (message,) = scope_logs.log_records
    return pairs(message.attributes), pairs(scope_logs.scope.attributes), pairs(resource_logs.resource.attributes)


def with_trace(attributes: dict[str, Any]) -> dict[str, Any]:
    record = LogRecord(timestamp=1, body="x", attributes=attributes)
    record.trace_id, record.span_id = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
    encoded = OtlpEncoder(GRAIL).encode([ReadableLogRecord(record, Resource({}), None)])
    request = ExportLogsServiceRequest.FromString(decompress(seal(encoded.groups)))
    return pairs(request.resource_logs[0].scope_logs[0].log_records[0].attributes)


def scope_of(**attributes: Any) -> InstrumentationScope:
    return InstrumentationScope("shop", "1.2", attributes=attributes)


def test_the_same_value_as_the_resource_has_is_left_out_and_another_one_renamed() -> None:
    own = {"service.name": "shop", "host.name": "other", "order.id": 7}
    record, _, resource = sent(own, {"service.name": "shop", "host.name": "web-1"})
    assert record == {"overwritten1.host.name": "other", "order.id": 7}
    assert resource == {"service.name": "shop", "host.name": "web-1"}


@pytest.mark.parametrize("value", [None, True, 1, 1.0, "1", b"1", [1, 2], {"a": {"b": 1}}, float("nan")])
def test_any_value_is_compared_with_its_type(value: Any) -> None:
    assert sent({"a": value}, {"a": value})[0] == {}
    assert list(sent({"a": value}, {"a": "another"})[0]) == ["overwritten1.a"]


def test_a_number_is_not_the_same_as_a_truth_or_a_text() -> None:
    for other in (True, 1.0, "1"):
        assert sent({"a": 1}, {"a": other})[0] == {"overwritten1.a": 1}


def test_the_order_is_resource_then_scope_then_record() -> None:
    record, scope, resource = sent({"a": "record"}, {"a": "resource"}, scope_of(a="scope"))
    assert (resource, scope, record) == (
        {"a": "resource"},
        {"overwritten1.a": "scope"},
        {"overwritten2.a": "record"},
    )
    record, scope, _ = sent({"a": "scope"}, {}, scope_of(a="scope"))
    assert (scope, record) == ({"a": "scope"}, {})


def test_a_name_that_is_taken_even_with_the_prefix_gets_the_next_number() -> None:
    record, _, _ = sent({"overwritten1.a": 1, "a": 2}, {"a": 0})
    assert record == {"overwritten1.a": 1, "overwritten2.a": 2}
    record, _, _ = sent({"a": 2, "overwritten2.a": 3}, {"a": 0, "overwritten1.a": 1})
    assert record == {"overwritten3.a": 2, "overwritten2.a": 3}


SERVER = [
    *("content", "timestamp", "loglevel", "status", "dt.ingest.warnings", "dt.auth.origin"),
    *("dt.openpipeline.source", "dt.ingest.format", "Content", "TIMESTAMP", "LogLevel", "Status"),
]


@pytest.mark.parametrize("name", SERVER)
@pytest.mark.parametrize("limits", [GRAIL, CLASSIC], ids=lambda limits: limits.name)
def test_a_name_that_the_server_fills_is_renamed_wherever_it_is(name: str, limits: Limits) -> None:
    record, _, _ = sent({name: "mine"}, limits=limits)
    # Classic lower-cases names.
    name_there = name.lower() if limits is CLASSIC else name
    assert record == {f"overwritten1.{name_there}": "mine"}
    _, scope, resource = sent({}, {name: "r"}, scope_of(**{name: "s"}), limits=limits)
    assert (resource, scope) == ({f"overwritten1.{name_there}": "r"}, {f"overwritten2.{name_there}": "s"})


def test_status_in_resource_scope_and_record_has_one_prefix_each() -> None:
    record, scope, resource = sent({"status": 3}, {"status": 1}, scope_of(status=2))
    assert (resource, scope, record) == (
        {"overwritten1.status": 1},
        {"overwritten2.status": 2},
        {"overwritten3.status": 3},
    )


def test_the_scopes_name_and_version_are_taken_if_it_has_them() -> None:
    names = {"otel.scope.name": "mine", "otel.scope.version": "1.2"}
    assert sent(names, {}, scope_of())[0] == {"overwritten1.otel.scope.name": "mine"}
    assert sent(names, {}, InstrumentationScope(""))[0] == names
    assert sent(names, {}, None)[0] == names
    assert sent({}, {}, scope_of(**names))[1] == {"overwritten1.otel.scope.name": "mine"}


def test_the_event_name_is_taken_if_the_record_has_one() -> None:
    assert sent({"event.name": "paid"}, event_name="paid")[0] == {}
    assert sent({"event.name": "paid"}, event_name="declined")[0] == {"overwritten1.event.name": "paid"}
    assert sent({"event.name": "paid"})[0] == {"event.name": "paid"}


def test_trace_ids_as_attributes_link_the_record_unless_it_has_its_own() -> None:
    assert sent({"trace_id": "abc", "span_id": "def"})[0] == {"trace_id": "abc", "span_id": "def"}
    same = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}
    assert with_trace(same) == {}
    other = {"trace_id": "abc", "span_id": "def", "dt.trace_id": "kept"}
    assert with_trace(other) == {
        "overwritten1.trace_id": "abc",
        "overwritten1.span_id": "def",
        "dt.trace_id": "kept",
    }


@pytest.mark.parametrize("name", ["trace_id", "span_id", "event.name", "loglevel", "otel.scope.name"])
def test_a_resource_cannot_speak_for_its_records(name: str) -> None:
    # Dynatrace lets the resource win: its trace id would be that of every record.
    assert sent({}, {name: "r"})[2] == {f"overwritten1.{name}": "r"}


def test_a_loglevel_as_an_attribute_speaks_where_the_record_has_no_severity() -> None:
    # As the severity text, for which the server fills the name.
    assert sent({"loglevel": "ERROR"}, severity_text=None, severity_number=None)[0] == {}
    assert sent({"status": 200}, severity_text=None, severity_number=None)[0] == {"overwritten1.status": 200}


def test_classic_lower_cases_names_so_they_are_compared_like_that() -> None:
    both = {"Order": 1, "order": 2}
    assert sent(both)[0] == both
    assert sent(both, limits=CLASSIC)[0] == {"Order": 1, "overwritten1.order": 2}
    assert sent({"Order": 1, "order": 1}, limits=CLASSIC)[0] == {"Order": 1}
    assert sent({"HOST": "a"}, {"host": "a"})[0] == {"HOST": "a"}
    assert sent({"HOST": "a"}, {"host": "a"}, limits=CLASSIC)[0] == {}
    assert sent({"HOST": "a"}, {"host": "b"}, limits=CLASSIC)[0] == {"overwritten1.host": "a"}


def test_names_that_become_the_same_text_are_told_apart() -> None:
    record = LogRecord(timestamp=1, body="x")
    record.attributes = {"7": "text", 7: "number", 8: "same", "8": "same"}  # type: ignore[dict-item]
    encoded = OtlpEncoder(GRAIL).encode([ReadableLogRecord(record, Resource({}), None)])
    request = ExportLogsServiceRequest.FromString(decompress(seal(encoded.groups)))
    found = pairs(request.resource_logs[0].scope_logs[0].log_records[0].attributes)
    assert found == {"7": "text", "overwritten1.7": "number", "8": "same"}


def test_attributes_for_every_resource_are_added_where_it_has_none_of_that_name() -> None:
    added = {"host.name": "web-1", "dt.entity.host": "HOST-1", "status": "x"}
    _, _, resource = sent({}, {"host.name": "mine"}, resource_attributes=added)
    assert resource == {"host.name": "mine", "dt.entity.host": "HOST-1", "overwritten1.status": "x"}
    _, _, resource = sent({}, {"Host.Name": "mine"}, resource_attributes=added, limits=CLASSIC)
    assert resource == {"Host.Name": "mine", "dt.entity.host": "HOST-1", "overwritten1.status": "x"}
    record, _, _ = sent({"dt.entity.host": "HOST-1", "host.name": "b"}, {}, resource_attributes=added)
    assert record == {"overwritten1.host.name": "b"}
