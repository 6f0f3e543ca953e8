"""Attributes as repeated KeyValue fields, fast for those that come again and again.

Most attributes of a log record repeat: names always, and values such as a file, a function, a line, a thread, a
status. Encoded forms of short values are therefore kept, per name, in a cache with a fixed bound.
"""

import struct
from typing import Any

from .any_value import ValueEncoder
from .attribute_limits import CONTAINERS, ValueLimits
from .limits import Limits
from .owner import Owner
from .reserved_names import RESERVED
from .wire import INT64_MAX, INT64_MIN, SHORT_VARINTS, length_delimited, varint

_ATTRIBUTES_KEY = b"\x32"  # LogRecord.attributes = 6

# What the cache holds at most: about 4 MB, with values of at most 128 characters as text and as bytes.
_MAX_CACHED_CHARACTERS = 128
_MAX_CACHED_VALUES_PER_NAME = 256
_MAX_CACHED = 8_192

# Texts up to here have their lengths looked up; with a name of 100 bytes a KeyValue stays below the table's 2048.
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

    __slots__ = ("double_prefix", "encoded", "fields", "length")

    def __init__(self, encoded: bytes, length: int) -> None:
        self.encoded = encoded
        self.length = length
        self.fields: dict[str | int, bytes] = {}
        content_bytes = len(encoded) + len(_DOUBLE_PREFIX) + 8
        self.double_prefix = _FIELD_PREFIXES[content_bytes] + encoded + _DOUBLE_PREFIX


class AttributeEncoder:
    """Encodes the attributes of records."""

    def __init__(self, values: ValueEncoder, limits: Limits, value_limits: ValueLimits) -> None:
        self._values = values
        self._limits = limits
        self._value_limits = value_limits
        self._max_value_bytes = limits.attribute_value_bytes
        self._names: dict[str, _Name] = {}
        self._cached = 0
        # How many more attributes than values: what the maps of the record at hand have more than one of.
        self._more_leaves = 0

    def ordinary(self, attributes: dict[Any, Any], owner: Owner, others: int) -> list[bytes] | None:
        """One encoded `LogRecord.attributes` field per attribute.

        None for attributes that have to be selected: too many beside `others`, or with names that the record's
        owner or the server uses, or that are too long. Then nothing is counted.
        """
        room = owner.room - others
        if len(attributes) > room:
            return None
        values, names = self._values, self._names
        replaced, truncated, warnings = values.replaced, values.truncated, values.warnings
        self._more_leaves = 0
        encoded = []
        for key, value in attributes.items():
            name = (names.get(key) or self._learn(key)) if type(key) is str else None
            kind = type(value)
            if name is None:
                break
            if kind is str:
                known = name.fields.get(value) if len(value) <= _MAX_CACHED_CHARACTERS else None
                encoded.append(known or self._text_field(name, value))
            elif kind is int:
                encoded.append(name.fields.get(value) or self._int_field(name, value))
            elif kind is float:
                encoded.append(name.double_prefix + _pack_double(value))
            else:
                encoded.append(self._other_field(name, value))
        else:
            # After the loop, as it is known now that all keys are plain text.
            if len(encoded) + self._more_leaves <= room and owner.names_alone.isdisjoint(attributes):
                return encoded
        values.replaced, values.truncated, values.warnings = replaced, truncated, warnings
        return None

    def _learn(self, key: str) -> _Name | None:
        """Remembers a name; None for one that needs more than being written down."""
        max_bytes = self._limits.attribute_key_bytes
        # Printable names have no half surrogates.
        if len(key) > max_bytes or not key.isprintable():
            return None
        encoded, lowered = key.encode(), key.lower()
        if len(encoded) > max_bytes or lowered in RESERVED or (self._limits.classic and lowered != key):
            return None
        if self._cached >= _MAX_CACHED:
            self._forget()
        name = _Name(length_delimited(b"\x0a", encoded) if key else b"", len(encoded))
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
        if any_value[:1] in CONTAINERS:
            any_value, leaves = self._value_limits.attribute(any_value, name.length)
            self._more_leaves += leaves - 1
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
