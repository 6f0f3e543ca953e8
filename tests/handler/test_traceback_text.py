"""Exceptions read back from the text of a message, as `logging.Formatter` and so `QueueHandler` leave it there."""

import logging
import sys
from collections.abc import Callable
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Any

import pytest

from dt_otlp_logs.handler.traceback_text import TracebackText, traceback_at_the_end, without_stack
from handler.logged import Logged

SIMPLE = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n    ^^^\nValueError: no tea'
CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
STACK = 'Stack (most recent call last):\n  File "a.py", line 9, in <module>\n    main()'
GROUP = (
    "  + Exception Group Traceback (most recent call last):\n"
    '  |   File "a.py", line 1, in f\n'
    "  |     raise many\n"
    "  | ExceptionGroup: many\n"
    "  | lines (2 sub-exceptions)\n"
    "  +-+---------------- 1 ----------------\n"
    "    | Traceback (most recent call last):\n"
    '    |   File "a.py", line 2, in f\n'
    "    | ValueError: 1\n"
    "    +---------------- 2 ----------------\n"
    "    | TypeError: 2\n"
    "    +------------------------------------"
)


def ending(line: str) -> str:
    return SIMPLE.replace("ValueError: no tea", line)


SYNTAX = ending('  File "b.py", line 2\n    a b\n      ^\nSyntaxError: bad')


@pytest.mark.parametrize(
    ("stacktrace", "kind", "message"),
    [
        (SIMPLE, "ValueError", "no tea"),
        (ending("a.b.C: x: y"), "a.b.C", "x: y"),
        (ending("KeyboardInterrupt"), "KeyboardInterrupt", ""),
        (ending("a.f.<locals>.E: x"), "a.f.<locals>.E", "x"),
        (ending("E: two\nlines\n\n  and more"), "E", "two\nlines\n\n  and more"),
        (ending("E: x\na note"), "E", "x\na note"),
        (SIMPLE + CAUSE + ending("E: x"), "E", "x"),
        (SIMPLE + CONTEXT + SIMPLE + CAUSE + ending("E: x"), "E", "x"),
        (GROUP, "ExceptionGroup", "many\nlines (2 sub-exceptions)"),
        (SIMPLE + CAUSE + GROUP, "ExceptionGroup", "many\nlines (2 sub-exceptions)"),
        (GROUP + CAUSE + ending("E: x"), "E", "x"),
        (SYNTAX, "SyntaxError", "bad"),
        (SIMPLE.replace("    ^^^\n", "  [Previous line repeated 9 more times]\n"), "ValueError", "no tea"),
    ],
)
@pytest.mark.parametrize("before", ["", "failed\n", "two\nlines\n\n"])
@pytest.mark.parametrize("after", ["", "\n", f"\n{STACK}"])
def test_the_exception_at_the_end_of_a_text(before: str, stacktrace: str, after: str, kind: str, message: str) -> None:
    found = traceback_at_the_end(f"{before}{stacktrace}{after}")
    assert found == TracebackText(stacktrace, kind, message)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no trace",
        "Traceback (most recent call last):",
        "Traceback (most recent call last):\n",
        "Traceback (most recent call last):\nValueError: no frame",
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()',
        f"what does {SIMPLE} mean?",
        f"  {SIMPLE}",
        ending("not the line of an exception"),
        ending("12: x"),
    ],
)
def test_a_text_that_is_no_traceback_stays_a_text(text: str) -> None:
    assert traceback_at_the_end(text) is None


@pytest.mark.parametrize(
    "text",
    [
        f"the worker said:\n{SIMPLE}\n{ending('E: x')}",
        f"m\n{ending('E: the worker said:')}\n{SIMPLE}",
        f"m\n{ending('E: the worker said:')}\n{SIMPLE}{CAUSE}{SIMPLE}",
    ],
)
def test_where_a_message_quotes_a_traceback_only_the_stack_is_told(text: str) -> None:
    found = traceback_at_the_end(text)
    assert found is not None
    assert (found.type, found.message) == (None, None)
    assert text.endswith(found.stacktrace)
    assert found.stacktrace.startswith("Traceback")


