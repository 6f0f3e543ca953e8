"""What is noted of a record when it is made, since those that hand it over may take it away.

`QueueHandler` and `SocketHandler` make one text of message, arguments, exception and stack. Beside the span a note
then tells the items of a dict message, what the exception was, and where in that text the message ends; in asyncio the
task, which logging itself tells from Python 3.12 on.

A note is one text, which survives copies, pickles and JSON: the span's `traceparent`, JSON in ASCII, the task's name,
each on a line; the first alone where there is no more to say.
"""

import base64
import json
import logging
import sys
import threading
import zlib
from typing import Any

from dt_otlp_logs.handler.destination import is_opentelemetrys
from dt_otlp_logs.handler.dict_message import dict_message, take_exception
from dt_otlp_logs.handler.exceptions import exception_to_note
from dt_otlp_logs.handler.neighbours import handlers_of

# As much as Dynatrace keeps of a content: the note may travel with the record as far as that.
_MOST_CHARACTERS = 65_536

IS_TASK_UNKNOWN = sys.version_info < (3, 12)
"""Whether logging itself leaves out the task."""

# Whether a record is being noted in this thread: a `__str__` may log another one, and that one without end.
_in_thread = threading.local()


def note_beside_span(record: logging.LogRecord) -> str:
    """What stands below the span in a record's note: empty, or two more lines. May raise what the record raises."""
    values = vars(record)
    said = _said(record) if type(values["msg"]) is not str or values["exc_info"] else ""
    task = _task_name() if IS_TASK_UNKNOWN and "asyncio" in sys.modules else ""
    return f"\n{said}\n{task}" if said or task else ""


def read_note(note: object) -> tuple[dict[str, Any] | None, str]:
    """What a note says of message and exception, None if nothing, and of the task; raises for text of another form."""
    if type(note) is not str:
        return None, ""
    _, said, task = (*note.split("\n", 2), "", "")[:3]
    return (json.loads(said) if said else None), task


def is_noted_message(text: str, noted: list[int]) -> bool:
    """Whether a text is the message that was noted, as a filter may have changed it since."""
    return [len(text), _checksum(text)] == noted


def _said(record: logging.LogRecord) -> str:
    if getattr(_in_thread, "is_noting", False) or not _is_made_a_text(record.name):
        return ""
    _in_thread.is_noting = True
    try:
        items = dict_message(record)
        given = None if items is None else take_exception(record, items)
        exception = exception_to_note(record.exc_info, given)
        if items is None and exception is None:
            return ""
        message = record.getMessage()
        said = _JSON.encode({"message": [len(message), _checksum(message)], "items": items, "exception": exception})
        return said if len(said) <= _MOST_CHARACTERS else ""
    finally:
        _in_thread.is_noting = False


def _is_made_a_text(name: str) -> bool:
    """Whether a handler that makes one text of a record gets those of this logger.

    Not beside OpenTelemetry's own handler, which would send the note as an attribute, with what a filter has removed.
    """
    handlers = sys.modules.get("logging.handlers")
    if handlers is None:
        return False
    is_found = False
    for handler in handlers_of(name):
        if is_opentelemetrys(handler):
            return False
        is_found = is_found or isinstance(handler, (handlers.QueueHandler, handlers.SocketHandler))
    return is_found


def _checksum(text: str) -> int:
    return zlib.crc32(text.encode(errors="surrogatepass"))


def _base64(value: bytes) -> str:
    """As Dynatrace shows bytes, for which JSON has no form; nothing else of a plain value lacks one."""
    return base64.b64encode(value).decode()


_JSON = json.JSONEncoder(separators=(",", ":"), default=_base64)


def _task_name() -> str:
    asyncio = sys.modules["asyncio"]
    loop = asyncio._get_running_loop()  # noqa: SLF001  # the public one raises where none runs, for each record
    task = None if loop is None else asyncio.current_task(loop)
    name = None if task is None else task.get_name()
    return name if type(name) is str else ""
