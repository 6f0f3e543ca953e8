"""Any Python value as one that OpenTelemetry takes: what an author expects to read of it, as it is at this moment."""

import datetime as dt
from collections.abc import Iterable, Mapping, MappingView, Sequence
from enum import Enum
from itertools import islice
from typing import Any

from opentelemetry.util.types import AnyValue

from .contents import MOST_ELEMENTS, TooManyElements, shown_contents
from .known_objects import has_fields, simplified
from .names import Names
from .own_repr import enum_value, hidden_text, hiding_repr, shown_text
from .safe_text import SAY_THEMSELVES, safe_text, said_by_itself, type_name
from .wire import INT64_MAX, INT64_MIN

# Dynatrace keeps five levels of nesting (log ingest limits, docs.dynatrace.com).
_DEEPEST = 16

# What the texts of all objects in one value may take together, but for the last: some hundred objects of many fields.
_MOST_CHARACTERS = 1_000_000

# What all texts inside one value may take together: as much as Dynatrace takes in a request (10 MB), since a container
# may hold one text thousands of times.
_MOST_INNER_CHARACTERS = 10_000_000

# OpenTelemetry wants names that are not empty (specification, common/README.md) and its SDK drops others with a
# warning; this one can be written in DQL without quoting.
NAME_OF_THE_EMPTY = "_"

_LEFT_OUT = "...[further values left out]"
_NOTHING = object()


def plain_value(value: object) -> AnyValue:
    """A copy of the value made of text, numbers, booleans, bytes, None, lists and dicts with text keys.

    - dates and times are ISO 8601; `timedelta`, `UUID`, `Decimal`, paths and IP addresses their text
    - an `Enum` is its value if that is text or a number, else its name
    - sets are lists, sorted if they can be; `deque`, `range` and other sequences are lists; a named tuple is a map
    - mappings with several values of a name (Django's `QueryDict`, Werkzeug's `MultiDict`) have a list of them there
    - dataclasses, attrs classes and pydantic models are maps of their fields, computed ones among them; those with
      `repr=False` are left out, since their author did not want them shown
    - for the same reason what a class's own `__repr__` hides stays hidden: an object is what `str()` says only if that
      stands in its repr, and its repr else; a map or list that its repr does not list whole is that repr; an Enum with
      such a `__repr__` its name. Numbers always are what they are. What only `__str__` hides is not hidden
    - numpy scalars are plain numbers, arrays lists up to 32 elements and else a short text; pandas' `NaT` and `NA` are
      None, its frames a text of whole lines, at most 4,096 characters of them
    - bytes that are printable UTF-8 are text; integers beyond 64 bits, complex numbers, exceptions (`Type: message`)
      and all other objects as well; iterators are not consumed

    What holds itself, is nested deeper than 16 levels, or has more than 16,384 elements in all is cut off with a
    text that says so. Never raises and never warns, whatever the value's own methods do.
    """
    kind = type(value)
    if kind is str or kind is bool or kind is float or value is None:
        return value  # type: ignore[return-value]  # just compared
    if kind is int and INT64_MIN <= value <= INT64_MAX:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    plain: AnyValue = _Snapshot().of(value, 0)
    return plain


def plain_name(name: object) -> str:
    """The text of what names an attribute: never empty, never raises. That of an `Enum` is the text of its value."""
    kind = type(name)
    try:
        text = plain_value(name) if issubclass(kind, (str, Enum)) else shown_text(name, kind)
    except Exception:  # noqa: BLE001 - __str__ and __repr__ are the application's code
        text = safe_text(name)
    return words(text) or NAME_OF_THE_EMPTY


def words(value: object) -> str:
    """What `str()` says, as a plain `str`, or something safe where that raises."""
    try:
        return str.__str__(str(value))
    except Exception:  # noqa: BLE001 - __str__ is the application's code
        return safe_text(value)


def class_name(kind: type) -> str:
    """A class by module and qualified name, those of `builtins` bare: as tracebacks name exceptions."""
    try:
        module, name = kind.__module__, kind.__qualname__
        return name if module == "builtins" else f"{module}.{name}"
    except Exception:  # noqa: BLE001 - a metaclass may define these as it likes
        return safe_text(kind)


