"""The JSON form of an OTLP request, for Dynatrace's log ingest API (`/api/v2/logs/ingest`).

An event is made to look in Dynatrace as the same record does when it comes by OTLP:

- `content`, `timestamp`, `loglevel`, `trace_id` and `span_id` come from the record's fields. After them come the
  resource's attributes, the scope's name, version and attributes, the event's name and the record's attributes, and
  in flattened mode the keys of a map that is the body.
- All of these share one level. A name that is taken stays with the first; the next is `overwritten1.<name>`, then
  `overwritten2.<name>`, as Dynatrace documents for OTLP. The encoder has named attributes so that this is rare: it
  is left to maps whose leaves have an attribute's name, and to the keys of a body.
  Classic writes all names in small letters, and counts up those that are equal then: they are sent so.
- The loglevel of a record without severity is what Dynatrace would find by OTLP: in the body (flattened) or the
  record's attributes, never in the resource's or the scope's, where JSON ingest would look, too.
- The timestamp has milliseconds, since OneAgent's local ingest takes no finer one.
- Bytes are base64 text; NaN and the infinities, for which JSON has no form, are the texts NaN, Infinity, -Infinity.
- `structure` says what becomes of maps: `raw` makes them JSON text, `flattened` one attribute per leaf
  (`a.b.c`, five levels deep). With None the tenant's setting is not known: attribute maps are sent as JSON objects,
  which the server then treats by its setting, and a map as the body is JSON text in `content`: an object would not be
  taken as content in flattened mode. The encoder has made such a body text for OTLP, too.

Field mapping: "Ingest OTLP logs" and "Log ingestion API", docs.dynatrace.com.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .event_values import CONTENT_KEYS, Structure, add, json_text, json_value, shaped
from .reserved_names import LOGLEVEL_KEYS
from .severity import severity_word

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

_orjson: Any = None
try:
    import orjson

    _orjson = orjson
except ImportError:
    pass

# JSON ingest takes the loglevel from any of these, be it an attribute of the resource.
_LOGLEVEL_NAMES = frozenset(LOGLEVEL_KEYS)


def to_events(request: bytes, *, structure: Structure = None, classic: bool = False) -> list[dict[str, object]]:
    """One flat event per record of an ExportLogsServiceRequest, in the same order. ValueError if it is none.

    `classic`: for Classic and Managed, which flatten unasked.
    """
    # Not at the top: importing the generated classes takes longer than the rest of the package, and most never need it.
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    try:
        decoded = ExportLogsServiceRequest.FromString(request)
    except DecodeError as error:
        raise ValueError(f"not an ExportLogsServiceRequest: {error}") from error
    if classic:
        structure = "flattened"
    events = []
    for resource_logs in decoded.resource_logs:
        resource = _shaped(_pairs(resource_logs.resource.attributes), structure, classic)
        for scope_logs in resource_logs.scope_logs:
            scope = scope_logs.scope
            names = (("otel.scope.name", scope.name), ("otel.scope.version", scope.version))
            inherited = [
                *resource,
                *(pair for pair in names if pair[1]),
                *_shaped(_pairs(scope.attributes), structure, classic),
            ]
            shared: dict[str, object] = {}
            add(shared, inherited)
            for record in scope_logs.log_records:
                event, attributes, body = _own_fields(record, structure)
                if _takes_loglevel_from(shared, event):
                    event["loglevel"] = "NONE"
                if event.keys().isdisjoint(shared):
                    event.update(shared)
                else:
                    add(event, inherited)
                if record.event_name:
                    add(event, [("event.name", record.event_name)])
                add(event, _shaped((*attributes, *body), structure, classic))
                if _takes_loglevel_from(event, event):
                    event["loglevel"] = "NONE"
                events.append(event)
    return events


def encode_json(request: bytes, *, structure: Structure = None, classic: bool = False) -> bytes:
    """The events of a request as a JSON array in UTF-8. ValueError if it is no ExportLogsServiceRequest."""
    events = to_events(request, structure=structure, classic=classic)
    if _orjson is not None:
        return bytes(_orjson.dumps(events))
    return json.dumps(events, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _takes_loglevel_from(attributes: dict[str, object], event: dict[str, object]) -> bool:
    """Whether JSON ingest would take the loglevel of an event, which has none itself, from one of these."""
    return "loglevel" not in event and not _LOGLEVEL_NAMES.isdisjoint(map(str.lower, attributes))


_Pairs = list[tuple[str, object]]


def _pairs(attributes: Iterable[Any]) -> _Pairs:
    return [(each.key, json_value(each.value)) for each in attributes]


def _shaped(pairs: Iterable[tuple[str, object]], structure: Structure, classic: bool) -> _Pairs:
    leaves = [leaf for key, value in pairs for leaf in shaped(key, value, structure)]
    return [(name.lower(), value) for name, value in leaves] if classic else leaves


def _own_fields(record: "LogRecord", structure: Structure) -> tuple[dict[str, object], _Pairs, _Pairs]:
    """What an event has from its record's fields, its other attributes, and those that a map as its body becomes."""
    event: dict[str, object] = {}
    time = record.time_unix_nano or record.observed_time_unix_nano
    if time:
        event["timestamp"] = _rfc_3339(time)
    attributes = _pairs(record.attributes)
    body = json_value(record.body)
    keys: _Pairs | None = list(body.items()) if isinstance(body, dict) and structure == "flattened" else None
    loglevel: object = record.severity_text or severity_word(record.severity_number)
    found = bool(loglevel)
    for source in (keys or [], attributes):
        if not found:
            found, loglevel = _take(LOGLEVEL_KEYS, source)
    if keys is not None:
        _, body = _take(CONTENT_KEYS, keys, plain_only=True)
    event["content"] = body if isinstance(body, str) else "" if body is None else json_text(body)
    if found:
        event["loglevel"] = json_text(loglevel) if isinstance(loglevel, (dict, list)) else loglevel
    if any(record.trace_id):
        event["trace_id"] = record.trace_id.hex()
    if any(record.span_id):
        event["span_id"] = record.span_id.hex()
    return event, attributes, keys or []


def _take(names: Iterable[str], pairs: _Pairs, *, plain_only: bool = False) -> tuple[bool, object]:
    """Takes out the first of the names that is there, whatever its case: whether it was, and its value."""
    there = {key.lower(): (key, value) for key, value in pairs}
    for name in names:
        key, value = there.get(name, (None, None))
        if key is not None and not (plain_only and isinstance(value, (dict, list))):
            pairs[:] = [pair for pair in pairs if pair[0] != key]
            return True, value
    return False, None


def _rfc_3339(unix_nano: int) -> str:
    # Three digits: the local ingest of OneAgent takes no more.
    seconds, rest = divmod(unix_nano, 1_000_000_000)
    day_and_time = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{day_and_time}.{rest // 1_000_000:03d}Z"
