"""One log record as one LogRecord message.

Message definition: https://github.com/open-telemetry/opentelemetry-proto, logs/v1/logs.proto
"""

from collections.abc import Callable
from typing import Any, TypeVar

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord

from .any_value import MAX_RECORD_BYTES, ValueEncoder
from .attribute_limits import ValueLimits
from .attribute_mapping import plain_mapping
from .attribute_selection import Attribute, AttributeSelection
from .attributes import AttributeEncoder
from .cut_warnings import ATTRIBUTES_TRIMMED, CONTENT_TRIMMED, warnings_value
from .limits import Limits
from .owner import Owner
from .record_fields import FieldEncoder, filled_names, severity_text
from .reserved_names import EVENT_NAME, LOGLEVEL, RAW_LEVEL, RECORD_NOTE, SENT_MARK, SPAN_ID, TRACE_ID, WARNINGS
from .safe_text import safe_text, type_name
from .severity import NO_LEVEL, level_among
from .wire import SHORT_VARINTS, UINT32_MAX, fields, length_delimited, varint

_BODY_KEY = b"\x2a"

# body = 5 (AnyValue), string_value = 1, for a text of n bytes.
_CONTENT_PREFIXES = tuple(
    b"\x2a" + SHORT_VARINTS[1 + len(SHORT_VARINTS[n]) + n] + b"\x0a" + SHORT_VARINTS[n] for n in range(1024)
)

_BARE_BODY = length_delimited(
    _BODY_KEY,
    length_delimited(b"\x0a", b"[dt_otlp_logs: this record could not be encoded, for want of stack or memory]"),
)

_TIME_KEY = b"\x09"
_ATTRIBUTES_KEY = b"\x32"
_EVENT_NAME_KEY = b"\x62"

# Attributes at the server that are none here: event name, trace and span id, and our warnings.
_MOST_OTHERS = 4


