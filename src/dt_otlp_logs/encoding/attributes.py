"""Attributes as repeated KeyValue fields, fast for those that come again and again.

Most attributes of a log record repeat: names always, and values such as a file, a function, a line, a thread, a
status. Encoded forms of short values are therefore kept, per name, in a cache with a fixed bound.
"""

import struct
from collections.abc import Mapping
from itertools import islice
from typing import Any

from opentelemetry.attributes import BoundedAttributes

from .any_value import ValueEncoder
from .safe_text import safe_text
from .wire import INT64_MAX, INT64_MIN, SHORT_VARINTS, length_delimited, varint

_ATTRIBUTES_KEY = b"\x32"  # LogRecord.attributes = 6

# Names longer than the server's limit of 100 bytes are trimmed and marked there; this bounds what may be a mistake.
_MAX_NAME_BYTES = 32_768

# A mapping of the application's own making may never end. Dynatrace keeps 500 attributes of a record.
_MAX_FOREIGN_ATTRIBUTES = 10_000

# What the cache holds at most: about 4 MB, with values of at most 128 characters as text and as bytes.
_MAX_CACHED_CHARACTERS = 128
_MAX_CACHED_VALUES_PER_NAME = 256
_MAX_CACHED = 8_192

# Texts up to here have their lengths looked up; with a name of 128 characters a KeyValue stays below the table's 2048.
_SHORT_TEXT_BYTES = 1024

# What stands before a text of n bytes inside a KeyValue: value = 2 (AnyValue), string_value = 1.
_TEXT_PREFIXES = tuple(
    b"\x12" + SHORT_VARINTS[1 + len(SHORT_VARINTS[n]) + n] + b"\x0a" + SHORT_VARINTS[n]
    for n in range(_SHORT_TEXT_BYTES)
)
_FIELD_PREFIXES = tuple(_ATTRIBUTES_KEY + length for length in SHORT_VARINTS)
# An AnyValue of n bytes of number and its key: int_value = 3.
_INT_PREFIXES = tuple(b"\x12" + SHORT_VARINTS[n + 1] + b"\x18" for n in range(11))
_DOUBLE_PREFIX = b"\x12\x09\x21"  # an AnyValue of 9 bytes: double_value = 4
_pack_double = struct.Struct("<d").pack


class _Name:
    """What is known of an attribute's name: its encoded form, and fields that began with it."""

    __slots__ = ("double_prefix", "encoded", "fields")

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded
        self.fields: dict[str | int, bytes] = {}
        content_bytes = len(encoded) + len(_DOUBLE_PREFIX) + 8
        self.double_prefix = _FIELD_PREFIXES[content_bytes] + encoded + _DOUBLE_PREFIX


