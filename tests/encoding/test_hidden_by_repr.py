"""What a class's own `__repr__` hides stays hidden; what it shows is read as well as if it had none.

Expected: what the author of each class wrote, by the documentation of Starlette, Django, Werkzeug, attrs, pydantic.
"""

import collections
import dataclasses
import enum
import functools
import ipaddress
import pathlib
import reprlib
import types
import typing
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attr
import numpy as np
import pydantic
import pydantic.dataclasses
import pydantic.v1
import pytest
from django.utils.functional import SimpleLazyObject, lazystr
from django.utils.safestring import mark_safe
from markupsafe import Markup
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from starlette import datastructures as starlette
from werkzeug import datastructures as werkzeug
from werkzeug.local import LocalProxy

from dt_otlp_logs.encoding.any_value import ValueEncoder
from dt_otlp_logs.encoding.limits import GRAIL
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, seal
from dt_otlp_logs.encoding.plain_value import plain_name, plain_value
from dt_otlp_logs.encoding.safe_text import safe_text

PASSWORD = "hunter2"


class Masked:
    """Mixed into others: as those of httpx's headers and URLs do, its `__repr__` shows no secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({{'user': 'bob', 'password': '[secure]'}})"


class Text(Masked, str):
    __slots__ = ()


class Bytes(Masked, bytes):
    pass


class Dict(Masked, dict):  # type: ignore[type-arg]
    pass


class SaysAll(Dict):
    __str__ = dict.__repr__


class List(Masked, list):  # type: ignore[type-arg]
    pass


class Tuple(Masked, tuple):  # type: ignore[type-arg]
    __slots__ = ()


class Set(Masked, frozenset):  # type: ignore[type-arg]
    pass


class UserDict(Masked, collections.UserDict):  # type: ignore[type-arg]
    pass


class UserText(Masked, collections.UserString):
    pass


class ChildOfUserDict(collections.UserDict):  # type: ignore[type-arg]
    """Its repr is that of the dict inside."""


class Path(Masked, type(pathlib.PurePath())):  # type: ignore[misc]
    pass


class Host(typing.NamedTuple):
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Host({self.user})"

    def __str__(self) -> str:
        return f"{self.user}:{self.password}"


class Headers(Masked, Mapping):  # type: ignore[type-arg]
    def __getitem__(self, name: str) -> str:
        return {"user": "bob", "password": PASSWORD}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("user", "password"))

    def __len__(self) -> int:
        return 2


class Lines(Masked, Sequence):  # type: ignore[type-arg]
    def __getitem__(self, index: Any) -> Any:
        return [PASSWORD][index]

    def __len__(self) -> int:
        return 1


class Url(Masked):
    def __str__(self) -> str:
        return f"https://bob:{PASSWORD}@a.example"


class Multi(Masked, werkzeug.MultiDict):  # type: ignore[type-arg]
    pass


class Sealed(enum.Enum):
    TOKEN = PASSWORD

    def __repr__(self) -> str:
        return "<Sealed.TOKEN>"


class HiddenRights(enum.Flag):
    READ = 1
    WRITE = 2

    def __repr__(self) -> str:
        return f"<{self._name_}>"


@dataclasses.dataclass
class Parent:
    id: int


@dataclasses.dataclass(repr=False)
class SilentChild(Parent):
    password: str


@dataclasses.dataclass
class ChildShownAsParent(Parent):
    password: str
    __repr__ = Parent.__repr__


@attr.s(auto_attribs=True)
class AttrsParent:
    id: int


@attr.s(auto_attribs=True, repr=False)
class SilentAttrsChild(AttrsParent):
    password: str


@attr.s(auto_attribs=True, repr=False)
class SilentAttrs:
    password: str


def traced(function: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(function)
    def call(*arguments: object) -> str:
        return function(*arguments)

    return call


@dataclasses.dataclass
class Decorated:
    password: str

    @traced
    def __repr__(self) -> str:
        return "Decorated(***)"


@dataclasses.dataclass
class Guarded:
    password: str

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        return "Guarded(***)"


@dataclasses.dataclass
class LoginError(Exception):
    user: str
    password: str = dataclasses.field(repr=False)


@attr.s(auto_attribs=True, auto_exc=True)
class AttrsLoginError(Exception):
    user: str
    password: str = attr.ib(repr=False)


class ModelByText(pydantic.BaseModel):
    password: str

    def __repr_str__(self, join_str: str) -> str:
        return "***"


class OldModelByText(pydantic.v1.BaseModel):
    password: str

    def __repr_str__(self, join_str: str) -> str:
        return "***"


@pydantic.dataclasses.dataclass
class PydanticDataclass:
    user: str
    password: str = pydantic.Field(repr=False)


def wrapping(wrapper: Any, data: object) -> object:
    """Made without a copy: `data` is public."""
    wrapper.data = data
    return wrapper


SHOWN = "({'user': 'bob', 'password': '[secure]'})"
HIDDEN: list[tuple[object, object]] = [
    (starlette.Secret(PASSWORD), "Secret('**********')"),
    (starlette.URL(f"https://bob:{PASSWORD}@a.example/x"), "URL('https://bob:********@a.example/x')"),
    (pydantic.SecretStr(PASSWORD), "**********"),
    (Url(), f"Url{SHOWN}"),
    (Text(PASSWORD), f"Text{SHOWN}"),
    (UserText(PASSWORD), f"UserText{SHOWN}"),
    (Bytes(PASSWORD.encode()), f"Bytes{SHOWN}"),
    (Path(PASSWORD), f"Path{SHOWN}"),
    (Dict(password=PASSWORD), f"Dict{SHOWN}"),
    (UserDict(password=PASSWORD), f"UserDict{SHOWN}"),
    (Headers(), f"Headers{SHOWN}"),
    (Multi({"password": PASSWORD}), f"Multi{SHOWN}"),
    (List([PASSWORD]), f"List{SHOWN}"),
    (Lines(), f"Lines{SHOWN}"),
    (Tuple([PASSWORD]), f"Tuple{SHOWN}"),
    (Set([PASSWORD]), f"Set{SHOWN}"),
    (Host("bob", PASSWORD), "Host(bob)"),
    (Headers().items(), f"ItemsView(Headers{SHOWN})"),
    (Headers().values(), f"ValuesView(Headers{SHOWN})"),
    (types.MappingProxyType(Dict(password=PASSWORD)), f"Dict{SHOWN}"),
    (types.MappingProxyType(SaysAll(password=PASSWORD)), f"mappingproxy(SaysAll{SHOWN})"),
    (collections.ChainMap(Dict(password=PASSWORD)), f"ChainMap(Dict{SHOWN})"),
    (collections.deque([Text(PASSWORD)]), [f"Text{SHOWN}"]),
    (wrapping(collections.UserDict(), Dict(password=PASSWORD)), f"Dict{SHOWN}"),
    (wrapping(ChildOfUserDict(), Dict(password=PASSWORD)), f"Dict{SHOWN}"),
    (wrapping(collections.UserList(), List([PASSWORD])), f"List{SHOWN}"),
    (collections.UserString(Text(PASSWORD)), f"Text{SHOWN}"),
    (collections.ChainMap(wrapping(collections.UserDict(), Dict(password=PASSWORD))), f"ChainMap(Dict{SHOWN})"),
    (Sealed.TOKEN, "TOKEN"),
    (SilentChild(1, PASSWORD), {"id": 1}),
    (ChildShownAsParent(1, PASSWORD), {"id": 1}),
    (SilentAttrsChild(1, PASSWORD), {"id": 1}),
    (Decorated(PASSWORD), "Decorated(***)"),
    (LoginError("bob", PASSWORD), repr(LoginError("bob", ""))),
    (AttrsLoginError("bob", PASSWORD), repr(AttrsLoginError("bob", ""))),
    (Guarded(PASSWORD), "Guarded(***)"),
    (ModelByText(password=PASSWORD), "***"),
    (OldModelByText(password=PASSWORD), "***"),
    (PydanticDataclass(user="bob", password=PASSWORD), {"user": "bob"}),
]


def is_hashable(value: object) -> bool:
    """A mappingproxy says that it is from Python 3.12 on, and then asks what it stands for."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize(("value", "expected"), HIDDEN, ids=lambda value: type(value).__name__)
