"""A single record made small enough for a server that refused it with 413."""

from dataclasses import dataclass, replace

from .cut_warnings import CONTENT_TRIMMED, VALUE_TRIMMED, with_warning
from .limits import cut, truncation_marker
from .request import Group, Payload, seal, unpack
from .reserved_names import WARNINGS
from .wire import LENGTH_DELIMITED, Field, fields, length_delimited

_STRING_VALUE = b"\x0a"  # AnyValue.string_value = 1
_BODY = b"\x2a"  # LogRecord.body = 5
_ATTRIBUTES = b"\x32"  # LogRecord.attributes = 6
_KEY = b"\x0a"  # KeyValue.key = 1
_VALUE = b"\x12"  # KeyValue.value = 2

# Cutting a text by n bytes frees at least n, and up to this many more: each of four lengths around it can shrink.
_LENGTHS_SLACK_BYTES = 32


@dataclass(slots=True)
class _Part:
    """A field of the record; `value` is what may be cut from it: the text itself, or an AnyValue that is no text."""

    encoded: bytes
    name: bytes = b""
    value: bytes | None = None
    is_text: bool = False
    is_body: bool = False

    def warn(self, word: str) -> None:
        self.value = with_warning(self.value or b"", word)
        self.encoded = self._encode(self.value)

    def cut_by(self, excess: int) -> None:
        value = self.value or b""
        keep = len(value) - excess - _LENGTHS_SLACK_BYTES
        marker = truncation_marker(len(value))
        # What is not text cannot be cut and still be read: only the marker stays of it.
        text = cut(value, keep) if self.is_text and keep > len(marker) else marker
        encoded = self._encode(length_delimited(_STRING_VALUE, text))
        if len(encoded) < len(self.encoded):
            self.encoded = encoded

    def _encode(self, any_value: bytes) -> bytes:
        if self.is_body:
            return length_delimited(_BODY, any_value)
        key_value = length_delimited(_KEY, self.name) + length_delimited(_VALUE, any_value)
        return length_delimited(_ATTRIBUTES, key_value)


def shrink(payload: Payload, max_bytes: int) -> Payload | None:
    """The single record of a payload cut so that the request has at most `max_bytes` before compression.

    Its content is cut first, then its longest attribute values, each at a character boundary and ending in how
    much is missing; `dt_otlp_logs.warnings` says so, too. Returns None if that is not enough: the resource alone can
    be larger.
    ValueError if the payload has not exactly one record, or is damaged.
    """
    groups = unpack(payload)
    if sum(len(group.records) for group in groups) != 1:
        raise ValueError("only a single record can be shrunk")
    group = groups[0]
    parts = _parts(group.records[0])
    warnings = next((part for part in parts if part.name == WARNINGS), _Part(b"", WARNINGS))
    candidates = sorted(
        (part for part in parts if part.value is not None and part is not warnings),
        key=lambda part: (part.is_body, len(part.value or b"")),
        reverse=True,
    )
    if warnings not in parts:
        parts.append(warnings)
    smaller = payload
    for part in candidates:
        if smaller.size_bytes <= max_bytes:
            break
        warnings.warn(CONTENT_TRIMMED if part.is_body else VALUE_TRIMMED)
        part.cut_by(_sealed(group, parts).size_bytes - max_bytes)
        smaller = _sealed(group, parts)
    return smaller if smaller.size_bytes <= max_bytes else None


def _sealed(group: Group, parts: list[_Part]) -> Payload:
    return seal([replace(group, records=(b"".join(part.encoded for part in parts),))])


def _parts(record: bytes) -> list[_Part]:
    parts = []
    for field in fields(record):
        part = _Part(record[field.start : field.end])
        if field.wire_type == LENGTH_DELIMITED and field.number == 5:
            part.is_body = True
            part.value, part.is_text = _value(record, field)
        elif field.wire_type == LENGTH_DELIMITED and field.number == 6:
            for inner in fields(record, field.content, field.end):
                if inner.number == 1:
                    part.name = record[inner.content : inner.end]
                elif inner.number == 2:
                    part.value, part.is_text = _value(record, inner)
        parts.append(part)
    return parts


def _value(record: bytes, any_value: Field) -> tuple[bytes, bool]:
    for field in fields(record, any_value.content, any_value.end):
        if field.number == 1 and field.wire_type == LENGTH_DELIMITED:
            return record[field.content : field.end], True
    return record[any_value.content : any_value.end], False
