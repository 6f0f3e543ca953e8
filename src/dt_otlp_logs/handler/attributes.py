"""The attributes of a `logging.LogRecord`: what the application gave it, where it was logged, what identifies it.

In this order, since the SDK keeps 128 attributes of a record unless told otherwise, and gives up the oldest.
Names: https://opentelemetry.io/docs/specs/semconv/registry/attributes/ (code, thread, process); asyncio has none there.
"""

import logging
import sys
import threading
from collections.abc import Mapping
from itertools import filterfalse, takewhile
from typing import Any

from opentelemetry.util.types import AnyValue

from dt_otlp_logs.encoding.names import Names
from dt_otlp_logs.encoding.plain_value import plain_name, words
from dt_otlp_logs.encoding.reserved_names import RECORD_NOTE, SENT_MARK
from dt_otlp_logs.handler.uniform_arrays import attribute_value

# What logging itself puts on a record (docs.python.org/3/library/logging.html, LogRecord attributes), what
# opentelemetry-instrumentation-logging injects beside the trace context that every record has anyway, and what
# structlog's `wrap_for_formatter` and `ProcessorFormatter` hand to themselves.
_NOT_EXTRA = frozenset(
    {
        *("args", "asctime", "created", "exc_info", "exc_text", "filename", "funcName", "levelname", "levelno"),
        *("lineno", "message", "module", "msecs", "msg", "name", "pathname", "process", "processName"),
        *("relativeCreated", "stack_info", "taskName", "thread", "threadName"),
        *("otelSpanID", "otelTraceID", "otelTraceSampled", "otelServiceName"),
        *("_logger", "_name", "_record", "_from_structlog"),
        RECORD_NOTE,
        SENT_MARK,
    }
)

# What a record begins with, all of it logging's: so it need not be looked at name by name.
_FIRST = [*takewhile(_NOT_EXTRA.__contains__, vars(logging.LogRecord("", 0, "", 0, "", (), None)))]

# uvicorn's loggers give the message once more, with ANSI colours, to its own formatter (uvicorn/logging.py).
_OF_UVICORN = "color_message"

# Which of the attributes that the application gave identify a record, as exceptions and Dynatrace's own keys do.
_OF_IDENTITY = ("dt.", "exception.", "log.raw_level")
# So few are kept by any limit, and need not be looked through.
_FEW = 16

# What logging writes where it did not look for the caller (`logging._srcfile = None`), and `makeLogRecord` without.
_UNKNOWN = ("(unknown file)", "(unknown function)", "", 0)


def record_attributes(
    values: dict[str, Any], items: Mapping[str, AnyValue] | None, identity: Mapping[str, AnyValue]
) -> dict[str, AnyValue]:
    """Everything a record says beside its message, time, severity and span.

    What the application gave wins over what was found out. Names that are no text become one, an empty name `_`; what
    would take another's place is kept as `overwritten1.<name>`. Never raises.

    Args:
        values: the record's own (`vars(record)`).
        items: the items of a message that is a dict.
        identity: what its exception and its level say.
    """
    extra = _extra(values)
    if items:
        extra = _with_items(items, extra)
    place = _place(values)
    # Below, a name that comes twice stands where it came first, with the value that came last.
    if len(extra) <= _FEW:
        return {**extra, **place, **identity, **extra} if identity else {**extra, **place, **extra}
    last = {name: extra.pop(name) for name in tuple(extra) if name.startswith(_OF_IDENTITY)}
    return {**extra, **place, **extra, **identity, **last}


def _extra(values: dict[str, Any]) -> dict[str, AnyValue]:
    extra: dict[str, AnyValue] = {}
    odd: list[tuple[object, object]] = []
    # A list: another thread may hand over the same record, and formatters write on it.
    names = list(values)
    if names[: len(_FIRST)] == _FIRST:
        del names[: len(_FIRST)]
    for name in filterfalse(_NOT_EXTRA.__contains__, names):
        value = values.get(name)
        kind = type(value)
        if type(name) is not str or not name:
            odd.append((name, value))
        elif kind is str or kind is float or kind is bool:
            extra[name] = value
        else:
            extra[name] = attribute_value(value)
    if _OF_UVICORN in extra and _is_uvicorns(values):
        del extra[_OF_UVICORN]
    for odd_name, value in odd:
        extra[Names(extra).free(plain_name(odd_name))] = attribute_value(value)
    return extra


def _is_uvicorns(values: Mapping[str, Any]) -> bool:
    logger = values.get("name")
    return type(logger) is str and logger.partition(".")[0] == "uvicorn"


def _with_items(items: Mapping[str, AnyValue], extra: dict[str, AnyValue]) -> dict[str, AnyValue]:
    attributes: dict[str, AnyValue] = {}
    taken = {**items, **extra}
    names = Names(taken)
    for name, value in items.items():
        kept = names.free(name) if name in extra else name
        attributes[kept] = taken[kept] = attribute_value(value)
    attributes.update(extra)
    return attributes


def _place(values: Mapping[str, Any]) -> dict[str, AnyValue]:
    """Code, thread, process and task; without what logging was told not to find out (`logging.logThreads = False`)."""
    get = values.get
    place = {
        "code.file.path": get("pathname"),
        "code.function.name": get("funcName"),
        "code.line.number": get("lineno"),
        "thread.id": get("thread"),
        "thread.name": get("threadName"),
        "process.pid": get("process"),
    }
    path, function, line, thread, thread_name, process_id = map(type, place.values())
    if not (
        path is function is thread_name is str and line is thread is process_id is int and place["code.line.number"]
    ):
        place = {name: attribute_value(value) for name, value in place.items()}
        place = {name: value for name, value in place.items() if value is not None and value not in _UNKNOWN}
    process = get("processName")
    if process is not None and (type(process) is not str or process != "MainProcess"):
        place["process.name"] = words(process)
    task = values["taskName"] if "taskName" in values else _task_here(values)
    if task is not None:
        place["asyncio.task.name"] = words(task)
    return place


def _task_here(values: Mapping[str, Any]) -> str | None:
    """The name of the task that runs in this thread: Python puts it on records from 3.12 on."""
    asyncio = sys.modules.get("asyncio")
    thread = values.get("thread")
    if asyncio is None or type(thread) is not int or thread != threading.get_ident():
        return None
    try:
        loop = asyncio._get_running_loop()  # noqa: SLF001  # the public one raises where none runs, for each record
        task = None if loop is None else asyncio.current_task(loop)
        return None if task is None else words(task.get_name())
    except Exception:  # noqa: BLE001  # asyncio is being imported, or the loop is of another kind
        return None
