"""One log record as one LogRecord message.

Message definition: https://github.com/open-telemetry/opentelemetry-proto, logs/v1/logs.proto
"""

import struct
from collections.abc import Callable
from typing import Any, TypeVar

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.trace import TraceFlags

from .any_value import MAX_RECORD_BYTES, ValueEncoder
from .attributes import AttributeEncoder
from .safe_text import type_name
from .severity import MAX_SEVERITY_NUMBER
from .wire import SHORT_VARINTS, UINT32_MAX, UINT64_MAX, length_delimited, varint

# time_unix_nano = 1 and observed_time_unix_nano = 11, both fixed64; the time comes first, where it is quickly found.
_TIMES = struct.Struct("<BQBQ").pack
_TIME_KEY = 0x09
_OBSERVED_KEY = 0x59
_BODY_KEY = b"\x2a"

_TRACE_ID_PREFIX = b"\x4a\x10"  # trace_id = 9, 16 bytes
_SPAN_ID_PREFIX = b"\x52\x08"  # span_id = 10, 8 bytes
_TRACE_ID_MAX = 2**128 - 1
_FLAGS = {flags: b"\x45" + flags.to_bytes(4, "little") if flags else b"" for flags in range(256)}  # fixed32 flags = 8

# body = 5 (AnyValue), string_value = 1, for a text of n bytes.
_CONTENT_PREFIXES = tuple(
    b"\x2a" + SHORT_VARINTS[1 + len(SHORT_VARINTS[n]) + n] + b"\x0a" + SHORT_VARINTS[n] for n in range(1024)
)

_BARE_BODY = length_delimited(
    _BODY_KEY,
    length_delimited(b"\x0a", b"[dt_otlp_logs: this record could not be encoded, for want of stack or memory]"),
)

_MAX_CACHED_SEVERITIES = 256
_MAX_NAME_BYTES = 32_768