def test_what_a_repr_hides_stays_hidden(value: object, expected: object) -> None:
    assert PASSWORD not in repr(value)
    assert plain_value(value) == expected
    assert plain_value({"a": [value]}) == {"a": [expected]}
    assert PASSWORD not in safe_text(value)


@pytest.mark.parametrize(("value", "expected"), HIDDEN, ids=lambda value: type(value).__name__)
def test_it_stays_hidden_in_what_is_given_to_opentelemetry_directly(value: object, expected: object) -> None:
    for each in (value, [value], {"a": value}):
        encoder = ValueEncoder()
        assert PASSWORD.encode() not in encoder.any_value(each, 32_768)
        assert encoder.replaced > 0
    if is_hashable(value):
        assert PASSWORD.encode() not in ValueEncoder().any_value({value: 1}, 32_768)


@pytest.mark.parametrize("value", [starlette.Secret(PASSWORD), Url(), Text(PASSWORD), Host("bob", PASSWORD)])
def test_it_stays_hidden_in_names(value: object) -> None:
    assert PASSWORD not in plain_name(value)
    assert PASSWORD not in str(plain_value({value: 1}))


def test_it_stays_hidden_behind_a_weak_reference() -> None:
    url = Url()
    assert PASSWORD not in str(plain_value(weakref.proxy(url)))


