"""Values that are no plain text or number, kept within Dynatrace's limits on an attribute and on content.

Works on encoded values, in which nothing of the application's is left that could raise.
What is made of a value in `raw` and `flattened` mode: "Ingest OTLP logs", docs.dynatrace.com.
"""

from collections.abc import Iterator

from .any_value import ValueEncoder
from .cut_warnings import ARRAY_TRIMMED, CONTENT_TRIMMED, VALUE_TRIMMED
from .event_values import CONTENT_KEYS, FIELDS, Structure, json_text, json_value
from .limits import Limits, cut
from .wire import fields, length_delimited

# AnyValue: string_value = 1, array_value = 5, kvlist_value = 6, bytes_value = 7.
STRING = b"\x0a"
_ARRAY = b"\x2a"
_MAP = b"\x32"
_BYTES = b"\x3a"
CONTAINERS = frozenset({_ARRAY, _MAP, _BYTES})
_VALUES = b"\x0a"  # ArrayValue.values = 1, KeyValueList.values = 1
_KEY = b"\x0a"
_VALUE = b"\x12"

# What a renamed attribute's name grows by, the names of a map's leaves with it.
RENAMED_BYTES = len("overwritten1.")

# JSON text has at most six times the bytes of an encoded value: a control character becomes \u0001.
_MOST_JSON_PER_BYTE = 6


class ValueLimits:
    """Cuts values to the limits, counting what is lost.

    Where the tenant's structure is not known, a value is made to suit both. So that nothing is lost that need not
    be, a map becomes its JSON text where its own attributes would break a limit when it is flattened: maps deeper
    than the fifth level, and those with a name too long.
    """

    def __init__(self, values: ValueEncoder, limits: Limits, structure: Structure, json_ingest: bool) -> None:
        self._values = values
        self._limits = limits
        self._json_ingest = json_ingest
        self._may_be_flattened = limits.classic or structure != "raw"
        self._may_be_raw = not limits.classic and structure != "flattened"

    def attribute(self, any_value: bytes, name_bytes: int) -> tuple[bytes, int]:
        """The value of an attribute within the limits, and how many attributes Dynatrace makes of it."""
        kind = any_value[:1]
        if kind == _MAP:
            if self._may_be_raw and self._is_long(any_value, self._limits.attribute_value_bytes):
                return self.as_text(any_value), 1
            return self._leaves(any_value, name_bytes, 1) if self._may_be_flattened else (any_value, 1)
        return self._leaf(any_value), 1

    def body(self, any_value: bytes) -> tuple[bytes, int]:
        """The body within the limits, and how many attributes Dynatrace makes of it.

        A map stays one if each of its values is within the limits of an attribute, and if it is stored alike by JSON
        ingest; else its JSON text is the content, which is what raw mode makes of it.
        """
        is_map = any_value[:1] == _MAP
        leaves = 0
        if is_map and self._may_be_flattened:
            # JSON ingest has no form for a map as the body that is right in both modes.
            within = None if self._may_be_raw and self._json_ingest else self._body_leaves(any_value)
            if within is None:
                return self.body_as_text(any_value), 0
            leaves = within
        if (not is_map or self._may_be_raw) and self._is_long(any_value, self._limits.content_bytes):
            return self.body_as_text(any_value), 0
        return any_value, leaves

    def leaf_names(self, name: bytes, any_value: bytes) -> Iterator[bytes]:
        """The names of the attributes that Dynatrace may make of one."""
        if any_value[:1] != _MAP or not self._may_be_flattened:
            yield name
            return
        for key, value in _pairs(any_value):
            yield from self.leaf_names(name + b"." + key, value)

    def flattened_keys(self, body: bytes) -> list[tuple[str, str | None]]:
        """The keys of a body that Dynatrace may make attributes of, with those of their values that are texts."""
        if body[:1] != _MAP or not self._may_be_flattened:
            return []
        return [
            (key.decode(), _content(value).decode() if value[:1] == STRING else None) for key, value in _pairs(body)
        ]

    def as_text(self, any_value: bytes) -> bytes:
        """The value as the text which Dynatrace makes of it, cut with a marker."""
        return self._text(any_value, self._limits.attribute_value_bytes, VALUE_TRIMMED)

    def body_as_text(self, any_value: bytes) -> bytes:
        """The body as the text which Dynatrace makes of it, cut with a marker."""
        return self._text(any_value, self._limits.content_bytes, CONTENT_TRIMMED)

    def _text(self, any_value: bytes, max_bytes: int, warning: str) -> bytes:
        text = stored_text(any_value)
        if len(text) > max_bytes:
            text = cut(text, max_bytes)
            self._values.trimmed(warning)
        return length_delimited(STRING, text)

    def _is_long(self, any_value: bytes, max_bytes: int) -> bool:
        """Whether the text that Dynatrace makes of a value is too long."""
        kind = any_value[:1]
        if kind == STRING:
            return len(any_value) > max_bytes and len(_content(any_value)) > max_bytes
        if kind not in CONTAINERS or len(any_value) * _MOST_JSON_PER_BYTE <= max_bytes:
            return False
        return len(stored_text(any_value)) > max_bytes

    def _leaves(self, any_value: bytes, path_bytes: int, level: int) -> tuple[bytes, int]:
        if any_value[:1] != _MAP:
            return self._leaf(any_value), 1
        pairs = list(_pairs(any_value))
        longest_path = max((path_bytes + 1 + len(key) for key, _ in pairs), default=0)
        if level >= self._limits.nesting_levels or longest_path > self._limits.attribute_key_bytes:
            return self.as_text(any_value), 1
        fitted = [(key, *self._leaves(value, path_bytes + 1 + len(key), level + 1)) for key, value in pairs]
        return _map(fitted), sum(leaves for _, _, leaves in fitted)

    def _body_leaves(self, any_value: bytes) -> int | None:
        """How many attributes a map as the body becomes; None if one would be over a limit, or mistaken for a field."""
        values = self._values
        before = values.truncated, values.warnings
        values.warnings = {}
        pairs = list(_pairs(any_value))
        content = _content_key(pairs)
        leaves: int | None = 0
        for key, value in pairs:
            # As if its name were taken: those of other attributes are not known here.
            name_bytes = len(key) + RENAMED_BYTES
            fitted, count = (value, 0) if key == content else self._leaves(value, name_bytes, 1)
            if (
                fitted != value
                or name_bytes > self._limits.attribute_key_bytes
                or (key != content and self._is_field(key))
            ):
                leaves = None
                break
            leaves = (leaves or 0) + count
        values.truncated, values.warnings = before
        return leaves

    def _is_field(self, key: bytes) -> bool:
        """Whether JSON ingest takes a key of the body for a field of the record, where OTLP has an attribute.

        Not in Classic, which writes all names in small letters.
        """
        lower = key.decode().lower()
        return self._json_ingest and lower in FIELDS and lower.encode() != key and not self._limits.classic

    def _leaf(self, any_value: bytes) -> bytes:
        if any_value[:1] == _ARRAY:
            return self._array(any_value)
        return self.as_text(any_value) if self._is_long(any_value, self._limits.attribute_value_bytes) else any_value

    def _array(self, any_value: bytes) -> bytes:
        # Two bytes is the shortest element.
        if len(any_value) <= 2 * self._limits.array_values:
            return any_value
        most, max_bytes = self._limits.array_values, self._limits.attribute_value_bytes
        elements = list(_elements(any_value))
        if len(elements) > most:
            self._values.trimmed(ARRAY_TRIMMED, len(elements) - most)
        fitted = [self.as_text(each) if self._is_long(each, max_bytes) else each for each in elements[:most]]
        return length_delimited(_ARRAY, b"".join(length_delimited(_VALUES, each) for each in fitted))


