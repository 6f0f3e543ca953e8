"""The OTLP path: an ExportLogsServiceRequest, decoded with OpenTelemetry's own protobuf code."""

import base64
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from dt_otlp_logs.emulator.answers import RefusedError
from dt_otlp_logs.emulator.incoming import IncomingBatch, IncomingRecord, Pairs, Value
from dt_otlp_logs.emulator.settings import EmulatorSettings

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


def decode(body: bytes, media_type: str, settings: EmulatorSettings) -> IncomingBatch:
    """All records of a request; raises RefusedError for a wrong content type, broken bytes, or too many records."""
    request = _parse(body, media_type, settings)
    count = count_records(request)
    if count > settings.max_records_per_request:
        raise RefusedError(413, f"Too many log records: {count}, at most {settings.max_records_per_request}", count)
    size = _preprocessed_bytes(request)
    if size > settings.max_preprocessed_bytes:
        raise RefusedError(413, "Message size limit exceeded after preprocessing on ingest endpoint", count)
    hexadecimal = _hex_of_json_id if media_type == JSON else _hex
    return IncomingBatch(list(_records(request, hexadecimal)), size, _FORMATS[media_type])


def count_records(request: Any) -> int:
    """How many records a decoded request has."""
    return sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)


_FORMATS = {PROTOBUF: "otlp/protobuf", JSON: "otlp/json"}


def _parse(body: bytes, media_type: str, settings: EmulatorSettings) -> Any:
    if media_type == PROTOBUF:
        try:
            return ExportLogsServiceRequest.FromString(body)
        except DecodeError as problem:
            raise RefusedError(400, "Malformed OTLP request: not an ExportLogsServiceRequest") from problem
    if media_type == JSON and settings.accept_otlp_json:
        try:
            return json_format.Parse(body, ExportLogsServiceRequest(), ignore_unknown_fields=True)
        except (json_format.ParseError, UnicodeDecodeError, ValueError, RecursionError) as problem:
            raise RefusedError(400, "Malformed OTLP request: not an ExportLogsServiceRequest in JSON") from problem
    raise RefusedError(settings.wrong_content_type_status, f"Unsupported content type; use {PROTOBUF}")


def _preprocessed_bytes(request: Any) -> int:
    total = 0
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            shared = resource_logs.resource.ByteSize() + scope_logs.scope.ByteSize()
            total += sum(record.ByteSize() + shared for record in scope_logs.log_records)
    return total


def _records(request: Any, hexadecimal: Any) -> Iterable[IncomingRecord]:
    for resource_logs in request.resource_logs:
        resource = _pairs(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            scope = _scope_pairs(scope_logs.scope)
            for record in scope_logs.log_records:
                yield IncomingRecord(
                    attributes=_record_pairs(record),
                    resource=resource,
                    scope=scope,
                    body=_value(record.body),
                    time_unix_nano=record.time_unix_nano,
                    severity_text=record.severity_text,
                    severity_number=record.severity_number,
                    trace_id=hexadecimal(record.trace_id),
                    span_id=hexadecimal(record.span_id),
                )


def _scope_pairs(scope: Any) -> Pairs:
    own = (("otel.scope.name", scope.name), ("otel.scope.version", scope.version))
    return [pair for pair in own if pair[1]] + list(_pairs(scope.attributes))


def _record_pairs(record: Any) -> Pairs:
    pairs = _pairs(record.attributes)
    # Where Dynatrace puts event_name is not documented; `event.name` is the semantic convention it comes from.
    return [("event.name", record.event_name), *pairs] if record.event_name else pairs


def _pairs(attributes: Iterable[Any]) -> list[tuple[str, Value]]:
    return [(attribute.key, _value(attribute.value)) for attribute in attributes]


def _value(value: Any) -> Value:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    content = getattr(value, kind)
    if kind == "array_value":
        return [_value(element) for element in content.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value) for pair in content.values}
    return content


def _hex(identifier: bytes) -> str:
    return identifier.hex() if any(identifier) else ""


def _hex_of_json_id(identifier: bytes) -> str:
    # OTLP/JSON writes ids in hexadecimal where protobuf's JSON mapping has base64, which is how they were read.
    return base64.b64encode(identifier).decode("ascii").rstrip("=").lower()
