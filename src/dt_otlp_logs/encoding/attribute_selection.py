"""Which attributes of a record, resource or scope are sent, and under which names.

Nothing is replaced silently, and nothing is cut without saying so; which attributes go first is decided here and not
by the server. This is the careful way; `attributes.py` has the fast one for records that need none of it.
Collisions: "Ingest OTLP logs"; limits: see `limits.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count

from .any_value import MAX_RECORD_BYTES, ValueEncoder
from .attribute_limits import ValueLimits
from .cut_warnings import ATTRIBUTES_TRIMMED, KEY_TRIMMED
from .limits import Limits, cut_name
from .reserved_names import LOGLEVEL, STACK_TRACE, is_identity
from .wire import length_delimited

# What a renamed attribute's name grows by, the names of a map's leaves with it.
_RENAMED_BYTES = len("overwritten1.")

_FREE = object()


@dataclass(slots=True)
class Attribute:
    """`value` is an AnyValue message, `leaves` how many attributes Dynatrace makes of it."""

    name: bytes
    value: bytes
    leaves: int

    def field(self, field_key: bytes) -> bytes:
        """It as a KeyValue field of a message."""
        name = length_delimited(b"\x0a", self.name) if self.name else b""
        return length_delimited(field_key, name + length_delimited(b"\x12", self.value))


class AttributeSelection:
    """Names attributes and leaves out those that are too many."""

    def __init__(self, values: ValueEncoder, limits: Limits, value_limits: ValueLimits) -> None:
        self._values = values
        self._limits = limits
        self._value_limits = value_limits

    def comparable(self, name: str) -> str:
        """What is equal for names that are the same to Dynatrace.

        Classic lower-cases all of them, and the loglevel is looked for whatever the case.
        """
        lowered = name.lower()
        return lowered if self._limits.classic or lowered == LOGLEVEL else name

    def named(
        self,
        attributes: Mapping[object, object],
        taken: Mapping[str, bytes] | None = None,
        filled: Mapping[str, bytes | None] | None = None,
    ) -> list[Attribute]:
        """Each attribute under a name that nothing else has.

        `taken` are the (comparable) names of those above it and their values, `filled` the names, in lower case,
        that the server fills itself, with a value if it is known. An attribute with such a name and the same value
        says nothing new and is left out; with another value it is named `overwritten1.<name>`, as Dynatrace does it.
        A name that is too long is cut; where two become the same, the second ends in ~1.
        """
        names = [self._values.name(name, MAX_RECORD_BYTES) for name in attributes]
        max_bytes = self._limits.attribute_key_bytes
        own = {self.comparable(name.decode()) for name in names if len(name) <= max_bytes}
        known = _KnownNames(self.comparable, taken or {}, filled or {}, own)
        found = []
        for name, value in zip(names, attributes.values(), strict=True):
            any_value = self._values.any_value(value, self._limits.attribute_value_bytes)
            there = known.value_of(name)
            as_is = there is _FREE and len(name) <= max_bytes
            name_bytes = min(len(name) + (0 if there is _FREE else _RENAMED_BYTES), max_bytes)
            fitted, leaves = self._value_limits.attribute(any_value, name_bytes)
            if there == fitted:
                continue
            if not as_is:
                # In Classic's own small letters, so that JSON ingest counts up names as OTLP does.
                own_name = name.decode().lower().encode() if self._limits.classic else name
                name = known.first_free(_other_names(own_name, max_bytes, shorten=there is _FREE))  # noqa: PLW2901
                if not name.endswith(own_name):
                    self._values.trimmed(KEY_TRIMMED)
            known.add(name, fitted)
            found.append(Attribute(name, fitted, leaves))
        return found

    def within(self, attributes: list[Attribute], room: int, *, says_so: bool) -> tuple[list[Attribute], int]:
        """As many attributes as there is room for, and by how many they are still too many.

        First maps become JSON text, which loses nothing; then ordinary attributes go, from the last to the first,
        the stack trace after all others. What identifies a record stays in any case. `says_so`: if there are
        warnings, an attribute with them follows, and takes a place.
        """

        def excess() -> int:
            return sum(each.leaves for each in attributes) + (says_so and bool(self._values.warnings)) - room

        for each in reversed(attributes):
            if each.leaves > 1 and excess() > 0:
                each.value, each.leaves = self._value_limits.as_text(each.value), 1
        too_many = excess()
        if too_many <= 0:
            return attributes, 0
        if says_so and not self._values.warnings:
            too_many += 1
        going = _in_order_of_going(attributes)[:too_many]
        if going:
            self._values.trimmed(ATTRIBUTES_TRIMMED, len(going))
        gone = set(map(id, going))
        return [each for each in attributes if id(each) not in gone], too_many - len(going)


class _KnownNames:
    """The names there are already, and their values."""

    def __init__(
        self,
        comparable: Callable[[str], str],
        taken: Mapping[str, bytes],
        filled: Mapping[str, bytes | None],
        own: AbstractSet[str],
    ) -> None:
        self._comparable = comparable
        self._values = dict(taken)
        self._filled = filled
        self._own = own

    def value_of(self, name: bytes) -> object:
        text = name.decode()
        if text.lower() in self._filled:
            return self._filled[text.lower()]
        return self._values.get(self._comparable(text), _FREE)

    def first_free(self, names: Iterator[bytes]) -> bytes:
        """The first of the names that is neither there nor another attribute's own."""
        return next(
            name for name in names if self.value_of(name) is _FREE and self._comparable(name.decode()) not in self._own
        )

    def add(self, name: bytes, any_value: bytes) -> None:
        self._values[self._comparable(name.decode())] = any_value


def _other_names(name: bytes, max_bytes: int, *, shorten: bool) -> Iterator[bytes]:
    """What an attribute may be called whose name is too long, or is taken."""
    if shorten:
        yield cut_name(name, max_bytes)
    for number in count(1):
        if shorten:
            end = b"~%d" % number
            yield cut_name(name, max_bytes - len(end)) + end
        else:
            yield cut_name(b"overwritten%d.%b" % (number, name), max_bytes)


def _in_order_of_going(attributes: list[Attribute]) -> list[Attribute]:
    ordinary = [each for each in reversed(attributes) if each.leaves and not is_identity(each.name.decode())]
    return sorted(ordinary, key=lambda each: each.name == STACK_TRACE)
