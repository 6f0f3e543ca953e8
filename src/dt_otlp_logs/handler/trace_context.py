"""The span inside which a record was logged, also when another thread or process hands it over."""

import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from dt_otlp_logs.encoding.reserved_names import RECORD_NOTE
from dt_otlp_logs.handler.record_note import IS_TASK_UNKNOWN, note_beside_span

_IS_OURS = "_dt_otlp_logs_captures_trace_context"

# https://www.w3.org/TR/trace-context/#traceparent-header. A text, since every exporter can send one: another
# library's handler may take it for an attribute, and integers of 128 bits cost the stock exporter a whole batch.
_TRACE_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

# What opentelemetry-instrumentation-logging injects: ids as hexadecimal digits, "0" outside of a span.
_HEX_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_HEX_SPAN_ID = re.compile(r"[0-9a-f]{16}")

# Ids and flags alone, no span.
_last_written: tuple[SpanContext | None, str] = (None, "")

# Noted, too: whoever hands the record over may do so inside a span that has nothing to do with it.
_NO_SPAN = ""

_WITHOUT_SPAN = set_span_in_context(INVALID_SPAN, Context())


def capture_trace_context() -> None:
    """From now on a record that is logged inside a span remembers that span, wherever it is handed over.

    So `QueueHandler` and `QueueListener`, also between processes, `MemoryHandler` and the like keep a record's trace.
    Where a `QueueHandler` or `SocketHandler` is attached, a dict message and an exception are remembered, too, since
    these make a text of them; in asyncio, before Python 3.12, the task.
    Every `DynatraceLoggingHandler` calls this; only records made before, or past logging's record factory, go
    without. It wraps the factory that is set (`logging.setLogRecordFactory`), as
    opentelemetry-instrumentation-logging does, before or after. An application that sets another factory afterwards
    without calling the one before takes it away: then a record has the span that is current where it is handed
    over, if that happens in the thread that logged it, or the one that the instrumentation noted on it.

    A thread that is started inside a span does not inherit it: that is opentelemetry-instrumentation-threading's job.
    May be called from any thread, and again at any time. The record keeps a short text and no span alive.
    """
    # Without a lock, which a fork could leave locked: two threads at once may wrap twice, and the same is noted twice.
    factory = logging.getLogRecordFactory()
    if getattr(factory, _IS_OURS, False) is True:
        return

    def record_with_trace_context(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        if args and args[0] is not None:  # `makeLogRecord` names none: it brings back another's record
            try:
                _note(record, get_current())
            except Exception:  # noqa: BLE001  # a record of the application's own making
                pass
        return record

    setattr(record_with_trace_context, _IS_OURS, True)
    logging.setLogRecordFactory(record_with_trace_context)


def _note(record: logging.LogRecord, context: Context) -> None:
    span = get_current_span(context).get_span_context() if context else None
    values = vars(record)
    values[RECORD_NOTE] = trace_parent = _NO_SPAN if span is None or not span.is_valid else _trace_parent(span)
    if type(values["msg"]) is not str or values["exc_info"] or (IS_TASK_UNKNOWN and "asyncio" in sys.modules):
        values[RECORD_NOTE] = trace_parent + note_beside_span(record)


def _trace_parent(span: SpanContext) -> str:
    """A span's `traceparent`, written once for the records that follow each other in it."""
    global _last_written
    known, text = _last_written
    if known is not span:
        text = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
        _last_written = (span, text)
    return text


def context_of(record: logging.LogRecord) -> Context:
    """The context in which a record was logged: the current one where that is the same, else one with its span alone.

    What the record remembers comes first, then the current span of the thread that logged it, then what
    opentelemetry-instrumentation-logging injected.
    """
    current = get_current()
    values = vars(record)
    noted = values.get(RECORD_NOTE)
    if type(noted) is str and "\n" in noted:
        noted = noted.partition("\n")[0]
    is_without = type(noted) is str and noted == _NO_SPAN
    if not current and (is_without or (noted is None and "otelTraceID" not in values)):
        return current
    here = get_current_span(current).get_span_context()
    if is_without:
        return _WITHOUT_SPAN if here.is_valid else current
    if here.is_valid and type(noted) is str and noted == _trace_parent(here):
        return current
    there = _noted(noted)
    if there is None:
        if here.is_valid and _was_logged_here(values):
            return current
        there = _injected(values)
    if there is None:
        return _WITHOUT_SPAN if here.is_valid else current
    return set_span_in_context(NonRecordingSpan(there), Context())


def _was_logged_here(values: Mapping[str, Any]) -> bool:
    thread, process = values.get("thread"), values.get("process")  # None where logging was told not to collect them
    return (thread is None or (type(thread) is int and thread == threading.get_ident())) and (
        process is None or (type(process) is int and process == os.getpid())
    )


def _noted(text: object) -> SpanContext | None:
    match = _TRACE_PARENT.fullmatch(text) if type(text) is str else None
    return _span_context(match[1], match[2], int(match[3], 16)) if match else None


def _injected(values: Mapping[str, Any]) -> SpanContext | None:
    trace_id, span_id = values.get("otelTraceID"), values.get("otelSpanID")
    if type(trace_id) is not str or type(span_id) is not str:
        return None
    if not _HEX_TRACE_ID.fullmatch(trace_id) or not _HEX_SPAN_ID.fullmatch(span_id):
        return None
    is_sampled = values.get("otelTraceSampled") is True
    return _span_context(trace_id, span_id, TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)


def _span_context(trace_id: str, span_id: str, flags: int) -> SpanContext | None:
    context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(flags))
    return context if context.is_valid else None
