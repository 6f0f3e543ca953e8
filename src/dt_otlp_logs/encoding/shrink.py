"""A single record made small enough for a request."""

from dataclasses import dataclass, replace

from .attribute_limits import CONTAINERS, STRING, stored_text
from .cut_warnings import CONTENT_TRIMMED, VALUE_TRIMMED, with_warning
from .limits import cut, is_cut
from .request import Payload, seal, size_bound, unpack
from .reserved_names import STACK_TRACE, WARNINGS, is_identity
from .wire import LENGTH_DELIMITED, fields, length_delimited

_BODY = b"\x2a"  # LogRecord.body = 5
_ATTRIBUTES = b"\x32"  # LogRecord.attributes = 6
_KEY = b"\x0a"  # KeyValue.key = 1
_VALUE = b"\x12"  # KeyValue.value = 2

# Cutting a text by n bytes frees at least n, and up to this many more: each of four lengths around it can shrink.
_LENGTHS_SLACK_BYTES = 32

# What the words for both kinds of cut take at most, with the attribute that they are in.
_WARNINGS_BYTES = 100

# The beginning of a long text says what it is. Only if that much of each is still too much, they are cut to what
# the marker needs, and a character or two.
_BEGINNING_BYTES = 1_024
_LEAST_BYTES = 40


@dataclass(slots=True)
class _Part:
    """A field of the record; `value` is the AnyValue in it that may be cut."""

    encoded: bytes
    name: bytes = b""
    value: bytes = b""
    is_body: bool = False
    is_cut: bool = False
    was_whole: bool = True

    def cut_by(self, excess: int, least_bytes: int) -> int:
        """Cut by that many bytes, if as many are left then; how many it became shorter. What is no text becomes one."""
        if len(self.value) <= least_bytes:
            return 0
        before = len(self.encoded)
        whole = stored_text(self.value)
        text = cut(whole, max(len(self.value) - excess - _LENGTHS_SLACK_BYTES, least_bytes))
        value = length_delimited(STRING, text)
        if len(value) < len(self.value):
            if text != whole and not self.is_cut:
                self.is_cut, self.was_whole = True, not is_cut(whole)
            self.set(value)
        return before - len(self.encoded)

    def set(self, value: bytes) -> None:
        self.value = value
        self.encoded = (
            length_delimited(_BODY, value)
            if self.is_body
            else length_delimited(_ATTRIBUTES, length_delimited(_KEY, self.name) + length_delimited(_VALUE, value))
        )


def shrink(payload: Payload, max_bytes: int) -> tuple[Payload, int] | None:
    """The single record of a payload cut so that the request has at most `max_bytes` before compression.

    Its content is cut first, then the longest of its ordinary attributes, then the stack trace: to their first
    1,024 bytes, and if that is not enough, to next to nothing. What identifies the record is cut last. Each ends in
    how much is missing, and `dt_otlp_logs.warnings` says so, too. Lists and maps become JSON text.
    The second answer is how many texts were cut that had been whole. None if the record cannot be made as small:
    the resource alone can be larger. ValueError if the payload has not exactly one record, or is damaged.
    """
    groups = unpack(payload)
    if sum(len(group.records) for group in groups) != 1:
        raise ValueError("only a single record can be shrunk")
    if payload.size_bytes <= max_bytes:
        return payload, 0
    group = groups[0]
    parts = _parts(group.records[0])
    warnings = next((part for part in parts if part.name == WARNINGS), None)
    if warnings is None:
        warnings = _Part(b"", WARNINGS)
        parts.append(warnings)
    record_bytes = sum(len(part.encoded) for part in parts) + _WARNINGS_BYTES
    excess = size_bound(group, record_bytes, 1) - max_bytes
    for part, least_bytes in _in_order_of_cutting(parts):
        if excess <= 0:
            break
        excess -= part.cut_by(excess, least_bytes)
    if excess > 0:
        return None
    cut_parts = [part for part in parts if part.is_cut]
    for part in cut_parts:
        warnings.set(with_warning(warnings.value, CONTENT_TRIMMED if part.is_body else VALUE_TRIMMED))
    smaller = seal([replace(group, records=(b"".join(part.encoded for part in parts),))])
    return smaller, sum(part.was_whole for part in cut_parts)


def _in_order_of_cutting(parts: list[_Part]) -> list[tuple[_Part, int]]:
    """Parts that may be cut, and how much has to stay of each."""
    values = [part for part in parts if part.value and part.name != WARNINGS]
    values.sort(key=lambda part: (not part.is_body, part.name == STACK_TRACE, -len(part.value)))
    identity = [part for part in values if is_identity(part.name.decode())]
    others = [part for part in values if not is_identity(part.name.decode())]
    return [(part, least) for some in (others, identity) for least in (_BEGINNING_BYTES, _LEAST_BYTES) for part in some]


def _parts(record: bytes) -> list[_Part]:
    parts = []
    for field in fields(record):
        part = _Part(record[field.start : field.end])
        if field.wire_type == LENGTH_DELIMITED and field.number == 5:
            part.is_body, value = True, record[field.content : field.end]
        elif field.wire_type == LENGTH_DELIMITED and field.number == 6:
            value = b""
            for inner in fields(record, field.content, field.end):
                if inner.number == 1:
                    part.name = record[inner.content : inner.end]
                elif inner.number == 2:
                    value = record[inner.content : inner.end]
        else:
            value = b""
        if value[:1] == STRING or value[:1] in CONTAINERS:
            part.value = value
        parts.append(part)
    return parts
