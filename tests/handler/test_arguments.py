"""A message whose arguments cannot be formatted arrives with those that can be read."""

from collections.abc import Mapping
from typing import Any

import pytest

from dt_otlp_logs.handler.arguments import arguments_text
from handler.logged import Logged


class Detached:
    """As objects of a database are whose session is closed."""

    def __repr__(self) -> str:
        raise RuntimeError("detached")


class Odd(tuple[object, ...]):
    __slots__ = ()

    def __iter__(self) -> Any:
        raise RuntimeError("no iteration")


def test_one_argument_that_cannot_be_shown_hides_no_other(logged: Logged, capsys: pytest.CaptureFixture[str]) -> None:
    logged.log.handlers = [logged.handler]
    logged.log.info("order %s of %s for %r", 42, Detached(), "Ada")
    shown = "<Detached that cannot be shown: RuntimeError>"
    assert f"(42, {shown}, 'Ada')" in logged.record.body
    assert logged.record.body.startswith("order %s of %s for %r [arguments not formatted: ")
    assert "Logging error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "()"),
        (("x",), "('x',)"),
        ((1, "a", None), "(1, 'a', None)"),
        ({"a": 1, "b": Detached()}, "{'a': 1, 'b': <Detached that cannot be shown: RuntimeError>}"),
        (5, "5"),
        (None, "None"),
    ],
)
def test_arguments_are_shown_as_python_does(arguments: tuple[object, ...] | Mapping[str, object], text: str) -> None:
    assert arguments_text(arguments) == text


def test_arguments_of_a_class_of_their_own_are_shown_as_a_whole() -> None:
    assert arguments_text(Odd((1, 2))) == "(1, 2)"
