"""Exceptions on records: names of OpenTelemetry's semantic conventions, texts of Python's own `traceback`."""

import io
import logging
import sys
import traceback
from typing import Any

import pytest

from handler.logged import Logged


class OutOfTeaError(Exception):
    def __str__(self) -> str:
        return "no tea left"


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:  # noqa: BLE001
        return caught


def test_an_exception_says_its_type_message_and_whole_story(logged: Logged) -> None:
    try:
        try:
            {}["tea"]
        except KeyError as cause:
            raise OutOfTeaError(1, 2) from cause
    except OutOfTeaError as error:
        expected = "".join(traceback.format_exception(error))
        logged.log.exception("order failed")
    found = logged.attributes
    assert found["exception.type"] == f"{__name__}.OutOfTeaError"
    assert found["exception.message"] == "no tea left"
    assert found["exception.stacktrace"] == expected
    assert "KeyError: 'tea'" in expected
    assert "direct cause" in expected


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError", "division by zero"),
        (KeyError("tea"), "KeyError", "'tea'"),
        (ValueError(), "ValueError", ""),
        (ValueError(1, 2), "ValueError", "(1, 2)"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "why"), "UnicodeDecodeError", None),
        (OSError(2, "No such file", "a.txt"), "FileNotFoundError", "[Errno 2] No such file: 'a.txt'"),
        (type("Local", (Exception,), {"__module__": "shop"})("x"), "shop.Local", "x"),
        (ValueError("two\nlines"), "ValueError", "two\nlines"),
    ],
)
@pytest.mark.parametrize("form", ["exception", "tuple", "true"])
def test_exc_info_in_each_of_its_forms(
    logged: Logged, error: BaseException, name: str, message: str | None, form: str
) -> None:
    caught = raised(error)
    if form == "true":
        try:
            raise caught
        except BaseException:
            logged.log.error("x", exc_info=True)
    elif form == "tuple":
        logged.log.error("x", exc_info=(type(caught), caught, caught.__traceback__))
    else:
        logged.log.error("x", exc_info=caught)
    found = logged.attributes
    assert found["exception.type"] == name
    assert found["exception.message"] == (str(error) if message is None else message)
    assert found["exception.stacktrace"].startswith("Traceback (most recent call last):\n")


@pytest.mark.parametrize("nothing", [True, (None, None, None), None, False, 0, "text", (1,), (1, 2, 3), ("a",) * 3])
def test_exc_info_without_an_exception_adds_nothing(logged: Logged, nothing: object) -> None:
    found = logged.handle(exc_info=nothing)
    assert not [name for name in found if name.startswith("exception.")]
    assert logged.record.body == "x"


def test_exc_info_outside_of_an_except_adds_nothing(logged: Logged) -> None:
    logged.log.error("x", exc_info=True)  # noqa: LOG014
    assert not [name for name in logged.attributes if name.startswith("exception.")]


def test_nor_does_what_another_handler_has_written_of_it(logged: Logged) -> None:
    logged.log.handlers.insert(0, logging.StreamHandler(io.StringIO()))
    logged.log.exception("x")  # noqa: LOG004
    logged.log.handlers.pop(0)
    assert not [name for name in logged.attributes if name.startswith("exception.")]


def test_exc_info_put_on_a_record_by_hand_is_understood_in_each_form(logged: Logged) -> None:
    found = logged.handle(exc_info=raised(ValueError("x")))
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "x")


def test_a_type_without_its_exception_is_named(logged: Logged) -> None:
    found = logged.handle(exc_info=(ValueError, None, None))
    assert found["exception.type"] == "ValueError"
    assert "exception.message" not in found
    assert found["exception.stacktrace"] == "ValueError\n"


def test_a_type_with_a_traceback_and_without_its_exception_shows_both(logged: Logged) -> None:
    trace = raised(ValueError("x")).__traceback__
    found = logged.handle(exc_info=(ValueError, None, trace))
    frames = "".join(traceback.format_tb(trace))
    assert found["exception.stacktrace"] == f"Traceback (most recent call last):\n{frames}ValueError\n"


def test_a_traceback_that_was_given_is_the_one_shown(logged: Logged) -> None:
    here, there = raised(ValueError("x")), raised(KeyError("y"))
    logged.log.error("x", exc_info=(ValueError, here, there.__traceback__))
    assert logged.attributes["exception.stacktrace"] == "".join(
        traceback.format_exception(ValueError, here, there.__traceback__)
    )


def test_a_formatter_puts_the_exception_into_the_content_and_the_attributes_stay(logged: Logged) -> None:
    logged.handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logged.log.error("failed", exc_info=raised(ValueError("x")))
    assert logged.record.body.startswith("ERROR failed\nTraceback (most recent call last):\n")
    assert logged.attributes["exception.type"] == "ValueError"


def test_a_stack_is_kept(logged: Logged) -> None:
    logged.log.info("here", stack_info=True)
    stack = logged.attributes["code.stacktrace"]
    assert stack.startswith("Stack (most recent call last):\n")
    assert "test_a_stack_is_kept" in stack


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups and notes came with Python 3.11")
def test_groups_and_notes_are_told(logged: Logged) -> None:
    first = ValueError("first")
    first.add_note("a note")  # type: ignore[attr-defined,unused-ignore]
    group = raised(ExceptionGroup("many", [first, KeyError("second")]))  # type: ignore[name-defined,unused-ignore]  # noqa: F821
    logged.log.error("x", exc_info=group)
    found = logged.attributes
    assert found["exception.type"] == "ExceptionGroup"
    assert found["exception.message"] == "many (2 sub-exceptions)"
    for part in ("ValueError: first", "a note", "KeyError: 'second'"):
        assert part in found["exception.stacktrace"]


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no str")

    __repr__ = __str__


