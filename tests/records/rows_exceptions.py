"""Exceptions: type, message and stack as Python's own traceback prints them.

Sources: OpenTelemetry's semantic conventions for exceptions, Python's documentation of `traceback` and `logging`.
"""

import sys
from collections.abc import Callable
from typing import Any

from records.row import ANYTHING, Check, Row, Source, has, one_of


class CardError(Exception):
    """Two arguments, and a text of its own."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code

    def __str__(self) -> str:
        return f"card refused ({self.code})"


class Outer:
    class InnerError(Exception):
        pass


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class TextlessError(Exception):
    def __str__(self) -> str:
        return 42  # type: ignore[return-value]  # noqa: PLE0307


class HostileError(Exception):
    """Raises in what a traceback looks at."""

    @property
    def __notes__(self) -> Any:
        raise RuntimeError("no notes")

    @property
    def args(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no arguments")


def fails(kind: Callable[..., BaseException], *args: Any) -> Callable[[], None]:
    def fail() -> None:
        raise kind(*args)

    return fail


def nested() -> None:
    def innermost() -> None:
        raise KeyError("tea")

    innermost()


def chained() -> None:
    try:
        nested()
    except KeyError as error:
        raise CardError(7, "x") from error


def in_context() -> None:
    try:
        nested()
    except KeyError:
        raise CardError(7, "x")  # noqa: B904  # which is what is tested


def suppressed() -> None:
    try:
        nested()
    except KeyError:
        raise CardError(7, "x") from None


def circular() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def long_chain() -> None:
    error: BaseException = ValueError("innermost")
    for number in range(3000):
        following = ValueError(f"number {number}")
        following.__cause__ = error
        error = following
    raise error


def recursion() -> None:
    recursion()


def noted() -> None:
    error = ValueError("boom")
    error.__notes__ = ["first note", "second note"]  # add_note() of Python 3.11
    raise error


def group() -> None:
    raise ExceptionGroup("several", [ValueError("one"), ExceptionGroup("inner", [KeyError("two")])])  # noqa: F821


def syntax_error() -> None:
    compile("a = = 1", "shop.py", "exec")


def raised(id_: str, fail: Callable[[], object], kind: Any, text: Any, stack: Any, **fields: Any) -> Row:
    """Logged by `exception()` where it is caught."""

    def call(source: Source) -> None:
        try:
            fail()
        except BaseException:
            source.log.exception("failed", extra=source.extra())

    expected = {"exception.type": kind, "exception.message": text, "exception.stacktrace": stack}
    return Row(
        f"exception-{id_}", call, {"content": "failed", "loglevel": "ERROR", "status": "ERROR", **expected}, **fields
    )


def given(id_: str, exc_info: Callable[[], Any], expected: dict[str, Any], absent: tuple[str, ...] = ()) -> Row:
    """`exc_info` as the application gives it."""
    return Row(
        f"exc-info-{id_}",
        lambda source: source.log.error("failed", exc_info=exc_info(), extra=source.extra()),
        {"content": "failed", **expected},
        absent,
    )


MODULE = __name__
NONE = ("exception.type", "exception.message", "exception.stacktrace")
CAUSE = "The above exception was the direct cause of the following exception:"
CONTEXT = "During handling of the above exception, another exception occurred:"
CARD = f"{MODULE}.CardError"

RAISED = [
    raised("plain", fails(ValueError, "boom"), "ValueError", "boom", has("Traceback", "in fail", "ValueError: boom")),
    raised("without-message", fails(ValueError), "ValueError", ANYTHING, has("Traceback", "ValueError")),
    raised("empty-message", fails(ValueError, ""), "ValueError", ANYTHING, has("Traceback", "ValueError")),
    raised("key-error", fails(KeyError, "tea"), "KeyError", "'tea'", has("KeyError: 'tea'")),
    raised("two-args", fails(ValueError, "a", 1), "ValueError", "('a', 1)", has("ValueError: ('a', 1)")),
    raised("os-error", fails(FileNotFoundError, 2, "none", "f"), "FileNotFoundError", "[Errno 2] none: 'f'", has("f'")),
    raised("own-text", fails(CardError, 7, "x"), CARD, "card refused (7)", has(f"{CARD}: card refused (7)")),
    raised("inner-class", fails(Outer.InnerError, "a"), f"{MODULE}.Outer.InnerError", "a", has("Outer.InnerError: a")),
    raised("nested", nested, "KeyError", "'tea'", has("in nested", "in innermost", "KeyError: 'tea'")),
    raised("cause", chained, CARD, "card refused (7)", has("in innermost", "KeyError: 'tea'", CAUSE, "card refused")),
    raised("context", in_context, CARD, "card refused (7)", has("KeyError: 'tea'", CONTEXT, "card refused (7)")),
    raised(
        "suppressed",
        suppressed,
        CARD,
        "card refused (7)",
        Check("without the context", lambda stack: "card refused (7)" in stack and "KeyError" not in stack),
    ),
    raised("circular", circular, "ValueError", "first", has("ValueError: second", CAUSE, "ValueError: first")),
    raised("multi-line", fails(ValueError, "a\nb\n  c"), "ValueError", "a\nb\n  c", has("ValueError: a\nb\n  c")),
    raised("percent", fails(ValueError, "100 %s %d"), "ValueError", "100 %s %d", has("100 %s %d")),
    raised("nul-and-ansi", fails(ValueError, "a\x00\x1b[0m"), "ValueError", "a\x00\x1b[0m", has("ValueError: a")),
    raised("surrogate", fails(ValueError, "a\ud800"), "ValueError", has("a"), has("ValueError: a")),
    raised("emoji", fails(ValueError, "🍵"), "ValueError", "🍵", has("ValueError: 🍵")),
    raised("mute", fails(MuteError), f"{MODULE}.MuteError", ANYTHING, has("Traceback", "MuteError")),
    raised("textless", fails(TextlessError), f"{MODULE}.TextlessError", ANYTHING, has("TextlessError")),
    raised("hostile", fails(HostileError), f"{MODULE}.HostileError", ANYTHING, has("HostileError")),
    raised("system-exit", fails(SystemExit, 3), "SystemExit", "3", has("SystemExit: 3")),
    raised("keyboard", fails(KeyboardInterrupt), "KeyboardInterrupt", ANYTHING, has("KeyboardInterrupt")),
    raised("syntax", syntax_error, "SyntaxError", has("invalid syntax"), has("shop.py", "SyntaxError")),
    raised(
        "long-message",
        fails(ValueError, "x" * 1000),
        "ValueError",
        Check("the message, or its beginning", lambda text: text.startswith("x" * 100)),
        has("Traceback", "in fail"),
    ),
]
HUGE: list[Row] = [
    raised("recursion", recursion, "RecursionError", has("recursion"), has("in recursion", "RecursionError")),
    raised(
        "long-chain",
        long_chain,
        "ValueError",
        "number 2999",
        Check("bounded, with the last exception", lambda stack: len(stack) < 40_000 and "number 2999" in stack),
    ),
]
if sys.version_info >= (3, 11):
    RAISED += [
        raised("notes", noted, "ValueError", "boom", has("ValueError: boom", "first note", "second note")),
        raised(
            "group",
            group,
            one_of("ExceptionGroup", "builtins.ExceptionGroup"),
            "several (2 sub-exceptions)",
            has("several (2 sub-exceptions)", "ValueError: one", "inner (1 sub-exception)", "KeyError: 'two'"),
        ),
    ]


def caught() -> BaseException:
    try:
        nested()
    except KeyError as error:
        return error
    raise AssertionError


def caught_tuple() -> Any:
    try:
        nested()
    except KeyError:
        return sys.exc_info()


GIVEN = [
    given("true-outside", lambda: True, {}, NONE),
    given("false", lambda: False, {}, NONE),
    given("none-tuple", lambda: (None, None, None), {}, NONE),
    given("instance", caught, {"exception.type": "KeyError", "exception.stacktrace": has("in innermost")}),
    given("instance-never-raised", lambda: ValueError("boom"), {"exception.type": "ValueError", NONE[1]: "boom"}),
    given("tuple", caught_tuple, {"exception.type": "KeyError", "exception.stacktrace": has("in innermost")}),
    given("tuple-without-stack", lambda: (ValueError, ValueError("a"), None), {NONE[0]: "ValueError", NONE[1]: "a"}),
    Row(
        "stack-info",
        lambda source: source.log.info("kept", stack_info=True, extra=source.extra()),
        {"content": "kept", "code.stacktrace": has("rows_exceptions.py", "source.log.info")},
        NONE,
    ),
]

PLACE = [
    Row(
        "place",
        lambda source: source.log.info("kept", extra=source.extra()),
        {
            "code.file.path": has("rows_exceptions.py"),
            "code.line.number": Check("a line", lambda line: int(line) > 0),
            "code.function.name": has("lambda"),
            "thread.name": "MainThread",
            "otel.scope.name": "records of the table",
            "service.name": "shop",
        },
    ),
]

ROWS: list[Row] = [*RAISED, *GIVEN, *PLACE]