class RecordEncoder:
    """Encodes one record at a time, and finds words for one that cannot be encoded."""

    def __init__(
        self,
        values: ValueEncoder,
        attributes: AttributeEncoder,
        max_content_bytes: int,
        time_ns: Callable[[], int],
    ) -> None:
        self._values = values
        self._attributes = attributes
        self._max_content_bytes = max_content_bytes
        self._time_ns = time_ns
        self._severities: dict[str | None, tuple[object, bytes]] = {}

    def encode(self, readable: ReadableLogRecord) -> tuple[bytes, int]:
        """The LogRecord message and its time."""
        values = self._values
        values.bytes_left = MAX_RECORD_BYTES
        replaced, truncated = values.replaced, values.truncated
        try:
            return self._encode(readable)
        except Exception as error:  # noqa: BLE001 - records hold the application's objects
            values.replaced, values.truncated = replaced + 1, truncated
            failure = error
        try:
            return self._stand_in(readable, failure)
        except Exception:  # noqa: BLE001 - out of stack or memory: nothing is called any more that could fail
            time = self._time_ns()
            return _TIMES(_TIME_KEY, time, _OBSERVED_KEY, time) + _BARE_BODY, time

    def _encode(self, readable: ReadableLogRecord) -> tuple[bytes, int]:
        record: Any = readable.log_record
        attributes = record.attributes
        known = type(attributes) is BoundedAttributes
        dropped = attributes.dropped if known else readable.dropped_attributes
        time, observed = record.timestamp, record.observed_timestamp
        if type(time) is int and type(observed) is int and 0 < time <= UINT64_MAX and 0 < observed <= UINT64_MAX:
            times = _TIMES(_TIME_KEY, time, _OBSERVED_KEY, observed)
        else:
            time, times = self._times(time, observed)
        parts = [
            times,
            self._severity(record.severity_number, record.severity_text),
            self._body(record.body),
            *self._attributes.record_attributes(attributes),
            self._trace_context(record.trace_id, record.span_id, record.trace_flags),
        ]
        if dropped and self._in_range(dropped, UINT32_MAX):
            parts.append(b"\x38" + varint(dropped))
        if record.event_name:
            parts.append(length_delimited(b"\x62", self._values.name(record.event_name, _MAX_NAME_BYTES)))
        return b"".join(parts), time

    def _times(self, time: Any, observed: Any) -> tuple[int, bytes]:
        if observed is None or not self._in_range(observed, UINT64_MAX):
            observed = 0
        if time is None or not self._in_range(time, UINT64_MAX):
            time = 0
        time = int(time) or int(observed) or self._time_ns()
        encoded = _TIMES(_TIME_KEY, time, _OBSERVED_KEY, observed)
        return time, encoded if observed else encoded[:9]

    def _in_range(self, number: Any, maximum: int) -> bool:
        """Whether a number is an unsigned integer up to a maximum; one that is not is left out and counted."""
        if isinstance(number, int) and 0 <= number <= maximum:
            return True
        self._values.replaced += 1
        return False

    def _severity(self, number: object, text: object) -> bytes:
        if type(text) is str or text is None:
            known = self._severities.get(text)
            if known is not None and known[0] is number:
                return known[1]
        replaced = self._values.replaced
        encoded = self._severity_number(number)
        if text is not None:
            name = self._values.name(text, _MAX_NAME_BYTES)
            encoded += length_delimited(b"\x1a", name) if name else b""
        if self._values.replaced == replaced and (text is None or (type(text) is str and len(text) < 64)):
            if len(self._severities) >= _MAX_CACHED_SEVERITIES:
                self._severities.clear()
            self._severities[text] = (number, encoded)
        return encoded

    def _severity_number(self, number: Any) -> bytes:
        value = getattr(number, "value", number)
        if value is None:
            return b""
        if not self._in_range(value, MAX_SEVERITY_NUMBER):
            return b""
        return b"\x10" + varint(value) if value else b""

    def _body(self, body: object) -> bytes:
        if type(body) is str:
            text = self._values.text(body, self._max_content_bytes)
            if len(text) < 1024:
                return _CONTENT_PREFIXES[len(text)] + text
            return length_delimited(_BODY_KEY, length_delimited(b"\x0a", text))
        return length_delimited(_BODY_KEY, self._values.any_value(body, self._max_content_bytes))

    def _trace_context(self, trace_id: Any, span_id: Any, flags: Any) -> bytes:
        encoded = b""
        if trace_id and self._in_range(trace_id, _TRACE_ID_MAX):
            encoded = _TRACE_ID_PREFIX + int.to_bytes(trace_id, 16, "big")
        if span_id and self._in_range(span_id, UINT64_MAX):
            encoded += _SPAN_ID_PREFIX + int.to_bytes(span_id, 8, "big")
        if not flags:
            return encoded
        if type(flags) is TraceFlags and flags <= 255:
            return encoded + _FLAGS[flags]
        if self._in_range(flags, UINT32_MAX):
            return encoded + b"\x45" + int.to_bytes(flags, 4, "little")
        return encoded

    def _stand_in(self, readable: ReadableLogRecord, error: Exception) -> tuple[bytes, int]:
        """A record in place of one that could not be encoded: its time, severity and trace, and what went wrong."""
        text = f"[dt_otlp_logs: this record could not be encoded: {type_name(error)}]".encode()
        replaced = self._values.replaced
        record: Any = _attempt(lambda: readable.log_record, None)
        time, times = _attempt(lambda: self._times(record.timestamp, record.observed_timestamp), (0, b""))
        if not time:
            time, times = self._times(None, None)
        parts = (
            times,
            _attempt(lambda: self._severity(record.severity_number, record.severity_text), b""),
            length_delimited(_BODY_KEY, length_delimited(b"\x0a", text)),
            _attempt(lambda: self._trace_context(record.trace_id, record.span_id, record.trace_flags), b""),
        )
        self._values.replaced = replaced
        return b"".join(parts), time


_Part = TypeVar("_Part")


def _attempt(read: Callable[[], _Part], otherwise: _Part) -> _Part:
    """A part of a record known to be odd: one that raises costs no other."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - whatever the record's own properties raise
        return otherwise
