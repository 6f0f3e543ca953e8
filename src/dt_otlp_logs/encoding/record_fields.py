"""The fields of a log record that are neither its body nor its attributes: times, severity, trace context.

Message definition: https://github.com/open-telemetry/opentelemetry-proto, logs/v1/logs.proto
"""

import struct
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import TraceFlags

from .any_value import ValueEncoder
from .reserved_names import EVENT_NAME, LOGLEVEL, SPAN_ID, TRACE_ID
from .severity import MAX_SEVERITY_NUMBER, level_of
from .wire import UINT32_MAX, UINT64_MAX, length_delimited, varint

# time_unix_nano = 1 and observed_time_unix_nano = 11, both fixed64; the time comes first, where it is quickly found.
_TIMES = struct.Struct("<BQBQ").pack
_TIME_KEY = 0x09
_OBSERVED_KEY = 0x59

_TRACE_ID_PREFIX = b"\x4a\x10"  # trace_id = 9, 16 bytes
_SPAN_ID_PREFIX = b"\x52\x08"  # span_id = 10, 8 bytes
_TRACE_ID_MAX = 2**128 - 1
_FLAGS = {flags: b"\x45" + flags.to_bytes(4, "little") if flags else b"" for flags in range(256)}  # fixed32 flags = 8

_MAX_CACHED_SEVERITIES = 256
_MAX_NAME_BYTES = 32_768


class FieldEncoder:
    """Encodes these fields; what is out of range is left out and counted as replaced."""

    def __init__(self, values: ValueEncoder, time_ns: Callable[[], int]) -> None:
        self._values = values
        self._time_ns = time_ns
        self._severities: dict[str | None, tuple[object, bytes, str | None]] = {}

    def times(self, time: Any, observed: Any) -> tuple[int, bytes]:
        """The record's time, which is never 0, and the fields of both times."""
        # The ordinary case written out: here and below, a call costs more than all the rest.
        if type(time) is int and type(observed) is int and 0 < time <= UINT64_MAX and 0 < observed <= UINT64_MAX:
            return time, _TIMES(_TIME_KEY, time, _OBSERVED_KEY, observed)
        if observed is None or not self.in_range(observed, UINT64_MAX):
            observed = 0
        if time is None or not self.in_range(time, UINT64_MAX):
            time = 0
        time = int(time) or int(observed) or self._time_ns()
        encoded = _TIMES(_TIME_KEY, time, _OBSERVED_KEY, observed)
        return time, encoded if observed else encoded[:9]

    def severity(self, number: object, text: object) -> tuple[object, bytes, str | None]:
        """The number it was made of, the fields, and the text that differs from what they say."""
        if type(text) is str or text is None:
            known = self._severities.get(text)
            if known is not None and known[0] is number:
                return known
        replaced = self._values.replaced
        value = self._severity_number(number)
        plain = text if type(text) is str or text is None else self._values.name(text, _MAX_NAME_BYTES).decode()
        word, raw_level = level_of(value, plain)
        encoded = b"\x10" + varint(value) if value else b""
        if word:
            encoded += severity_text(word)
        severity = number, encoded, raw_level
        if self._values.replaced == replaced and (text is None or (type(text) is str and len(text) < 64)):
            if len(self._severities) >= _MAX_CACHED_SEVERITIES:
                self._severities.clear()
            self._severities[text] = severity
        return severity

    def _severity_number(self, number: Any) -> int:
        value = getattr(number, "value", number)
        if value is None or not self.in_range(value, MAX_SEVERITY_NUMBER):
            return 0
        return int(value)

    def trace_context(self, trace_id: Any, span_id: Any, flags: Any) -> bytes:
        """The fields of trace id, span id and flags, in this order, without those that are 0."""
        encoded = b""
        if type(trace_id) is int and 0 < trace_id <= _TRACE_ID_MAX:
            encoded = _TRACE_ID_PREFIX + trace_id.to_bytes(16, "big")
        elif trace_id and self.in_range(trace_id, _TRACE_ID_MAX):
            encoded = _TRACE_ID_PREFIX + int.to_bytes(trace_id, 16, "big")
        if type(span_id) is int and 0 < span_id <= UINT64_MAX:
            encoded += _SPAN_ID_PREFIX + span_id.to_bytes(8, "big")
        elif span_id and self.in_range(span_id, UINT64_MAX):
            encoded += _SPAN_ID_PREFIX + int.to_bytes(span_id, 8, "big")
        if not flags:
            return encoded
        if type(flags) is TraceFlags and flags <= 255:
            return encoded + _FLAGS[flags]
        if self.in_range(flags, UINT32_MAX):
            return encoded + b"\x45" + int.to_bytes(flags, 4, "little")
        return encoded

    def in_range(self, number: Any, maximum: int) -> bool:
        """Whether a number is an unsigned integer up to a maximum; one that is not is left out and counted."""
        if isinstance(number, int) and 0 <= number <= maximum:
            return True
        self._values.replaced += 1
        return False


def severity_text(word: str) -> bytes:
    """The field of it."""
    return length_delimited(b"\x1a", word.encode())


def filled_names(severity: bytes, event_name: bytes, trace: bytes) -> dict[str, bytes | None]:
    """The names that the server fills from the fields of a record, and what with."""
    filled: dict[str, bytes | None] = {}
    if severity:
        filled[LOGLEVEL] = None
    if event_name:
        filled[EVENT_NAME] = length_delimited(b"\x0a", event_name)
    for name, prefix, length in ((TRACE_ID, _TRACE_ID_PREFIX, 16), (SPAN_ID, _SPAN_ID_PREFIX, 8)):
        if trace.startswith(prefix):
            end = len(prefix) + length
            filled[name] = length_delimited(b"\x0a", trace[len(prefix) : end].hex().encode())
            trace = trace[end:]
    return filled