def stored_text(any_value: bytes) -> bytes:
    """What Dynatrace stores of a value where it stores text: JSON, base64 of bytes."""
    if any_value[:1] == STRING:
        return _content(any_value)
    # Not at the top: importing the generated classes takes longer than the rest of the package, and most never need it.
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue

    value = json_value(AnyValue.FromString(any_value))
    return (value if isinstance(value, str) else json_text(value)).encode()


def _content_key(pairs: list[tuple[bytes, bytes]]) -> bytes | None:
    """The key of a flattened body whose value becomes the content, which has a limit of its own."""
    there = {key.decode().lower(): (key, value[:1] not in (_MAP, _ARRAY)) for key, value in pairs}
    return next((there[name][0] for name in CONTENT_KEYS if name in there and there[name][1]), None)


def _map(pairs: list[tuple[bytes, bytes, int]]) -> bytes:
    encoded = (
        length_delimited(_VALUES, (length_delimited(_KEY, key) if key else b"") + length_delimited(_VALUE, value))
        for key, value, _ in pairs
    )
    return length_delimited(_MAP, b"".join(encoded))


def _pairs(any_value: bytes) -> Iterator[tuple[bytes, bytes]]:
    for start, end in _spans(any_value):
        key = value = b""
        for part in fields(any_value, start, end):
            if part.number == 1:
                key = any_value[part.content : part.end]
            else:
                value = any_value[part.content : part.end]
        yield key, value


def _elements(any_value: bytes) -> Iterator[bytes]:
    return (any_value[start:end] for start, end in _spans(any_value))


def _spans(any_value: bytes) -> Iterator[tuple[int, int]]:
    """Where the elements of an array, or the pairs of a map, are."""
    for outer in fields(any_value):
        for inner in fields(any_value, outer.content, outer.end):
            yield inner.content, inner.end


def _content(any_value: bytes) -> bytes:
    return b"".join(any_value[field.content : field.end] for field in fields(any_value))
