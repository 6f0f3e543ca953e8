"""What is inside a container, as far as its author shows it; of mappings with several values of a name all of them."""

from collections import ChainMap
from collections.abc import Iterable, Mapping, MappingView, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from .own_repr import has_own_repr, shown_text
from .safe_text import type_name

# How to ask for all values of a name: Django, Werkzeug, Starlette, urllib3; multidict, WebOb; httpx, Tornado.
_ALL_OF_A_NAME = ("getlist", "getall", "get_list")

_OPEN = ("(", "[", "{")
_CLOSE = (")", "]", "}", ",)")  # the last is that of a tuple with one element


def shown_contents(value: Any, kind: Any, most: int) -> Iterable[Any] | str:
    """The elements of a sequence or set, the pairs of a mapping; the text of anything else.

    Of a container whose class has a `__repr__` of its own, the text as well, unless that lists everything, as those of
    dicts and lists do: `Headers({'host': 'a.example'})`. If it has more elements than `most`, the text is not asked.
    Raises what the value's own methods raise.
    """
    if issubclass(kind, Mapping):
        return _pairs(value, kind, most)
    if not issubclass(kind, (Sequence, MappingView, AbstractSet)):
        return shown_text(value, kind)
    if not _may_hide(value, kind):
        return value  # type: ignore[no-any-return]
    elements = list(islice(value, most + 1))
    return _unless_hidden(value, kind, elements, most, [map(repr, elements)])


def _pairs(value: Any, kind: Any, most: int) -> Iterable[tuple[object, object]] | str:
    may_hide = _may_hide(value, kind)
    all_of = next((found for name in _ALL_OF_A_NAME if callable(found := getattr(kind, name, None))), None)
    if all_of is None:
        if not may_hide:
            return value.items()  # type: ignore[no-any-return]
        lists = [(name, [item]) for name, item in list(islice(value.items(), most + 1))]
    else:
        lists = [(name, list(all_of(value, name))) for name in dict.fromkeys(islice(value, most + 1))]
    pairs = [(name, items[0] if len(items) == 1 else items) for name, items in lists]
    if not may_hide:
        return pairs
    one_by_one = [(name, item) for name, items in lists for item in items]
    ways = [
        (f"{name!r}: {item!r}" for name, item in one_by_one),
        map(repr, one_by_one),
        (f"{name!r}: {items!r}" for name, items in lists),
    ]
    return _unless_hidden(value, kind, pairs, most, ways)


def _may_hide(value: Any, kind: Any) -> bool:
    # These say what they are made of, by its own repr.
    if issubclass(kind, ChainMap):
        return any(_may_hide(mapping, type(mapping)) for mapping in value.maps)
    if issubclass(kind, MappingView) and hasattr(value, "_mapping"):
        return _may_hide(value._mapping, type(value._mapping))  # noqa: SLF001  # public only of dict's views
    return has_own_repr(kind)


def _unless_hidden(
    value: object, kind: Any, inside: list[Any], most: int, ways: Iterable[Iterable[str]]
) -> list[Any] | str:
    if len(inside) > most:
        return f"<{type_name(value)} of more than {most} elements>"
    if not inside:
        return inside
    shown = str.__str__(repr(value))
    for parts in ways:
        before, found, after = shown.partition(", ".join(parts))
        if found and before.endswith(_OPEN) and after.startswith(_CLOSE):
            return inside
    return shown_text(value, kind)