class SlyError(Exception):
    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no cause")


@pytest.mark.parametrize("error", [SilentError("x"), SlyError("x")])
def test_an_exception_that_cannot_be_told_costs_no_record(logged: Logged, error: Exception) -> None:
    found = logged.handle(exc_info=(type(error), error, None))
    assert found["exception.type"] == f"{__name__}.{type(error).__name__}"
    assert found["exception.stacktrace"]


def test_a_recursion_without_end_is_told_shortly(logged: Logged) -> None:
    def deeper() -> None:
        deeper()

    try:
        deeper()
    except RecursionError:
        logged.log.exception("x")
    stack = logged.attributes["exception.stacktrace"]
    assert "Previous line repeated" in stack
    assert len(stack) < 10_000


def test_a_message_of_any_length_is_bounded_and_both_ends_of_the_stack_stay(logged: Logged) -> None:
    logged.log.error("x", exc_info=raised(ValueError("m" * 3_000_000 + " the end")))
    found = logged.attributes
    for name in ("exception.message", "exception.stacktrace"):
        assert 1_000_000 < len(found[name]) < 1_000_100
        assert found[name].rstrip().endswith("m the end")
    assert found["exception.stacktrace"].startswith("Traceback (most recent call last):\n")


def chain(length: int) -> BaseException:
    error: BaseException = raised(OSError("the root cause"))
    for number in range(1, length):
        error = raised(ValueError(f"number {number}."), error)
    return error


def take_apart(error: BaseException) -> None:
    """Or Python would run out of stack when it frees the chain."""
    while error.__cause__ is not None:
        error.__cause__, error.__context__, error = None, None, error.__cause__


def test_a_long_chain_is_told_from_its_root_cause_to_its_end_without_its_middle(logged: Logged) -> None:
    error = chain(5_000)
    logged.log.error("x", exc_info=error)
    stack = logged.attributes["exception.stacktrace"]
    take_apart(error)
    parts = ["OSError: the root cause\n\nThe above exception was the direct cause", "ValueError: number 1.\n"]
    parts += [
        "number 49.",
        "\n\n(exceptions of this chain that are left out: 4900)\n\n",
        "number 4950.",
        "number 4999.",
    ]
    places = [stack.index(part) for part in parts]
    assert places == sorted(places)
    assert "number 50." not in stack
    assert "number 4949." not in stack
    assert stack.startswith("Traceback (most recent call last):\n")
    assert stack.endswith("ValueError: number 4999.\n")
    assert stack.count("was the direct cause") == 98


def test_a_chain_of_a_hundred_is_told_as_python_does(logged: Logged) -> None:
    error = chain(100)
    expected = "".join(traceback.format_exception(error))
    logged.log.error("x", exc_info=error)
    assert logged.attributes["exception.stacktrace"] == expected


def test_in_a_long_chain_what_happened_while_handling_is_told_so(logged: Logged) -> None:
    error = raised(ValueError("0"))
    for number in range(1, 101):
        later = ValueError(str(number))
        later.__context__ = error
        error = later
    logged.log.error("x", exc_info=error)
    stack = logged.attributes["exception.stacktrace"]
    assert stack.count("During handling of the above exception, another exception occurred:") == 98
    assert "(exceptions of this chain that are left out: 1)" in stack


class EndlessError(Exception):
    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        return EndlessError("another")


def test_a_chain_that_never_ends_is_bounded(logged: Logged) -> None:
    logged.log.error("x", exc_info=EndlessError("the last"))
    stack = logged.attributes["exception.stacktrace"]
    assert stack.startswith("(what came before is left out)\n\n")
    assert stack.endswith("EndlessError: the last\n")
    assert len(stack) < 20_000


def test_causes_in_a_circle_end(logged: Logged) -> None:
    one, two = raised(ValueError("one")), raised(ValueError("two"))
    one.__cause__, two.__cause__ = two, one
    logged.log.error("x", exc_info=one)
    assert "ValueError: two" in logged.attributes["exception.stacktrace"]


def test_the_application_may_say_of_itself_which_exception_it_was(logged: Logged) -> None:
    logged.log.error("x", exc_info=raised(ValueError("x")), extra={"exception.type": "remote.Error"})
    assert logged.attributes["exception.type"] == "remote.Error"
    assert logged.attributes["exception.message"] == "x"


def test_the_trace_of_a_record_from_another_process_is_kept(logged: Logged) -> None:
    text = "".join(traceback.format_exception(raised(ValueError("x")))).rstrip()
    found = logged.handle(exc_text=text)
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "x")
    assert found["exception.stacktrace"] == text


def test_a_trace_in_another_form_is_kept_as_it_is(logged: Logged) -> None:
    found = logged.handle(exc_text="at com.example.Main")
    assert found["exception.stacktrace"] == "at com.example.Main"
    assert "exception.type" not in found
