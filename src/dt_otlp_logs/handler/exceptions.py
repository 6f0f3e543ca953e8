"""What a record says of an exception: `exception.type`, `exception.message`, `exception.stacktrace`, `code.stacktrace`.

Names: https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from opentelemetry.util.types import AnyValue

from dt_otlp_logs.encoding.plain_value import class_name, words
from dt_otlp_logs.encoding.safe_text import safe_text
from dt_otlp_logs.handler.exception_chain import long_chain, told
from dt_otlp_logs.handler.traceback_text import traceback_at_the_end, without_stack

# Dynatrace keeps 32 kB of an attribute; this bounds what a message of any length may cost on the way there.
_MOST_CHARACTERS = 1_000_000
# Dynatrace keeps as much of `exception.message`: a longer one is read from the text that holds it anyway.
_LONGEST_NOTE = 32_768

# What `logging.Formatter` writes of an `exc_info` without an exception.
_NO_EXCEPTION = "NoneType: None"

# Of a traceback and of a stack, as `logging.Formatter` appends them to a message.
_TITLES_END = "(most recent call last):\n"

_Raised = tuple[type[BaseException], BaseException | None, TracebackType | None]


def exception_attributes(record: logging.LogRecord, text: str, given: object) -> dict[str, AnyValue]:
    """The attributes of a record's exception and stack, empty if it has neither. Never raises.

    Args:
        record: what was logged.
        text: its message, which holds the exception after a `QueueHandler` merged it.
        given: what a message that is a dict names as `exc_info`, as structlog's do; None without.
    """
    if (
        record.exc_info is None
        and record.exc_text is None
        and record.stack_info is None
        and given is None
        and _TITLES_END not in text
    ):
        return {}
    try:
        return _attributes(vars(record), text, given)
    except Exception as failure:  # noqa: BLE001  # exceptions are the application's objects
        return {"exception.stacktrace": f"(this exception could not be read: {safe_text(failure)})"}


def exception_to_note(exc_info: object, given: object) -> dict[str, AnyValue] | None:
    """What a text that logging makes of a record will not tell for sure of its exception, empty if that is nothing.

    Type and message; the stack, too, where only a dict message names the exception. None if the text has nothing of an
    exception and nothing is to be noted.

    Args:
        exc_info: the record's.
        given: what a message that is a dict names as `exc_info`; None without.
    """
    raised = _raised(exc_info)
    if raised is not None:
        kind, error, _ = raised
        noted: dict[str, AnyValue] = {"exception.type": class_name(kind)}
        message = None if error is None else words(error)
        if message is not None and len(message) <= _LONGEST_NOTE:
            noted["exception.message"] = message
        return noted
    raised = _raised(given)
    if raised is not None:
        return _described(*raised)
    return {} if exc_info else None


def noted_exception(noted: Mapping[str, Any], formatted: str) -> dict[str, AnyValue]:
    """The attributes of an exception of which something was noted, empty if there is none or it was taken out.

    Args:
        noted: see `exception_to_note`.
        formatted: the exception as a text, empty if there is none.
    """
    kind, message = noted.get("exception.type"), noted.get("exception.message")
    if formatted == _NO_EXCEPTION:
        formatted = kind or ""
    if not formatted:
        return {}
    attributes = _read_back(formatted)
    if kind:
        attributes["exception.type"] = kind
    # What a formatter left out of the text, for a reason it may be, is not brought back.
    if message is not None and message in formatted:
        attributes["exception.message"] = message
    attributes["exception.stacktrace"] = _bounded(formatted)
    return attributes


def _attributes(values: Mapping[str, Any], text: str, given: object) -> dict[str, AnyValue]:
    merged_stack = None
    raised = _raised(values.get("exc_info")) or _raised(given)
    if raised is not None:
        attributes = _described(*raised)
    else:
        formatted = values.get("exc_text")
        if type(formatted) is str and formatted not in ("", _NO_EXCEPTION):
            # A record that came from another process, as socket handlers send it.
            attributes = _read_back(formatted)
            attributes["exception.stacktrace"] = _bounded(formatted)
        else:
            attributes = _read_back(text)
            merged_stack = without_stack(text)[1]
    stack = values.get("stack_info") or merged_stack
    if stack:
        attributes["code.stacktrace"] = _bounded(words(stack))
    return attributes


def _raised(exc_info: Any) -> _Raised | None:
    """What `exc_info` may be: an exception, the three of `sys.exc_info()`, or True for the one being handled."""
    if exc_info is None:
        return None
    if exc_info is True:
        exc_info = sys.exc_info()
    if issubclass(type(exc_info), BaseException):
        return type(exc_info), exc_info, exc_info.__traceback__
    if not issubclass(type(exc_info), tuple) or len(exc_info) != len(sys.exc_info()):
        return None
    kind, error, trace = exc_info
    if issubclass(type(error), BaseException):
        return type(error), error, trace
    is_exception = issubclass(type(kind), type) and issubclass(kind, BaseException)
    return (kind, None, trace) if is_exception else None


def _described(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> dict[str, AnyValue]:
    name = class_name(kind)
    try:
        stack = _stack(kind, error, trace)
    except Exception as failure:  # noqa: BLE001  # an exception whose own text cannot be made
        stack = f"{name} (its traceback could not be formatted: {safe_text(failure)})"
    attributes: dict[str, AnyValue] = {"exception.type": name}
    if error is not None:
        attributes["exception.message"] = _bounded(words(error))
    attributes["exception.stacktrace"] = _bounded(stack)
    return attributes


def _stack(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> str:
    if error is None:
        return told(kind, "", trace)  # for which `traceback` has no words
    # Whatever `traceback` is asked for of an exception, it reads the whole chain.
    return long_chain(error) or "".join(traceback.format_exception(kind, error, trace))


def _read_back(text: str) -> dict[str, AnyValue]:
    found = traceback_at_the_end(text)
    if found is None:
        return {}
    attributes: dict[str, AnyValue] = {}
    if found.type is not None:
        attributes = {"exception.type": found.type, "exception.message": _bounded(found.message or "")}
    attributes["exception.stacktrace"] = _bounded(found.stacktrace)
    return attributes


def _bounded(text: str) -> str:
    """A text without its middle if it is too long: a stack's ends say most."""
    left_out = len(text) - _MOST_CHARACTERS
    if left_out <= 0:
        return text
    half = _MOST_CHARACTERS // 2
    return f"{text[:half]}\n...[{left_out} characters left out]...\n{text[-half:]}"
