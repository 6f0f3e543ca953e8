"""The JSON and text path: one text, one object, an array of objects, or JSON lines."""

import json
from collections.abc import Mapping
from typing import Any

from dt_otlp_logs.emulator.answers import RefusedError
from dt_otlp_logs.emulator.incoming import ExactFloat, IncomingBatch, IncomingRecord, Value
from dt_otlp_logs.emulator.settings import EmulatorSettings

TEXT = "text/plain"
JSON = "application/json"
JSON_LINES = frozenset(
    {
        "application/jsonl",
        "application/jsonlines",
        "application/jsonlines+json",
        "application/x-ndjson",
        "application/x-jsonlines",
    }
)
"""Accepted since API version 1.318 (fact sheet, section 4.1)."""

# No page names a depth that is refused; this one is far beyond the five levels that are kept.
MAX_DEPTH = 200


def decode(body: bytes, media_type: str, extra: Mapping[str, Value], settings: EmulatorSettings) -> IncomingBatch:
    """All events of a request; raises RefusedError for a wrong content type, broken JSON, no or too many events."""
    if media_type not in (TEXT, JSON) and media_type not in JSON_LINES:
        raise RefusedError(
            settings.wrong_content_type_status, f"Unsupported content type: {media_type or 'none given'}"
        )
    text = _utf8(body)
    events: list[Any]
    if media_type == TEXT:
        events = [{"content": text}] if text else []
    elif media_type == JSON:
        events = _events(_parse(text))
    else:
        events = [_parse(line) for line in text.split("\n") if line.strip()]
    if not events:
        raise RefusedError(400, "Batch contains no events (empty_messages)")
    if len(events) > settings.max_records_per_request:
        message = f"Too many log events: {len(events)}, at most {settings.max_records_per_request}"
        raise RefusedError(413, message, len(events))
    shared = sum(len(key) + len(str(value)) for key, value in extra.items())
    size = len(body) + len(events) * shared
    if size > settings.max_preprocessed_bytes:
        raise RefusedError(413, "Message size limit exceeded after preprocessing on ingest endpoint", len(events))
    records = [_record(event) for event in events]
    return IncomingBatch(records, size, "dtapi/text" if media_type == TEXT else "dtapi/json")


def _utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise RefusedError(400, "Body is not valid UTF-8") from problem


def _events(document: Value) -> list[Value]:
    return document if isinstance(document, list) else [document]


def _parse(text: str) -> Value:
    try:
        return json.loads(text, parse_float=ExactFloat, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise RefusedError(400, "Invalid JSON (invalid_json_format)") from problem


def _no_constant(name: str) -> Value:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _record(event: Value) -> IncomingRecord:
    if not isinstance(event, dict):
        raise RefusedError(400, "Invalid JSON (invalid_json_format): an event has to be an object")
    return IncomingRecord(attributes=[(_text(key), _clean(value, 1)) for key, value in event.items()], is_event=True)


def _clean(value: Value, depth: int) -> Value:
    """The value without half surrogates, which JSON can spell but UTF-8 cannot write."""
    if depth > MAX_DEPTH:
        raise RefusedError(400, f"Invalid JSON (invalid_json_format): nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_clean(element, depth + 1) for element in value]
    if isinstance(value, dict):
        return {_text(key): _clean(inner, depth + 1) for key, inner in value.items()}
    return value


def _text(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
