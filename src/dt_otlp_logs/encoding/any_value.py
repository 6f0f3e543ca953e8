"""Any Python value as an OTLP AnyValue message.

What the stock encoder takes becomes the same message. Everything else becomes something a person can read instead
of an exception that costs the whole batch: see `ValueEncoder.any_value`.
Message definition: https://github.com/open-telemetry/opentelemetry-proto, common/v1/common.proto
"""

import re
import struct
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum

from .contents import MOST_ELEMENTS, TooManyElements, may_hide, shown_contents
from .cut_warnings import VALUE_TRIMMED
from .limits import cut
from .odd_values import elements_of, hiding_text, is_container, pairs_of, plain_scalar, scalar_item
from .own_repr import enum_value, shown_text
from .redaction import TOO_SLOW, Redaction
from .safe_text import safe_text, type_name
from .wire import INT64_MAX, INT64_MIN, length_delimited, varint

# Parsers of protobuf give up on more than 100 messages inside each other (Java's and upb's default) and refuse the
# whole request. A map in a map takes three, a request five before the first value: 30 levels make 95.
MAX_DEPTH = 30

# Containers that hold each other a few times over can have more elements than there is memory for. No record may
# be larger than a request (10 MB), so nothing is gained beyond this. An element is charged more than its bytes, so
# that the time is bounded, too: a list or map of the application's own making may never end.
MAX_RECORD_BYTES = 16_000_000
_ELEMENT_COST_BYTES = 64

# Ten texts for which redaction takes too long are enough of one record.
_TOO_SLOW_COST_BYTES = MAX_RECORD_BYTES // 10

# Long enough for an object's fields, short enough that a thousand odd values do not fill a request.
_MAX_SAFE_TEXT_BYTES = 4_096

_TRUE = b"\x10\x01"
_FALSE = b"\x10\x00"
_STRING_KEY = b"\x0a"
_INT_KEY = b"\x18"
_ARRAY_KEY = b"\x2a"
_KVLIST_KEY = b"\x32"
_BYTES_KEY = b"\x3a"
_KEY_KEY = b"\x0a"
_VALUE_KEY = b"\x12"
_CONTAINERS = frozenset({_ARRAY_KEY, _KVLIST_KEY})
_LEFT_OUT = "...[further values left out]"

pack_double = struct.Struct("<Bd").pack
DOUBLE_KEY = 0x21


