"""Which attributes of a record, resource or scope are sent, and under which names.

Nothing is replaced silently, and nothing is cut without saying so; which attributes go first is decided here and not
by the server. This is the careful way; `attributes.py` has the fast one for records that need none of it.
Collisions: "Ingest OTLP logs"; limits: see `limits.py`.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count

from .any_value import MAX_RECORD_BYTES, ValueEncoder
from .attribute_limits import CONTAINERS, RENAMED_BYTES, ValueLimits
from .cut_warnings import ATTRIBUTES_TRIMMED, KEY_TRIMMED
from .limits import Limits, cut_name
from .reserved_names import ALWAYS_KEPT, LOGLEVEL, STACK_TRACE, is_identity
from .wire import length_delimited

# A key and a length of up to three bytes before a field, its name and its value.
_LENGTHS_BYTES = 12

_FREE = object()

# No AnyValue: what is not known of a map's leaf but its name.
_OF_A_LEAF = b"\xff"


@dataclass(slots=True)
class Attribute:
    """`value` is an AnyValue message, `leaves` how many attributes Dynatrace makes of it."""

    name: bytes
    value: bytes
    leaves: int

    @property
    def size_bytes(self) -> int:
        """What it takes as a field, or a little more."""
        return len(self.name) + len(self.value) + _LENGTHS_BYTES

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
            name_bytes = min(len(name) + (0 if there is _FREE else RENAMED_BYTES), max_bytes)
            fitted, leaves = self._value_limits.attribute(any_value, name_bytes)
            if there == fitted:
                continue
            leaf_names = self._long_leaf_names(name, fitted)
            if any(map(known.is_taken, leaf_names)):
                fitted, leaves, leaf_names = self._value_limits.as_text(fitted), 1, []
            if not as_is:
                # In Classic's own small letters, so that JSON ingest counts up names as OTLP does.
                own_name = name.decode().lower().encode() if self._limits.classic else name
                name = known.first_free(_other_names(own_name, max_bytes, shorten=there is _FREE))  # noqa: PLW2901
                if not name.endswith(own_name):
                    self._values.trimmed(KEY_TRIMMED)
            for leaf_name in leaf_names:
                known.add(leaf_name, _OF_A_LEAF)
            known.add(name, fitted)
            found.append(Attribute(name, fitted, leaves))
        return found

    def names(self, attributes: Iterable[Attribute]) -> dict[str, bytes]:
        """The (comparable) names that are taken by these, with their values."""
        names = {}
        for each in attributes:
            names[self.comparable(each.name.decode())] = each.value
            for leaf_name in self._long_leaf_names(each.name, each.value):
                names[self.comparable(leaf_name.decode())] = _OF_A_LEAF
        return names

    def maps_to_look_at(self, names: Iterable[str]) -> set[str]:
        """Names of maps that can have a leaf of one of these names, as far as that makes a name too long."""
        longest = self._limits.attribute_key_bytes - RENAMED_BYTES
        parts = [name.split(".") for name in names if len(name.encode()) > longest]
        return {".".join(each[:count]) for each in parts for count in range(1, len(each))}

    def _long_leaf_names(self, name: bytes, any_value: bytes) -> list[bytes]:
        """The names of a map's leaves for which `overwritten1.<name>` would be too long: the server would cut them."""
        if any_value[:1] not in CONTAINERS:
            return []
        longest = self._limits.attribute_key_bytes - RENAMED_BYTES
        names = self._value_limits.leaf_names(name, any_value)
        return [leaf_name for leaf_name in names if leaf_name != name and len(leaf_name) > longest]

    def within(
        self, attributes: list[Attribute], room: int, *, says_so: bool, max_bytes: int = sys.maxsize
    ) -> tuple[list[Attribute], int]:
        """As many attributes as there is room for, and how many that identify the record found none.

        First maps become JSON text, which loses nothing; then ordinary attributes go, from the last to the first,
        the stack trace after all others, and then what identifies the record, but for `ALWAYS_KEPT`. `says_so`: if
        there are warnings, an attribute with them follows, and takes a place.
        """
        too_many = sum(each.leaves for each in attributes) - room
        too_long = sum(each.size_bytes for each in attributes) - max_bytes
        for each in reversed(attributes):
            is_over = each.leaves > 1 and too_many + (says_so and bool(self._values.warnings)) > 0
            if is_over or (too_long > 0 and each.leaves and each.value[:1] in CONTAINERS):
                text = self._value_limits.as_text(each.value)
                too_many -= each.leaves - 1
                too_long -= len(each.value) - len(text)
                each.value, each.leaves = text, 1
        too_many += says_so and bool(self._values.warnings)
        if too_many <= 0 and too_long <= 0:
            return attributes, 0
        if says_so and not self._values.warnings:
            too_many += 1
        going: list[Attribute] = []
        for each in _in_order_of_going(attributes):
            if too_many <= 0 and too_long <= 0:
                break
            going.append(each)
            too_many -= 1
            too_long -= each.size_bytes
        if going:
            self._values.trimmed(ATTRIBUTES_TRIMMED, len(going))
        gone = set(map(id, going))
        identity = sum(is_identity(each.name.decode()) for each in going)
        return [each for each in attributes if id(each) not in gone], identity + max(0, too_many)


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
        return next(name for name in names if not self.is_taken(name))

    def is_taken(self, name: bytes) -> bool:
        """Whether it is there, or another attribute's own."""
        return self.value_of(name) is not _FREE or self._comparable(name.decode()) in self._own

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
    may_go = [each for each in reversed(attributes) if each.leaves and each.name.decode() not in ALWAYS_KEPT]
    return sorted(may_go, key=lambda each: (is_identity(each.name.decode()), each.name == STACK_TRACE))