class _Snapshot:
    """Reads one value: what is left of its allowance, and which containers are being read at the moment."""

    __slots__ = ("_characters_left", "_elements_left", "_inner_left", "_open")

    def __init__(self) -> None:
        self._elements_left = MOST_ELEMENTS
        self._characters_left = _MOST_CHARACTERS
        self._inner_left = _MOST_INNER_CHARACTERS
        self._open: set[int] = set()

    def of(self, value: Any, depth: int) -> Any:
        # type() and issubclass() only: isinstance() asks a `__class__` that may be the application's.
        kind = type(value)
        if kind is str:
            return value if depth == 0 else self._inner(value)
        if kind is bool or kind is float or value is None:
            return value
        if kind is int and INT64_MIN <= value <= INT64_MAX:
            return value
        try:
            plain = self._scalar(value, kind, depth)
            return self._compound(value, kind, depth) if plain is _NOTHING else plain
        except Exception:  # noqa: BLE001 - whatever a value's own methods raise
            return self._text(safe_text(value))

    def _scalar(self, value: Any, kind: Any, depth: int) -> Any:
        if issubclass(kind, Enum):
            return self.of(enum_value(value, kind), depth)
        if issubclass(kind, str):
            hiding = hidden_text(value, kind)
            return self._inner(str.__str__(value)) if hiding is None else self._text(hiding)
        if issubclass(kind, int):
            number = int.__index__(value)
            return number if INT64_MIN <= number <= INT64_MAX else safe_text(number)
        if issubclass(kind, float):
            return float.__float__(value)
        if issubclass(kind, (bytes, bytearray, memoryview)):
            if (hiding := hidden_text(value, kind)) is not None:
                return self._text(hiding)
            self._inner_left -= len(value)
            return self._bytes(value) if depth == 0 or self._inner_left >= 0 else _LEFT_OUT
        return self._said_by_itself(value, kind)

    def _said_by_itself(self, value: Any, kind: Any) -> Any:
        if issubclass(kind, (dt.datetime, dt.date, dt.time)):
            text = value.isoformat()
            return None if text == "NaT" else str.__str__(text)  # pandas' NaT is a datetime
        if issubclass(kind, SAY_THEMSELVES):
            return self._text(said_by_itself(value, kind))
        if issubclass(kind, BaseException):
            return self._text(_exception_text(value, kind))
        return _NOTHING

    def _bytes(self, value: Any) -> Any:
        if len(value) > _MOST_CHARACTERS:
            return value if type(value) is bytes else f"<{type_name(value)} of {len(value)} elements>"
        data = bytes(value)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return data
        return text if text.translate(_LINES).isprintable() else data

    def _compound(self, value: Any, kind: Any, depth: int) -> Any:
        if depth >= _DEEPEST or self._elements_left <= 0:
            return f"<{type_name(value)} beyond what one value may hold>"
        if id(value) in self._open:
            return f"<{type_name(value)} that holds itself>"
        self._open.add(id(value))
        try:
            return self._read(value, kind, depth)
        finally:
            self._open.discard(id(value))

    def _read(self, value: Any, kind: Any, depth: int) -> Any:
        if kind is dict:
            return self._map(value.items(), depth)
        if kind is list or kind is tuple:
            return self._list(value, depth)
        known = simplified(value, kind)
        if known is not value:
            return self.of(known, depth + 1)
        if self._characters_left <= 0:
            return _LEFT_OUT
        try:
            inside: Any = shown_contents(value, kind)
        except TooManyElements as error:
            self._elements_left = 0
            return str(error)
        if isinstance(inside, str):
            return self._text(inside)
        if issubclass(kind, Mapping):
            return self._map(inside, depth)
        plain = self._list(inside, depth)
        return plain if issubclass(kind, (Sequence, MappingView)) else _in_order(plain)

    def _list(self, values: Iterable[object], depth: int) -> list[AnyValue]:
        plain: list[AnyValue] = []
        # The slice is taken at once: another thread may change the container while its elements are read.
        for value in list(islice(values, self._elements_left + 1)):
            if self._elements_left <= 0:
                plain.append(_LEFT_OUT)
                break
            self._elements_left -= 1
            plain.append(self.of(value, depth + 1))
        return plain

    def _map(self, pairs: Iterable[tuple[object, object]], depth: int) -> dict[str, AnyValue]:
        plain: dict[str, AnyValue] = {}
        names = Names(plain)
        for key, value in list(islice(pairs, self._elements_left + 1)):
            if self._elements_left <= 0:
                plain[names.free("...")] = _LEFT_OUT
                break
            self._elements_left -= 1
            name = names.free(key if type(key) is str and key else plain_name(key))
            plain[name] = self.of(value, depth + 1)
        return plain

    def _inner(self, text: str) -> str:
        self._inner_left -= len(text)
        return text if self._inner_left >= 0 else _LEFT_OUT

    def _text(self, text: str) -> str:
        # Whole or not at all: a text that is cut here could end within what `redact` has to find.
        if self._characters_left <= 0:
            return _LEFT_OUT
        self._characters_left -= len(text)
        return text


# What may stand in a text beside printable characters.
_LINES = {ord(character): None for character in "\t\n\r"}


def _in_order(values: list[AnyValue]) -> list[AnyValue]:
    try:
        return sorted(values)  # type: ignore[type-var]  # what cannot be compared raises
    except TypeError:
        return values


def _exception_text(value: BaseException, kind: Any) -> str:
    message = words(value)
    # Python's own `__str__` says all arguments, with those of fields that are not to be shown.
    if has_fields(kind) and hasattr(kind.__str__, "__objclass__"):
        hiding = hiding_repr(value, kind, message)
        if hiding is not None:
            return hiding
    return f"{class_name(kind)}: {message}" if message else class_name(kind)
