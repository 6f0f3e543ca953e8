"""Mappings with several values of a name, and computed fields: nothing of what their repr shows is lost.

Sources: the documentation of Django's MultiValueDict (a QueryDict is one), Werkzeug's MultiDict, Starlette's FormData,
urllib3's HTTPHeaderDict (`getlist`); of multidict and WebOb (`getall`, items with repeated names); of httpx
(`get_list`); of pydantic.
"""

import functools
from collections.abc import Iterator, MutableMapping
from typing import Any

import pydantic
import pytest
from django.utils.datastructures import MultiValueDict
from starlette import datastructures as starlette
from urllib3 import HTTPHeaderDict
from werkzeug import datastructures as werkzeug

from dt_otlp_logs.encoding.plain_value import plain_value


class PairsByName(MutableMapping):  # type: ignore[type-arg]
    """What multidict's, WebOb's and httpx's have in common; those are not needed for the tests."""

    def __init__(self, *pairs: tuple[str, object]) -> None:
        self.pairs = list(pairs)

    def __getitem__(self, name: str) -> object:
        return self.all_of(name)[0]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __setitem__(self, name: str, value: object) -> None:
        raise NotImplementedError

    __delitem__ = __setitem__  # type: ignore[assignment]

    def items(self) -> Any:
        return list(self.pairs)

    def all_of(self, name: str) -> list[object]:
        return [value for each, value in self.pairs if each == name]


class LikeMultidict(PairsByName):
    getall = PairsByName.all_of

    def __repr__(self) -> str:
        return f"<MultiDict({', '.join(f'{name!r}: {value!r}' for name, value in self.pairs)})>"


class LikeHttpx(PairsByName):
    get_list = PairsByName.all_of

    def __repr__(self) -> str:
        return f"Headers({[(name, '[secure]' if name == 'authorization' else value) for name, value in self.pairs]})"


class Strange(dict):  # type: ignore[type-arg]
    """Its `getlist` is something else."""

    def getlist(self) -> list[object]:
        return []


CASES: list[tuple[object, object]] = [
    (MultiValueDict({"a": [1, 2], "b": [[3]], "c": []}), {"a": [1, 2], "b": [3], "c": []}),
    (werkzeug.MultiDict([("a", 1), ("b", 2), ("a", 3)]), {"a": [1, 3], "b": 2}),
    (werkzeug.ImmutableMultiDict([("a", 1), ("a", 2)]), {"a": [1, 2]}),
    (starlette.FormData([("a", "1"), ("a", "2"), ("b", "3")]), {"a": ["1", "2"], "b": "3"}),
    (LikeMultidict(("a", 1), ("a", 2), ("b", None)), {"a": [1, 2], "b": None}),
    (LikeHttpx(("a", "1"), ("a", "2")), {"a": ["1", "2"]}),
    (HTTPHeaderDict([("a", "1"), ("b", "2")]), {"a": "1", "b": "2"}),
    # What their repr joins, or says in an order of its own, is what it says.
    (HTTPHeaderDict([("a", "1"), ("a", "2")]), "HTTPHeaderDict({'a': '1, 2'})"),
    (LikeMultidict(("a", 1), ("b", 2), ("a", 3)), "<MultiDict('a': 1, 'b': 2, 'a': 3)>"),
    (starlette.QueryParams("a=1&a=2"), "a=1&a=2"),
    (LikeHttpx(("a", "1"), ("authorization", "x")), "Headers([('a', '1'), ('authorization', '[secure]')])"),
    (Strange(a=1), "{'a': 1}"),
]


@pytest.mark.parametrize(("value", "expected"), CASES, ids=lambda value: type(value).__name__)
def test_all_values_of_a_name_are_kept(value: object, expected: object) -> None:
    assert plain_value(value) == expected
    assert plain_value({"inside": [value]}) == {"inside": [expected]}


class Person(pydantic.BaseModel, extra="allow"):
    first: str
    last: str

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def full(self) -> str:
        return f"{self.first} {self.last}"

    @pydantic.computed_field(repr=False)  # type: ignore[prop-decorator]
    @property
    def hidden(self) -> str:
        return "hidden"

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @functools.cached_property
    def names(self) -> int:
        return 2

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def broken(self) -> str:
        raise LookupError("no such name")


def test_computed_fields_of_a_model_are_among_its_fields() -> None:
    assert plain_value(Person(first="Ada", last="Lovelace", born=1815)) == {
        "first": "Ada",
        "last": "Lovelace",
        "born": 1815,
        "full": "Ada Lovelace",
        "names": 2,
        "broken": "LookupError: no such name",
    }