def test_a_class_that_wants_no_repr_shows_no_fields() -> None:
    assert PASSWORD not in str(plain_value([SilentAttrs(PASSWORD)]))


def test_it_stays_hidden_in_a_large_array() -> None:
    array = np.array([starlette.Secret(PASSWORD)] * 100, dtype=object)
    assert PASSWORD not in str(plain_value(array))


def test_it_stays_hidden_where_one_secret_is_also_shown_elsewhere() -> None:
    class Login(dict):  # type: ignore[type-arg]
        def __repr__(self) -> str:
            return f"Login({{'user': {self['user']!r}, 'password': '***'}})"

    assert plain_value(Login(user="guest", password="guest")) == "Login({'user': 'guest', 'password': '***'})"


def test_a_secret_that_is_a_part_of_the_classs_name_is_not_taken_for_shown() -> None:
    class Password:
        def __str__(self) -> str:
            return "word"

        def __repr__(self) -> str:
            return "Password(***)"

    assert plain_value(Password()) == "Password(***)"


class Framed:
    """A `__repr__` with the text in a frame, and a `__str__` that says the text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Framed({self.text!r})"


class OnlyStr:
    def __str__(self) -> str:
        return "only str"


class DefaultRepr(OnlyStr):
    """As SQLAlchemy's statements: SQL as text, nothing but an address as repr."""

    def __repr__(self) -> str:
        return object.__repr__(self)


class Polite(enum.Enum):
    TEA = "tea"

    def __repr__(self) -> str:
        return f"<a cup of {self.value}>"


class Mixed(str, enum.Enum):
    TEA = "tea"

    def __repr__(self) -> str:
        return "Mixed.TEA"


class OrderedSet(list):  # type: ignore[type-arg]
    def __repr__(self) -> str:
        return f"OrderedSet({list.__repr__(self)})"


class PlainTuple(tuple):  # type: ignore[type-arg]
    __slots__ = ()

    def __repr__(self) -> str:
        return tuple.__repr__(self)


class FrozenMap(dict):  # type: ignore[type-arg]
    def __repr__(self) -> str:
        return f"FrozenMap({dict.__repr__(self)})"


class Pairs(dict):  # type: ignore[type-arg]
    def __repr__(self) -> str:
        return f"Pairs({list(self.items())!r})"


class Child(Parent):
    pass


@dataclasses.dataclass
class SaidError(Exception):
    code: int

    def __str__(self) -> str:
        return f"code {self.code}"


SaidError.__module__ = "tests.encoding.test_hidden_by_repr"  # however the tests are imported


