"""What is inside a container, as far as its author shows it; of mappings with several values of a name all of them."""

from collections import ChainMap, UserDict, UserList
from collections.abc import Iterable, Iterator, Mapping, MappingView, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from .own_repr import has_own_repr, shown_text
from .safe_text import type_name

# Dynatrace keeps 32,768 bytes of an attribute's value; as JSON an element takes at least two.
MOST_ELEMENTS = 16_384

# What a repr that is only compared may be made of: as much as Dynatrace takes in a request (10 MB).
_MOST_CHARACTERS = 10_000_000

# How to ask for all values of a name: Django, Werkzeug, Starlette, urllib3; multidict, WebOb; httpx, Tornado.
_ALL_OF_A_NAME = ("getlist", "getall", "get_list")

# A range has, but does not say so. A tuple, since a metaclass may have an `__eq__` and no `__hash__`.
_NOTHING_INSIDE = (str, int, float, bool, type(None), bytes, range)
_END = object()
_OPEN = ("(", "[", "{")
_CLOSE = (")", "]", "}", ",)")  # the last is that of a tuple with one element


class TooManyElements(Exception):  # noqa: N818  # no error: its text stands for the value
    """A container has too much inside to compare its repr with that."""

    def __init__(self, value: object) -> None:
        super().__init__(f"<{type_name(value)} of more than {MOST_ELEMENTS} elements>")


def shown_contents(value: Any, kind: Any) -> Iterable[Any] | str:
    """The elements of a sequence or set, the pairs of a mapping; the text of anything else.

    Of a container whose class has a `__repr__` of its own, the text as well, unless that lists everything, as those of
    dicts and lists do: `Headers({'host': 'a.example'})`. Raises what the value's own methods raise, and TooManyElements
    for such a container with more than `MOST_ELEMENTS`, those inside its elements among them.
    """
    if issubclass(kind, Mapping):
        return _pairs(value, kind)
    if not issubclass(kind, (Sequence, MappingView, AbstractSet)):
        return shown_text(value, kind)
    if not may_hide(value, kind):
        return value  # type: ignore[no-any-return]
    elements = list(islice(value, MOST_ELEMENTS + 1))
    _check_size(value, elements)
    return _unless_hidden(value, kind, elements, [", ".join(map(repr, elements))])


def _pairs(value: Any, kind: Any) -> Iterable[tuple[object, object]] | str:
    hides = may_hide(value, kind)
    all_of = next((found for name in _ALL_OF_A_NAME if callable(found := getattr(kind, name, None))), None)
    if all_of is None:
        if not hides:
            return value.items()  # type: ignore[no-any-return]
        lists = [(name, [item]) for name, item in list(islice(value.items(), MOST_ELEMENTS + 1))]
    else:
        lists = [(name, list(all_of(value, name))) for name in dict.fromkeys(islice(value, MOST_ELEMENTS + 1))]
    pairs = [(name, items[0] if len(items) == 1 else items) for name, items in lists]
    if not hides:
        return pairs
    _check_size(value, (item for _, items in lists for item in items))
    shown = [(repr(name), [repr(item) for item in items]) for name, items in lists]
    one_by_one = [(name, item) for name, items in shown for item in items]
    ways = [
        ", ".join(f"{name}: {item}" for name, item in one_by_one),
        ", ".join(f"({name}, {item})" for name, item in one_by_one),
        ", ".join(f"{name}: [{', '.join(items)}]" for name, items in shown),
    ]
    return _unless_hidden(value, kind, pairs, ways)


def may_hide(value: Any, kind: Any) -> bool:
    """Whether the repr of a container could show less than is inside."""
    # These say what they are made of, by its own repr.
    if issubclass(kind, ChainMap):
        return any(may_hide(mapping, type(mapping)) for mapping in value.maps)
    if issubclass(kind, MappingView) and hasattr(value, "_mapping"):
        return may_hide(value._mapping, type(value._mapping))  # noqa: SLF001  # public only of dict's views
    return has_own_repr(kind) or (issubclass(kind, (UserDict, UserList)) and may_hide(value.data, type(value.data)))


def _check_size(value: object, inside: Iterable[object]) -> None:
    """TooManyElements if a repr would be too long: it says what is held in several places once for each of them."""
    elements, characters = MOST_ELEMENTS, _MOST_CHARACTERS
    # Those being read, each with what is left of it. Like a repr, it does not go into one that holds itself again.
    reading: dict[int, tuple[object, Iterator[object]]] = {id(value): (value, iter(inside))}
    while reading:
        for element in reading[next(reversed(reading))][1]:
            kind = type(element)
            elements -= 1
            if issubclass(kind, (str, bytes, bytearray)):
                characters -= len(element)  # type: ignore[arg-type]
            if elements < 0 or characters < 0:
                raise TooManyElements(value)
            if kind not in _NOTHING_INSIDE and id(element) not in reading:
                reading[id(element)] = (element, iter(_inside(element, kind)))
                break
        else:
            reading.popitem()


def _inside(value: Any, kind: Any) -> Iterable[object]:
    # Those with ABCs as parents are found in the end as well, but it takes longer.
    if issubclass(kind, dict) or (not issubclass(kind, (list, tuple)) and issubclass(kind, Mapping)):
        return value.values()  # type: ignore[no-any-return]
    is_text = issubclass(kind, (str, bytes, bytearray))
    return value if not is_text and issubclass(kind, (Sequence, AbstractSet)) else ()


def _unless_hidden(value: object, kind: Any, inside: list[Any], ways: Iterable[str]) -> list[Any] | str:
    if not inside:
        return inside
    shown = str.__str__(repr(value))
    for way in ways:
        before, found, after = shown.partition(way)
        if found and before.endswith(_OPEN) and after.startswith(_CLOSE):
            return inside
    return shown_text(value, kind, shown)
