"""What the server does to a record: content, timestamp, loglevel, attributes and their conflicts, limits."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dt_otlp_logs.emulator import severity, timestamps
from dt_otlp_logs.emulator.fields import Fields
from dt_otlp_logs.emulator.incoming import IncomingRecord, Pairs, Value
from dt_otlp_logs.emulator.settings import EmulatorSettings
from dt_otlp_logs.emulator.values import Notes, ValueRules, cut, json_text, shaped, text_of

CONTENT_KEYS = ("content", "message", "payload", "body", "log")
LOGLEVEL_KEYS = ("loglevel", "status", "severity", "level", "syslog.severity")

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What all records of one request have in common."""

    route: str
    source: str
    ingest_format: str
    structure: str
    token_identifier: str | None = None
    # Query parameters and X-Dynatrace-Attr: they win over the record's own attributes.
    extra: Mapping[str, Value] = field(default_factory=dict)
    oneagent: bool = False
    now: int = field(default_factory=time.time_ns)


@dataclass(frozen=True, slots=True)
class MappedRecord:
    """A record as a user of Dynatrace would see it; `stale` ones are not stored."""

    record: dict[str, Any]
    stale: bool = False
    too_nested: bool = False


class RecordMapper:
    """Maps the records of one request. Attributes of a resource or scope are shaped once, not once a record."""

    def __init__(self, settings: EmulatorSettings, context: RequestContext) -> None:
        self._settings = settings
        self._context = context
        self._flattened = settings.profile == "classic" or context.structure == "flattened"
        policy = settings.too_deep
        self._rules = ValueRules(
            limits=settings.limits,
            flattened=self._flattened,
            text_only=settings.text_only,
            uniform_arrays=settings.mixed_arrays == "uniform",
            mark_too_deep=policy == "marker" or (policy == "by_route" and context.route == "otlp"),
        )
        self._shared: dict[int, tuple[Pairs, list[tuple[str, Value]], Notes]] = {}
        self._extra_notes = Notes()
        self._extra = shaped(list(context.extra.items()), self._rules, self._extra_notes)

    def map(self, incoming: IncomingRecord) -> MappedRecord:
        """One record, mapped."""
        notes = Notes(list(self._extra_notes.warnings))
        fields = Fields(incoming, self._flattened)
        timestamp, unparsed = self._timestamp(incoming, fields, notes)
        if timestamp is None:
            return MappedRecord({}, stale=True)
        loglevel = self._loglevel(incoming, fields)
        whole_content = self._content(incoming, fields)
        content = cut(whole_content, self._settings.content_bytes)
        if len(content) != len(whole_content):
            notes.warn("content_trimmed")
        record = self._server_fields(incoming, timestamp, loglevel, content)
        if unparsed is not None:
            record["unparsed_timestamp"] = unparsed
        self._add_attributes(record, incoming, fields, notes)
        if notes.warnings:
            record["dt.ingest.warnings"] = notes.warnings
        return MappedRecord(record, too_nested=notes.too_nested)

    def _timestamp(self, incoming: IncomingRecord, fields: Fields, notes: Notes) -> tuple[int | None, str | None]:
        """Nanoseconds, or None for a record that is too old, and the text of a time stamp nobody can read."""
        now, unparsed = self._context.now, None
        stamp: int | None = incoming.time_unix_nano
        if not stamp:
            found, value = fields.take(timestamps.KEYS)
            if not found:
                return now, None
            stamp = timestamps.parse(value, now)
            if stamp is None:
                return now, text_of(value)
            strict = self._context.oneagent and self._settings.oneagent_milliseconds_only
            if strict and timestamps.finer_than_milliseconds_or_zoned(value):
                return None, None
        if stamp < now - int(self._settings.max_age_seconds * _NANOSECONDS):
            return None, None
        if stamp > now + int(self._settings.max_ahead_seconds * _NANOSECONDS):
            notes.warn("timestamp_corrected")
            stamp = now + (600 * _NANOSECONDS if self._settings.ahead == "ten_minutes_ahead" else 0)
        return stamp, unparsed

    def _loglevel(self, incoming: IncomingRecord, fields: Fields) -> str:
        own = self._settings.fatal_and_trace
        from_fields = severity.level_of_text(incoming.severity_text, own) if incoming.severity_text else None
        from_fields = from_fields or severity.level_of_number(incoming.severity_number, own)
        if from_fields is not None and self._settings.severity_order == "fields_first":
            return from_fields
        found, value = fields.take(LOGLEVEL_KEYS)
        from_record = severity.level_of_text(text_of(value), own) if found and value is not None else None
        return from_record or from_fields or "NONE"

    def _content(self, incoming: IncomingRecord, fields: Fields) -> str:
        if fields.content_source is None:
            return "" if incoming.body is None else text_of(incoming.body)
        keys = CONTENT_KEYS if self._flattened else (*CONTENT_KEYS, "_raw")
        found, value = fields.take_content(keys, primitive_only=self._flattened)
        if found:
            return "" if value is None else text_of(value)
        choice = self._settings.without_content
        whole = choice == "whole_event" or (choice == "by_structure" and self._flattened)
        if incoming.is_event and whole:
            return json_text(fields.content_source)
        return ""

    def _server_fields(self, incoming: IncomingRecord, timestamp: int, loglevel: str, content: str) -> dict[str, Any]:
        record = {
            "timestamp": timestamps.format_rfc3339(timestamp),
            "content": content,
            "loglevel": loglevel,
            "status": severity.status_of(loglevel),
            "dt.openpipeline.source": self._context.source,
            "dt.ingest.format": self._context.ingest_format,
        }
        if self._context.token_identifier is not None:
            record["dt.auth.origin"] = self._context.token_identifier
        if incoming.trace_id:
            record["trace_id"] = incoming.trace_id
        if incoming.span_id:
            record["span_id"] = incoming.span_id
        return record

    def _add_attributes(self, record: dict[str, Any], incoming: IncomingRecord, fields: Fields, notes: Notes) -> None:
        """Attributes in order of precedence; one whose name is taken is kept as `overwritten<N>.<name>`."""
        room = self._rules.limits.attributes
        for name, value in self._extra:
            # Names the server fills itself are not open to query parameters: no page says what would happen.
            record.setdefault(name, value)
            room -= 1
        levels = (
            self._shared_level(incoming.resource, notes),
            self._shared_level(incoming.scope, notes),
            shaped(fields.remaining_attributes(), self._rules, notes),
            shaped(fields.remaining_body(), self._rules, notes),
        )
        for level in levels:
            for name, value in level:
                if room <= 0:
                    notes.warn("attr_count_trimmed")
                    return
                room -= 1
                record[_free_name(name, record) if name in record else name] = value

    def _shared_level(self, pairs: Pairs, notes: Notes) -> list[tuple[str, Value]]:
        if not pairs:
            return []
        known = self._shared.get(id(pairs))
        if known is None:
            own_notes = Notes()
            # The pairs are kept beside the result: an id is only unique while its object lives.
            known = self._shared[id(pairs)] = (pairs, shaped(pairs, self._rules, own_notes), own_notes)
        for warning in known[2].warnings:
            notes.warn(warning)
        notes.too_nested = notes.too_nested or known[2].too_nested
        return known[1]


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    count = 1
    while f"overwritten{count}.{name}" in taken:
        count += 1
    return f"overwritten{count}.{name}"
