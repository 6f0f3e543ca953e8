"""Records of whose message, arguments, exception and stack `QueueHandler` or `SocketHandler` made one text."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.util.types import AnyValue

from dt_otlp_logs.encoding.reserved_names import RECORD_NOTE
from dt_otlp_logs.handler.exceptions import noted_exception
from dt_otlp_logs.handler.record_note import is_noted_message, read_note
from dt_otlp_logs.handler.traceback_text import before_traceback, without_stack


@dataclass(frozen=True, slots=True)
class MergedRecord:
    """What such a record said before: its message, the items of one that was a dict, and what is surely known beside.

    The attributes go before what else is found out of the text.
    """

    message: str
    items: dict[str, AnyValue] | None
    attributes: dict[str, AnyValue]


def merged_record(record: logging.LogRecord) -> MergedRecord | None:
    """What a record said before it became one text, None if it did not. Never raises.

    What was noted when it was made counts only where the text still says the same: a filter may have taken something
    out, which must not come back.
    """
    values = vars(record)
    text = values.get("msg")
    if type(text) is not str or values.get("args") is not None or values.get("exc_info") is not None:
        return None
    try:
        return _read(values, text)
    except Exception:  # noqa: BLE001  # a note that somebody else wrote
        return None


def _read(values: Mapping[str, Any], text: str) -> MergedRecord | None:
    note = values.get(RECORD_NOTE)
    said, task = read_note(note)
    attributes: dict[str, AnyValue] = {}
    if task and "taskName" not in values:
        attributes["asyncio.task.name"] = task
    items = None
    if said is not None:
        exception = said["exception"]
        message = _noted_message(text, said)
        if message is None:
            message = before_traceback(text)
            formatted, stack = _after(message, text)
        else:
            items = said["items"] if isinstance(said["items"], dict) else None
            formatted, stack = _after(message, text)
            if exception and not formatted:
                formatted = values.get("exc_text") or exception.get("exception.stacktrace", "")
        if exception is not None:
            attributes.update(noted_exception(exception, formatted))
        if stack is not None:
            attributes["code.stacktrace"] = stack
    elif note is None and values.get("message") == text:
        # `QueueHandler` leaves it so; the record was made in a process that notes nothing.
        message = before_traceback(text)
    else:
        message = without_stack(text)[0]
    return MergedRecord(message, items, attributes) if items is not None or attributes or message != text else None


def _noted_message(text: str, said: Mapping[str, Any]) -> str | None:
    """The message at the start of a text, if nothing but exception and stack come after it, as logging adds them."""
    message = text[: said["message"][0]]
    if not is_noted_message(message, said["message"]) or not (message == text or _ends_a_line(message, text)):
        return None
    return None if said["exception"] is None and _after(message, text)[0] else message


def _ends_a_line(message: str, text: str) -> bool:
    return message.endswith("\n") or text.startswith("\n", len(message))


def _after(message: str, text: str) -> tuple[str, str | None]:
    """The exception and the stack behind a message."""
    trace, stack = without_stack("\n" + text[len(message) :])
    return trace.strip("\n"), stack
