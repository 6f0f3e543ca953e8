"""The span inside which a record was logged, however it gets to the handler.

Sources: "Ingest OTLP logs" and "Log enrichment" (dt.trace_id), docs.dynatrace.com; W3C trace context (ids in hex).
"""

import asyncio
import contextvars
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from logging.handlers import MemoryHandler, QueueHandler, QueueListener

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from records.row import Row, Source

TRACE_ID, SPAN_ID = 0x0123456789ABCDEF0123456789ABCDEF, 0x0123456789ABCDEF
LINK = {"trace_id": f"{TRACE_ID:032x}", "span_id": f"{SPAN_ID:016x}"}
NO_LINK = tuple(LINK)


@contextmanager
def span(flags: int = TraceFlags.SAMPLED, trace_id: int = TRACE_ID, span_id: int = SPAN_ID) -> Iterator[None]:
    context = SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(flags))
    with trace.use_span(NonRecordingSpan(context)):
        yield


def log(source: Source) -> None:
    source.log.info("kept", extra=source.extra())


def inside(source: Source) -> None:
    with span():
        log(source)


def unsampled(source: Source) -> None:
    with span(flags=0):
        log(source)


def invalid(source: Source) -> None:
    with span(trace_id=0, span_id=0):
        log(source)


def emitted(source: Source) -> None:
    with span():
        source.otel.emit(body="kept", attributes=source.extra())


def in_thread(source: Source) -> None:
    """Started with the span's context, as opentelemetry-instrumentation-threading does."""
    with span():
        context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(log, source), name="worker-7")
    thread.start()
    thread.join()


def in_executor(source: Source) -> None:
    with span(), ThreadPoolExecutor(1, "pool") as executor:
        executor.submit(contextvars.copy_context().run, log, source).result()


def thread_without_context(source: Source) -> None:
    """A new thread is not inside the span unless something carries it over."""
    with span():
        thread = threading.Thread(target=log, args=(source,), name="worker-8")
        thread.start()
        thread.join()


def in_task(source: Source) -> None:
    async def main() -> None:
        with span():
            await asyncio.create_task(work(), name="checkout-7")

    async def work() -> None:
        await asyncio.sleep(0)
        log(source)

    asyncio.run(main())


def in_to_thread(source: Source) -> None:
    async def main() -> None:
        with span():
            await asyncio.to_thread(log, source)

    asyncio.run(main())


@contextmanager
def handlers(source: Source, handler: logging.Handler) -> Iterator[list[logging.Handler]]:
    """The logger with another handler in place of ours, which the other one may hand over to."""
    own, source.log.handlers = source.log.handlers, [handler]
    try:
        yield own
    finally:
        source.log.handlers = own


def by_queue(source: Source) -> None:
    waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    with handlers(source, QueueHandler(waiting)) as own:  # type: ignore[arg-type]
        listener = QueueListener(waiting, *own)  # type: ignore[arg-type]
        listener.start()
        inside(source)
        listener.stop()


def by_memory(source: Source) -> None:
    buffer = MemoryHandler(100)
    with handlers(source, buffer) as own:
        buffer.setTarget(own[0])
        inside(source)
        with span(trace_id=7, span_id=7):
            buffer.flush()
        buffer.setTarget(None)
        buffer.close()


def linked(id_: str, call: Callable[[Source], None], **expected: object) -> Row:
    return Row(f"trace-{id_}", call, {"content": "kept", **LINK, **expected})


def unlinked(id_: str, call: Callable[[Source], None]) -> Row:
    return Row(f"trace-{id_}", call, {"content": "kept"}, NO_LINK)


def noted(source: Source) -> None:
    """What opentelemetry-instrumentation-logging puts on each record is not repeated as attributes."""
    injected = {"otelTraceID": LINK["trace_id"], "otelSpanID": LINK["span_id"], "otelServiceName": "shop"}
    with span():
        source.log.info("kept", extra=source.extra(otelTraceSampled=True, **injected))


ONE_AGENT = {"dt.trace_id": "a" * 32, "dt.span_id": "b" * 16, "dt.trace_sampled": "true"}

ROWS: list[Row] = [
    linked("inside", inside),
    linked("unsampled", unsampled),
    linked("emitted", emitted),
    linked("thread", in_thread, **{"thread.name": "worker-7"}),
    linked("executor", in_executor),
    linked("task", in_task, **{"asyncio.task.name": "checkout-7"}),
    linked("to-thread", in_to_thread),
    linked("queue", by_queue),
    linked("memory", by_memory),
    unlinked("none", log),
    unlinked("invalid", invalid),
    unlinked("thread-without-context", thread_without_context),
    Row("trace-injected", noted, {"content": "kept", **LINK}, ("otelTraceID", "otelSpanID", "otelTraceSampled")),
    Row(
        "trace-oneagent",
        lambda source: source.log.info("kept", extra=source.extra(**ONE_AGENT)),
        {"content": "kept", **ONE_AGENT},
    ),
]