@pytest.mark.parametrize(
    ("text", "rest", "stack"),
    [
        (f"m\n{STACK}", "m", STACK),
        (f"m\n{SIMPLE}\n{STACK}", f"m\n{SIMPLE}", STACK),
        ("m", "m", None),
        (f"m\n{STACK}\nmore", f"m\n{STACK}\nmore", None),
        ("m\nStack (most recent call last):\n", "m\nStack (most recent call last):\n", None),
    ],
)
def test_the_stack_at_the_end_of_a_text(text: str, rest: str, stack: str | None) -> None:
    assert without_stack(text) == (rest, stack)


def test_what_a_pool_says_of_its_worker_is_no_quotation() -> None:
    # multiprocessing makes the worker's traceback the text of a cause.
    remote = f'{SIMPLE}\n"""{CAUSE}{ending("E: x")}'
    assert traceback_at_the_end(f'failed\nmultiprocessing.pool.RemoteTraceback: \n"""\n{remote}') == TracebackText(
        remote, "E", "x"
    )


class Error(Exception):
    pass


def plain() -> None:
    raise Error("no tea: left\nsecond line")


def chained() -> None:
    try:
        {}["tea"]
    except KeyError as error:
        raise Error("no tea") from error


def within() -> None:
    try:
        {}["tea"]
    except KeyError:
        raise Error("no tea")  # noqa: B904


def empty() -> None:
    raise Error


def grouped() -> None:
    raise ExceptionGroup("many", [Error(1), ValueError("a\nb")])  # type: ignore[name-defined,unused-ignore]  # noqa: F821


def caused_group() -> None:
    try:
        chained()
    except Error as error:
        raise ExceptionGroup("many", [Error(1)]) from error  # type: ignore[name-defined,unused-ignore]  # noqa: F821


def recursive() -> None:
    recursive()


CASES: list[Callable[[], None]] = [plain, chained, within, empty, recursive]
if sys.version_info >= (3, 11):
    CASES += [grouped, caused_group]


@pytest.mark.parametrize("stack_info", [False, True])
@pytest.mark.parametrize("message", ["failed", "failed\nwith: two lines"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("is_noted", [True, False])
def test_what_a_queue_handler_merged_is_read_back_as_it_was(
    case: Callable[[], None], message: str, stack_info: bool, is_noted: bool
) -> None:
    direct, queued = Logged(), Logged()
    if not is_noted:
        logging.setLogRecordFactory(logging.LogRecord)
    queue: SimpleQueue[Any] = SimpleQueue()
    log = logging.getLogger("queued")
    log.propagate = False
    log.handlers = [direct.handler, QueueHandler(queue)]  # type: ignore[arg-type]
    try:
        case()
    except BaseException:
        log.error(message, exc_info=True, stack_info=stack_info)
    finally:
        log.handlers = []
    record = queue.get()
    queued.handler.handle(record)
    direct.log.handlers = [each for each in direct.log.handlers if each not in (direct.handler, queued.handler)]
    assert queued.record.body == message
    expected = direct.attributes
    expected["exception.stacktrace"] = expected["exception.stacktrace"].rstrip("\n")
    assert queued.attributes == expected
    assert ("code.stacktrace" in expected) == stack_info


def test_a_message_that_ends_in_a_traceback_put_there_by_hand_is_understood(logged: Logged) -> None:
    logged.log.error("failed:\n%s", SIMPLE)
    assert logged.attributes["exception.type"] == "ValueError"
    assert logged.record.body == f"failed:\n{SIMPLE}"


def test_a_formatter_around_the_message_does_not_hide_its_traceback(logged: Logged) -> None:
    logged.handler.setFormatter(logging.Formatter("[%(message)s] in %(name)s"))
    logged.log.error("failed\n%s", SIMPLE)
    assert logged.attributes["exception.message"] == "no tea"