class ValueEncoder:
    """Encodes values, counting in `replaced` those that could not be sent as they are, in `truncated` what was cut.

    `redact` are patterns whose matches become `***`. A text for which they need too long is replaced as a whole.
    Whoever begins a record sets `bytes_left` to `MAX_RECORD_BYTES`, its allowance, and empties `warnings`: Dynatrace's
    words for what was cut of this record, and how often.
    """

    def __init__(self, redact: tuple[re.Pattern[str], ...] = ()) -> None:
        self._redaction = Redaction(redact) if redact else None
        self.bytes_left = MAX_RECORD_BYTES
        self._open: set[int] = set()
        self.replaced = 0
        self.truncated = 0
        self.warnings: Mapping[str, int] = {}

    def trimmed(self, warning: str, count: int = 1) -> None:
        """Count what was cut of the record."""
        self.truncated += count
        # A new one, so that whoever keeps the old one can return to it.
        self.warnings = {**self.warnings, warning: self.warnings.get(warning, 0) + count}

    def text(self, value: str, max_bytes: int) -> bytes:
        """A text as UTF-8: redacted, lone surrogates as backslash escapes, cut to a length with a marker."""
        if self._redaction is not None:
            value = self._redacted(self._redaction, value)
        try:
            encoded = value.encode()
        except UnicodeEncodeError:
            encoded = value.encode(errors="backslashreplace")
            self.replaced += 1
        if len(encoded) > max_bytes:
            encoded = cut(encoded, max_bytes)
            self.trimmed(VALUE_TRIMMED)
        return encoded

    def _redacted(self, redaction: Redaction, text: str) -> str:
        # INT64_MIN: what was left of the record went by redaction that took too long, not by the size of its values.
        redacted = redaction.redacted(text) if self.bytes_left > INT64_MIN else None
        if redacted is not None:
            return redacted
        self.replaced += 1
        self.bytes_left -= _TOO_SLOW_COST_BYTES
        if self.bytes_left <= 0:
            self.bytes_left = INT64_MIN
        return TOO_SLOW

    def name(self, value: object, max_bytes: int) -> bytes:
        """The text of something that should be a string: a severity, an attribute's name. Not redacted."""
        if not isinstance(value, str):
            self.replaced += 1
            value = safe_text(value)
        text = str.__str__(value)
        try:
            encoded = text.encode()
        except UnicodeEncodeError:
            self.replaced += 1
            encoded = text.encode(errors="backslashreplace")
        if len(encoded) > max_bytes:
            encoded = cut(encoded, max_bytes)
            self.trimmed(VALUE_TRIMMED)
        return encoded

    def any_value(self, value: object, max_text_bytes: int, *, is_content: bool = False) -> bytes:
        """The AnyValue message for a value; the empty message for None.

        Beyond what the stock encoder does: bytearray and memoryview are bytes. Counted as replaced: an Enum is its
        value if that is text or a number, else its name; a set is a list, a numpy or pandas scalar its plain number;
        dates and times are ISO 8601, integers beyond 64 bits, Decimal, UUID and paths their text, any other object its
        repr. Text also replaces what is nested deeper than 30 levels, holds itself, or raises while it is read, and
        what a class's own `__repr__` hides.

        Redacted are texts, and bytes that are text. Where more is found in the JSON text of a list or a map, the value
        is this text, redacted; with `is_content` also that of a number, a boolean, or bytes.
        """
        encoded = self._value(value, max_text_bytes, 0)
        if self._redaction is not None and (is_content or encoded[:1] in _CONTAINERS):
            return self._whole(self._redaction, encoded, max_text_bytes)
        return encoded

    def _whole(self, redaction: Redaction, any_value: bytes, limit: int) -> bytes:
        from .attribute_limits import stored_text  # not at the top: it builds on this module

        if any_value[:1] in (_STRING_KEY, b""):
            return any_value
        return self._unless_found(redaction, stored_text(any_value).decode(), any_value, limit)

    def _unless_found(self, redaction: Redaction, text: str, any_value: bytes, limit: int) -> bytes:
        """The value, or the text that stands for it, redacted, if there is something to redact."""
        redacted = self._redacted(redaction, text)
        return any_value if redacted == text else length_delimited(_STRING_KEY, self.name(redacted, limit))

    def _value(self, value: object, limit: int, depth: int) -> bytes:
        kind = type(value)
        if kind is str:
            return length_delimited(_STRING_KEY, self.text(value, limit))  # type: ignore[arg-type]
        if kind is dict or kind is list or kind is tuple:
            return self._container(value, limit, depth)
        return self._scalar(value, limit, depth)

    def _scalar(self, value: object, limit: int, depth: int) -> bytes:
        if value is None:
            return b""
        if value is True:
            return _TRUE
        if value is False:
            return _FALSE
        kind = type(value)
        if kind is int and INT64_MIN <= value <= INT64_MAX:  # type: ignore[operator]
            return _INT_KEY + varint(value)  # type: ignore[arg-type]
        if kind is float:
            return pack_double(DOUBLE_KEY, value)
        if kind is bytes:
            return self._bytes(value, limit)  # type: ignore[arg-type]
        return self._odd(value, limit, depth)

    def _bytes(self, value: bytes, limit: int) -> bytes:
        encoded = length_delimited(_BYTES_KEY, value)
        if self._redaction is None:
            return encoded
        try:
            return self._unless_found(self._redaction, value.decode(), encoded, limit)
        except UnicodeDecodeError:
            return encoded

    def _odd(self, value: object, limit: int, depth: int) -> bytes:
        """Subclasses of the plain types and everything OTLP has no form for; the application's code runs here."""
        kind = type(value)
        try:
            if issubclass(kind, Enum) and not issubclass(kind, (int, str, float)):
                self.replaced += 1
                return self._value(enum_value(value, kind), limit, depth)
            if (hiding := hiding_text(value)) is not None:
                return self._replacement(hiding, limit)
            plain = plain_scalar(value)
            if plain is not None:
                return self._value(plain, limit, depth)
            if is_container(value):
                if may_hide(value, kind) and isinstance(shown := shown_contents(value, kind), str):
                    return self._replacement(shown, limit)
                return self._container(value, limit, depth)
            plain = scalar_item(value)
            if plain is not None:
                self.replaced += 1
                return self._value(plain, limit, depth)
        except TooManyElements as error:
            self.bytes_left -= MOST_ELEMENTS * _ELEMENT_COST_BYTES
            return self._replacement(str(error), limit)
        except Exception:  # noqa: BLE001 - whatever a value's own methods raise
            pass
        return self._replacement(safe_text(value), limit)

    def _replacement(self, text: str, limit: int) -> bytes:
        self.replaced += 1
        return length_delimited(_STRING_KEY, self.text(text, min(limit, _MAX_SAFE_TEXT_BYTES)))

    def _container(self, value: object, limit: int, depth: int) -> bytes:
        if depth >= MAX_DEPTH:
            return self._replacement(f"<{type_name(value)} beyond what one value may hold>", limit)
        identity = id(value)
        if identity in self._open:
            return self._replacement(f"<{type_name(value)} that holds itself>", limit)
        self._open.add(identity)
        try:
            if isinstance(value, Mapping):
                return length_delimited(_KVLIST_KEY, self._pairs(pairs_of(value), limit, depth))
            if isinstance(value, AbstractSet):
                self.replaced += 1
            return length_delimited(_ARRAY_KEY, self._elements(elements_of(value), limit, depth))
        finally:
            self._open.discard(identity)

    def _elements(self, values: Iterable[object], limit: int, depth: int) -> bytes:
        parts = []
        for value in values:
            if self.bytes_left <= 0:
                parts.append(length_delimited(b"\x0a", self._replacement(_LEFT_OUT, limit)))
                break
            encoded = self._value(value, limit, depth + 1)
            self.bytes_left -= _ELEMENT_COST_BYTES + len(encoded)
            parts.append(length_delimited(b"\x0a", encoded))
        return b"".join(parts)

    def _pairs(self, pairs: Iterable[tuple[object, object]], limit: int, depth: int) -> bytes:
        parts = []
        for key, value in pairs:
            if self.bytes_left <= 0:
                key, value = "...", _LEFT_OUT  # noqa: PLW2901 - the last pair
                self.replaced += 1
            name = self._nested_key(key)
            encoded = length_delimited(_VALUE_KEY, self._value(value, limit, depth + 1))
            self.bytes_left -= _ELEMENT_COST_BYTES + len(name) + len(encoded)
            parts.append(length_delimited(b"\x0a", name + encoded))
            if value is _LEFT_OUT:
                break
        return b"".join(parts)

    def _nested_key(self, key: object) -> bytes:
        text = key
        if type(key) is not str:
            try:
                text = shown_text(key, type(key))
            except Exception:  # noqa: BLE001 - the key's own __str__
                text = safe_text(key)
                self.replaced += 1
        encoded = self.name(text, MAX_RECORD_BYTES)
        return length_delimited(_KEY_KEY, encoded) if encoded else b""