READABLE: list[tuple[object, object]] = [
    (Framed("tea"), "tea"),
    (Framed('it\'s "tea"'), 'it\'s "tea"'),
    (Framed("line\nline\tä\\"), "line\nline\tä\\"),
    (OnlyStr(), "only str"),
    (DefaultRepr(), "only str"),
    (lazystr("tea"), "tea"),
    (mark_safe("<b>tea</b>"), "<b>tea</b>"),
    (Markup("<b>tea</b>"), "<b>tea</b>"),
    (Markup(""), ""),
    (SimpleLazyObject(lambda: Framed("tea")), "tea"),
    (LocalProxy(lambda: Framed("tea")), "tea"),
    (starlette.URL("https://a.example/x?y=1"), "https://a.example/x?y=1"),
    (starlette.QueryParams("a=1&b=2"), "a=1&b=2"),
    (pydantic.HttpUrl("https://a.example/x"), "https://a.example/x"),
    (np.str_("it's tea"), "it's tea"),
    (np.bytes_(b"tea"), "tea"),
    (ipaddress.ip_interface("10.0.0.1/8"), "10.0.0.1/8"),
    (Polite.TEA, "tea"),
    (HiddenRights(0), 0),
    (wrapping(collections.UserDict(), FrozenMap(a=[1])), {"a": [1]}),
    (collections.UserString("tea"), "tea"),
    (SaidError(5), "tests.encoding.test_hidden_by_repr.SaidError: code 5"),
    (Mixed.TEA, "tea"),
    (OrderedSet([2, "a", None]), [2, "a", None]),
    (OrderedSet(), []),
    (PlainTuple(("a",)), ["a"]),
    (FrozenMap(a=1, b={"c": [1.5]}), {"a": 1, "b": {"c": [1.5]}}),
    (FrozenMap(), {}),
    (Pairs(a=1, b=2), {"a": 1, "b": 2}),
    (werkzeug.ImmutableDict(a=1), {"a": 1}),
    (starlette.Headers({"host": "a.example"}), {"host": "a.example"}),
    (types.MappingProxyType({"a": 1, "b": [Framed("tea")]}), {"a": 1, "b": ["tea"]}),
    (collections.ChainMap({"a": 1}, {"b": 2}), {"b": 2, "a": 1}),
    (collections.UserDict(a=1).items(), [["a", 1]]),
    (Child(1), {"id": 1}),
]


@pytest.mark.parametrize(("value", "expected"), READABLE, ids=lambda value: type(value).__name__)
def test_what_a_repr_shows_is_read_as_without_one(value: object, expected: object) -> None:
    assert plain_value(value) == expected
    assert plain_value({"a": [value]}) == {"a": [expected]}


@pytest.mark.parametrize("value", [Text("tea"), Bytes(b"tea"), Mixed.TEA, Polite.TEA, Sealed.TOKEN, HiddenRights(3)])
def test_it_is_what_is_shown_elsewhere_too(value: object) -> None:
    assert ValueEncoder().any_value(value, 32_768) == ValueEncoder().any_value(plain_value(value), 32_768)


def test_what_only_str_hides_is_not_hidden() -> None:
    @dataclasses.dataclass
    class Login:
        password: str

        def __str__(self) -> str:
            return "Login(***)"

    assert plain_value(Login(PASSWORD)) == {"password": PASSWORD}


def test_numbers_with_a_repr_of_their_own_stay_numbers() -> None:
    class Bytes(int):
        def __repr__(self) -> str:
            return f"{int(self) // 1024} kB"

    assert plain_value(Bytes(2048)) == 2048


def test_a_large_container_with_a_repr_of_its_own_is_not_written_out() -> None:
    class Rows(list):  # type: ignore[type-arg]
        def __repr__(self) -> str:
            raise AssertionError("the repr of a million elements")

    said = "<Rows of more than 16384 elements>"
    assert plain_value(Rows(range(1_000_000))) == said
    assert ValueEncoder().any_value(Rows(range(1_000_000)), 32_768) == ValueEncoder().any_value(said, 32_768)


def test_a_body_that_is_given_to_opentelemetry_directly_hides_what_its_repr_hides() -> None:
    class Headers(dict):  # type: ignore[type-arg]
        def __repr__(self) -> str:
            return f"Headers({ {name: '[secure]' if name == 'authorization' else self[name] for name in self} })"

    body = Headers({"host": "a.example", "authorization": PASSWORD})
    encoded = OtlpEncoder(GRAIL).encode([ReadableLogRecord(LogRecord(body=body), Resource({}), None)])
    sent = decompress(seal(encoded.groups))
    assert PASSWORD.encode() not in sent
    assert b"[secure]" in sent
