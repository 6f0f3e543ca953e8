"""An event of structlog that comes by logging: its text, and what its processors repeat of the record.

`ProcessorFormatter.wrap_for_formatter` makes the event dictionary the record's message, and marks the record
(https://www.structlog.org/en/stable/standard-library.html).
"""

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

from opentelemetry.util.types import AnyValue

from dt_otlp_logs.handler.traceback_text import traceback_at_the_end

# structlog reads the clock before logging does, in the same call.
_SAME_TIME_SECONDS = 5.0

_STACK = "Stack (most recent call last):"


def take_event(values: Mapping[str, Any], items: dict[str, AnyValue]) -> tuple[str | None, str]:
    """The event's text, and the exception that structlog has rendered, both taken out of the items.

    Also taken out is what the record says itself, as after `add_log_level`, `add_logger_name` and `TimeStamper`.
    `StackInfoRenderer`'s `stack` gets OpenTelemetry's name for it. `(None, "")` if the record is not structlog's, whose
    items stay as they are.

    Args:
        values: the record's own (`vars(record)`).
        items: the items of its message.
    """
    if "_logger" not in values or "_name" not in values:
        return None, ""
    drop_repeated(values, items)
    if isinstance(items.get("stack_info"), bool):
        del items["stack_info"]  # whether a stack was asked for
    stack = items.get("stack")
    if isinstance(stack, str) and stack.startswith(_STACK):
        items["code.stacktrace"] = items.pop("stack")
    return _taken_text(items, "event"), _taken_exception(items)


def drop_repeated(values: Mapping[str, Any], items: dict[str, AnyValue]) -> None:
    """Take out the items `level`, `logger` and `timestamp` that say what the record says itself.

    After `render_to_log_kwargs` they are among its attributes, with nothing to tell that they are structlog's.
    """
    if _is_level(items.get("level"), values):
        del items["level"]
    name = values.get("name")
    if type(name) is str and items.get("logger") == name:
        del items["logger"]
    if _is_time(items.get("timestamp"), values):
        del items["timestamp"]


def _taken_text(items: dict[str, AnyValue], name: str) -> str | None:
    text = items.get(name)
    if not isinstance(text, str) or not text:
        return None
    del items[name]
    return text


def _taken_exception(items: dict[str, AnyValue]) -> str:
    text = items.get("exception")
    if not isinstance(text, str) or traceback_at_the_end(text) is None:
        return ""
    del items["exception"]
    return text


def _is_level(value: object, values: Mapping[str, Any]) -> bool:
    number = values.get("levelno")
    return isinstance(value, str) and type(number) is int and logging.getLevelName(value.upper()) == number


def _is_time(value: object, values: Mapping[str, Any]) -> bool:
    """Whether it is the record's time, as `TimeStamper` writes it: seconds, or ISO 8601, local unless it says UTC."""
    try:
        if isinstance(value, str):
            # Python 3.10 does not read the Z.
            value = dt.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        return isinstance(value, float) and abs(value - values["created"]) < _SAME_TIME_SECONDS
    except Exception:  # noqa: BLE001  # of another form, out of range, or a record without a time
        return False