class AttributeEncoder:
    """Encodes the attributes of records; those of resources and scopes, which are few, without a cache."""

    def __init__(self, values: ValueEncoder, max_value_bytes: int) -> None:
        self._values = values
        self._max_value_bytes = max_value_bytes
        self._names: dict[str, _Name] = {}
        self._cached = 0

    def record_attributes(self, attributes: object) -> list[bytes]:
        """One encoded `LogRecord.attributes` field per attribute."""
        mapping = self._plain_mapping(attributes)
        if mapping is None:
            return [length_delimited(_ATTRIBUTES_KEY, self._no_mapping(attributes))]
        names = self._names
        encoded = []
        for key, value in mapping.items():
            name = (names.get(key) or self._learn(key)) if type(key) is str else None
            kind = type(value)
            if name is None:
                encoded.append(length_delimited(_ATTRIBUTES_KEY, self._key_value(key, value)))
            elif kind is str:
                known = name.fields.get(value) if len(value) <= _MAX_CACHED_CHARACTERS else None
                encoded.append(known or self._text_field(name, value))
            elif kind is int:
                encoded.append(name.fields.get(value) or self._int_field(name, value))
            elif kind is float:
                encoded.append(name.double_prefix + _pack_double(value))
            else:
                encoded.append(self._other_field(name, value))
        return encoded

    def other_attributes(self, attributes: object, field_key: bytes) -> list[bytes]:
        """One encoded field per attribute of a resource or scope."""
        mapping = self._plain_mapping(attributes)
        if mapping is None:
            return [length_delimited(field_key, self._no_mapping(attributes))]
        return [length_delimited(field_key, self._key_value(key, value)) for key, value in mapping.items()]

    def _plain_mapping(self, attributes: object) -> dict[object, Any] | None:
        """Attributes as a dict of their own, so that nobody changes it meanwhile. None if they cannot be read."""
        if type(attributes) is BoundedAttributes:
            # Its items() takes a lock and a Python call for every key.
            return attributes.copy()  # type: ignore[return-value]
        if type(attributes) is dict:
            return attributes.copy()
        if attributes is None:
            return {}
        try:
            if not isinstance(attributes, Mapping):
                return None
            pairs = list(islice(iter(attributes.items()), _MAX_FOREIGN_ATTRIBUTES + 1))
            if len(pairs) > _MAX_FOREIGN_ATTRIBUTES:
                self._values.replaced += 1
                pairs.pop()
            return dict(pairs)
        except Exception:  # noqa: BLE001 - the mapping is the application's own
            return None

    def _learn(self, key: str) -> _Name | None:
        """Remembers a name; None for one that is not worth it, or that has to be counted each time it comes."""
        if len(key) > _MAX_CACHED_CHARACTERS or not key.isprintable():
            return None
        if self._cached >= _MAX_CACHED:
            self._forget()
        name = _Name(length_delimited(b"\x0a", key.encode()) if key else b"")
        self._names[key] = name
        self._cached += 1
        return name

    def _text_field(self, name: _Name, value: str) -> bytes:
        values = self._values
        trouble = values.replaced + values.truncated
        text = values.text(value, self._max_value_bytes)
        if len(text) >= _SHORT_TEXT_BYTES:
            any_value = length_delimited(b"\x0a", text)
            return length_delimited(_ATTRIBUTES_KEY, name.encoded + length_delimited(b"\x12", any_value))
        prefix = _TEXT_PREFIXES[len(text)]
        content_bytes = len(name.encoded) + len(prefix) + len(text)
        field = _FIELD_PREFIXES[content_bytes] + name.encoded + prefix + text
        # What was counted has to be counted again the next time.
        if len(value) <= _MAX_CACHED_CHARACTERS and values.replaced + values.truncated == trouble:
            self._remember(name, value, field)
        return field

    def _int_field(self, name: _Name, value: int) -> bytes:
        if not INT64_MIN <= value <= INT64_MAX:
            return self._other_field(name, value)
        number = varint(value)
        content_bytes = len(name.encoded) + 3 + len(number)
        field = _FIELD_PREFIXES[content_bytes] + name.encoded + _INT_PREFIXES[len(number)] + number
        self._remember(name, value, field)
        return field

    def _other_field(self, name: _Name, value: object) -> bytes:
        any_value = self._values.any_value(value, self._max_value_bytes)
        return length_delimited(_ATTRIBUTES_KEY, name.encoded + length_delimited(b"\x12", any_value))

    def _remember(self, name: _Name, value: str | int, field: bytes) -> None:
        # A name with very many values is left alone, so that order numbers and the like cost no more than a look-up
        # that finds nothing.
        if len(name.fields) < _MAX_CACHED_VALUES_PER_NAME:
            if self._cached >= _MAX_CACHED:
                self._forget()
            name.fields[value] = field
            self._cached += 1

    def _forget(self) -> None:
        self._names.clear()
        self._cached = 0

    def _key_value(self, key: object, value: object) -> bytes:
        name = self._values.name(key, _MAX_NAME_BYTES)
        return self._values.key_value(name, value, self._max_value_bytes)

    def _no_mapping(self, attributes: object) -> bytes:
        self._values.replaced += 1
        return self._values.key_value(b"attributes", safe_text(attributes), self._max_value_bytes)