class RecordEncoder:
    """Encodes one record at a time, and finds words for one that cannot be encoded."""

    def __init__(
        self,
        values: ValueEncoder,
        limits: Limits,
        value_limits: ValueLimits,
        selection: AttributeSelection,
        time_ns: Callable[[], int],
    ) -> None:
        self._values = values
        self._limits = limits
        self._value_limits = value_limits
        self._selection = selection
        self._attributes = AttributeEncoder(values, limits, value_limits)
        self._fields = FieldEncoder(values, time_ns)
        self._time_ns = time_ns

    def encode(self, readable: ReadableLogRecord, owner: Owner) -> tuple[bytes, int, bool]:
        """The LogRecord message, its time, and whether its owner should make room for what identifies the record.

        Raises whatever the application's objects raise.
        """
        values = self._values
        values.bytes_left, values.warnings = MAX_RECORD_BYTES, owner.warnings
        record: Any = readable.log_record
        attributes = record.attributes
        mapping: dict[Any, Any]
        if type(attributes) is BoundedAttributes:
            dropped, mapping = attributes.dropped, attributes.copy()  # type: ignore[assignment]  # a dict it is
        else:
            dropped, mapping = readable.dropped_attributes, plain_mapping(attributes, values)
        mapping.pop(RECORD_NOTE, None)
        mapping.pop(SENT_MARK, None)
        time, times = self._fields.times(record.timestamp, record.observed_timestamp)
        _, severity, raw_level = self._fields.severity(record.severity_number, record.severity_text)
        if raw_level is not None:
            mapping.setdefault(RAW_LEVEL, raw_level)
        body, leaves = self._body(record.body, owner)
        if not severity:
            keys = self._value_limits.flattened_keys(_value_of(body)) if leaves else []
            severity = _severity_among(keys, mapping)
        if dropped:
            # By the SDK's own limit. Dynatrace documents no place for OTLP's count of them.
            dropped = self._dropped_before(dropped)
        event_name = b""
        if record.event_name:
            event_name = self._event_name(record.event_name)
        trace = self._fields.trace_context(record.trace_id, record.span_id, record.trace_flags)
        needs_room = False
        encoded = self._attributes.ordinary(mapping, owner, leaves + _MOST_OTHERS)
        if encoded is None:
            filled = {**owner.filled, **filled_names(severity, event_name, trace)}
            room = owner.room - sum(name in filled for name in (EVENT_NAME, TRACE_ID, SPAN_ID))
            if leaves and leaves + len(mapping) >= room:
                body, leaves = self._body_as_text(body), 0
            selected = self._selection.named(mapping, owner.names, filled)
            selected, unplaced = self._selection.within(selected, room - leaves, says_so=True)
            encoded = [each.field(_ATTRIBUTES_KEY) for each in selected]
            needs_room = unplaced > 0 and owner.can_make_room
        if values.warnings:
            encoded.append(Attribute(WARNINGS, warnings_value(values.warnings), 1).field(_ATTRIBUTES_KEY))
        parts = [times, severity, body, *encoded, trace]
        if dropped:
            parts.append(b"\x38" + varint(dropped))
        if event_name:
            parts.append(length_delimited(_EVENT_NAME_KEY, event_name))
        return b"".join(parts), time, needs_room

    def _dropped_before(self, dropped: Any) -> int:
        if not self._fields.in_range(dropped, UINT32_MAX):
            return 0
        self._values.trimmed(ATTRIBUTES_TRIMMED, dropped)
        return int(dropped)

    def _event_name(self, name: object) -> bytes:
        if not isinstance(name, str):
            self._values.replaced += 1
            name = safe_text(name)
        return self._values.text(str.__str__(name), self._limits.attribute_value_bytes)

    def _body(self, body: object, owner: Owner) -> tuple[bytes, int]:
        """The field, and how many attributes Dynatrace makes of it."""
        values = self._values
        truncated = values.truncated
        leaves = 0
        if type(body) is str:
            text = values.text(body, self._limits.content_bytes)
            if len(text) < 1024:
                return _CONTENT_PREFIXES[len(text)] + text, 0
            encoded = length_delimited(b"\x0a", text)
        else:
            encoded, leaves = self._value_limits.body(
                values.any_value(body, self._limits.content_bytes, is_content=True)
            )
        if values.truncated != truncated:
            # A text that is cut calls itself an attribute's value.
            values.warnings = {**owner.warnings, CONTENT_TRIMMED: 1}
        return length_delimited(_BODY_KEY, encoded), leaves

    def _body_as_text(self, body: bytes) -> bytes:
        return length_delimited(_BODY_KEY, self._value_limits.body_as_text(_value_of(body)))

    def stand_in(self, readable: ReadableLogRecord, error: Exception) -> tuple[bytes, int]:
        """A record in place of one that could not be encoded, counted as replaced. Does not raise."""
        self._values.replaced += 1
        try:
            return self._stand_in(readable, error)
        except Exception:  # noqa: BLE001 - out of stack or memory: nothing is called any more that could fail
            time = self._time_ns()
            return _TIME_KEY + time.to_bytes(8, "little") + _BARE_BODY, time

    def _stand_in(self, readable: ReadableLogRecord, error: Exception) -> tuple[bytes, int]:
        """The record's time, severity and trace, and what went wrong."""
        text = f"[dt_otlp_logs: this record could not be encoded: {type_name(error)}]".encode()
        replaced = self._values.replaced
        record: Any = _attempt(lambda: readable.log_record, None)
        time, times = _attempt(lambda: self._fields.times(record.timestamp, record.observed_timestamp), (0, b""))
        if not time:
            time, times = self._fields.times(None, None)
        parts = (
            times,
            _attempt(lambda: self._fields.severity(record.severity_number, record.severity_text)[1], b""),
            length_delimited(_BODY_KEY, length_delimited(b"\x0a", text)),
            _attempt(lambda: self._fields.trace_context(record.trace_id, record.span_id, record.trace_flags), b""),
        )
        self._values.replaced = replaced
        return b"".join(parts), time


def _severity_among(body: list[tuple[str, str | None]], attributes: dict[Any, Any]) -> bytes:
    """The severity of a record that has none itself, from where Dynatrace would look for it.

    What says it stays where it is, but for an attribute `loglevel`, as that name is the server's.
    """
    in_body = level_among(body) if body else None
    in_attributes = level_among(attributes.items())
    if in_body is not None and (in_body[0] is not None or in_attributes is None):
        return severity_text(in_body[1].word or NO_LEVEL)
    if in_attributes is None:
        return b""
    key, (word, raw_level) = in_attributes
    if key is not None and str.lower(key) == LOGLEVEL:
        if raw_level is None:
            del attributes[key]
        elif RAW_LEVEL not in attributes:
            attributes[RAW_LEVEL] = attributes.pop(key)
    return severity_text(word or NO_LEVEL)


_Part = TypeVar("_Part")


def _attempt(read: Callable[[], _Part], otherwise: _Part) -> _Part:
    """A part of a record known to be odd: one that raises costs no other."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - whatever the record's own properties raise
        return otherwise


def _value_of(body: bytes) -> bytes:
    (field,) = fields(body)
    return body[field.content : field.end]
