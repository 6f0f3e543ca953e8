"""Whose `__repr__` counts as a class's own, and how often it is asked: it may write out all that is inside."""

import collections
import datetime as dt
import decimal
import ipaddress
import os
import pathlib
import subprocess
import sys
import types
import uuid
from typing import Any

import pytest

from dt_otlp_logs.encoding.any_value import ValueEncoder
from dt_otlp_logs.encoding.own_repr import has_own_repr
from dt_otlp_logs.encoding.plain_value import plain_value


class Counted(dict):  # type: ignore[type-arg]
    asked = 0

    def __repr__(self) -> str:
        type(self).asked += 1
        if self.asked > 1_000:
            raise AssertionError("asked too often")
        return f"Counted({dict.__repr__(self)})"


class Unusual(Counted):
    """As no dict or list is written, so that it counts as hiding something."""

    def __repr__(self) -> str:
        type(self).asked += 1
        return f"Unusual({', '.join(f'{name}={value!r}' for name, value in self.items())})"


@pytest.fixture(autouse=True)
def none_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Counted, Unusual):
        monkeypatch.setattr(kind, "asked", 0)


def shared(levels: int, wrap: Any) -> Any:
    """2 ** levels texts, for whoever does not notice that there is only one."""
    value: Any = Counted(a=1)
    for _ in range(levels):
        value = wrap(value)
    return value


SHAPES = {
    "maps": lambda value: Counted(left=value, right=value),
    "lists in maps": lambda value: Counted(both=[value, value]),
    "maps in maps": lambda value: Counted(inner={"left": value, "right": (value,)}),
}


@pytest.mark.parametrize("wrap", SHAPES.values(), ids=SHAPES)
def test_a_container_that_holds_one_thing_very_often_is_not_written_out(wrap: Any) -> None:
    said = "<Counted of more than 16384 elements>"
    value = shared(40, wrap)
    assert plain_value(value) == said
    assert plain_value([value, "b"]) == [said, "...[further values left out]"]
    assert ValueEncoder().any_value(value, 32_768) == ValueEncoder().any_value(said, 32_768)
    assert said.encode() in ValueEncoder().any_value({"a": [value]}, 32_768)
    assert Counted.asked == 0


def test_a_container_with_one_long_text_very_often_is_not_written_out() -> None:
    value = Counted(rows=["x" * 1_000_000] * 1_000)
    assert plain_value(value) == "<Counted of more than 16384 elements>"
    assert Counted.asked == 0


def test_a_container_with_less_inside_is_read() -> None:
    value = Counted({str(number): [number] for number in range(8_000)}, text="x" * 1_000_000)
    assert plain_value(value) == dict(value)


def test_a_container_that_holds_itself_is_what_its_repr_says() -> None:
    value = Counted(a=1)
    value["self"] = value
    assert plain_value(value) == "Counted({'a': 1, 'self': Counted({...})})"
    value.asked = 0
    assert b"Counted({...})" in ValueEncoder().any_value(value, 32_768)


@pytest.mark.parametrize("read", [plain_value, lambda value: ValueEncoder().any_value(value, 32_768)])
def test_a_repr_is_asked_once_for_the_elements_and_once_for_the_whole(read: Any) -> None:
    inner = Unusual(b=1)
    read(inner)
    assert Unusual.asked == 1
    read(Unusual(a=inner))
    assert Unusual.asked == 1 + 3


def test_maps_and_lists_deeper_than_a_request_may_be_are_not_written_out() -> None:
    value: Any = [1]
    for _ in range(60):
        value = [value, value]
    encoder = ValueEncoder()
    encoder.bytes_left = 100_000
    assert b"<list beyond what one value may hold>" in encoder.any_value(value, 32_768)


@pytest.mark.parametrize(
    "kind",
    [
        *(dict, list, str, bytes, int, collections.OrderedDict, collections.UserDict, collections.deque),
        *(collections.Counter, collections.defaultdict, types.SimpleNamespace, decimal.Decimal, uuid.UUID),
        *(pathlib.PosixPath, dt.datetime, ipaddress.IPv4Address, Exception, object),
    ],
)
def test_the_standard_librarys_reprs_are_nobodys_own(kind: type) -> None:
    assert not has_own_repr(kind)


@pytest.mark.parametrize("name", ["profile", "queue", "calendar"])
def test_a_package_of_the_application_called_as_one_of_the_standard_library_is_not_it(
    tmp_path: pathlib.Path, name: str
) -> None:
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").write_text(
        "class Secret:\n    def __str__(self): return 'hunter2'\n    def __repr__(self): return 'Secret(***)'\n"
    )
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.modules.pop({name!r}, None)\n"
        f"from {name} import Secret; from dt_otlp_logs.encoding.plain_value import plain_value\n"
        "print(plain_value(Secret()))"
    )
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "Secret(***)\n"
