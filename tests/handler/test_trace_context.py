"""The trace context of a record is that of the place where it was logged, whoever hands it over, and where."""

import asyncio
import copy
import gc
import json
import logging
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import MemoryHandler, QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.threading import ThreadingInstrumentor
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import TracerProvider

from dt_otlp_logs import DynatraceLoggingHandler
from dt_otlp_logs.handler.trace_context import capture_trace_context
from handler.logged import Logged

NO_SPAN = (0, 0)
tracer = TracerProvider().get_tracer("tests")


def ids(span: trace.Span) -> tuple[int, int]:
    return span.get_span_context().trace_id, span.get_span_context().span_id


def flags(span: trace.Span) -> int:
    return int(span.get_span_context().trace_flags)


@pytest.fixture
def queued(logged: Logged) -> Iterator[Callable[[], None]]:
    """The logger hands its records to a QueueListener's thread; the fixture's call waits for them."""
    queue: SimpleQueue[Any] = SimpleQueue()
    logged.log.removeHandler(logged.handler)
    to_queue = QueueHandler(queue)  # type: ignore[arg-type]
    logged.log.addHandler(to_queue)
    listener = QueueListener(queue, logged.handler)  # type: ignore[arg-type]
    listener.start()
    yield listener.stop
    logged.log.removeHandler(to_queue)


def test_a_record_is_linked_to_the_span_in_which_it_was_logged(logged: Logged) -> None:
    logged.log.info("before")
    with tracer.start_as_current_span("one") as one:
        logged.log.info("one")
        with tracer.start_as_current_span("two") as two:
            logged.log.info("two")
    assert logged.spans == [NO_SPAN, ids(one), ids(two)]
    assert [record.log_record.trace_flags for record in logged.records] == [0, flags(one), flags(two)]


def test_a_queue_keeps_the_span(logged: Logged, queued: Callable[[], None]) -> None:
    with tracer.start_as_current_span("one") as one:
        logged.log.info("one")
    with tracer.start_as_current_span("two") as two:
        logged.log.info("two")
    logged.log.info("none")
    queued()
    assert logged.spans == [ids(one), ids(two), NO_SPAN]
    assert [record.log_record.trace_flags for record in logged.records] == [flags(one), flags(two), 0]
    assert "_dt_otlp_logs_note" not in str(logged.records[0].log_record.attributes)


def test_a_memory_handler_that_is_flushed_elsewhere_keeps_the_span(logged: Logged) -> None:
    logged.log.removeHandler(logged.handler)
    memory = MemoryHandler(100, logging.CRITICAL, logged.handler)
    logged.log.addHandler(memory)
    try:
        with tracer.start_as_current_span("one") as one:
            logged.log.info("one")
        with tracer.start_as_current_span("two"):
            memory.flush()
    finally:
        logged.log.removeHandler(memory)
    assert logged.spans == [ids(one)]


def test_a_listener_that_was_started_inside_a_span_gives_it_to_no_record(logged: Logged) -> None:
    ThreadingInstrumentor().instrument()
    queue: SimpleQueue[Any] = SimpleQueue()
    listener = QueueListener(queue, logged.handler)  # type: ignore[arg-type]
    logged.log.removeHandler(logged.handler)
    to_queue = QueueHandler(queue)  # type: ignore[arg-type]
    logged.log.addHandler(to_queue)
    try:
        with tracer.start_as_current_span("start"):
            listener.start()
        logged.log.info("none")
        listener.stop()
    finally:
        ThreadingInstrumentor().uninstrument()
        logged.log.removeHandler(to_queue)
    assert logged.spans == [NO_SPAN]


def test_a_thread_has_the_spans_that_it_starts_itself(logged: Logged) -> None:
    found = []

    def work() -> None:
        logged.log.info("outside")
        with tracer.start_as_current_span("inside") as span:
            found.append(ids(span))
            logged.log.info("inside")

    with tracer.start_as_current_span("of the starter"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert logged.spans == [NO_SPAN, *found]


def test_with_the_instrumentation_of_threads_they_inherit_it(logged: Logged) -> None:
    ThreadingInstrumentor().instrument()
    try:
        with tracer.start_as_current_span("of the starter") as span, ThreadPoolExecutor(1) as pool:
            pool.submit(logged.log.info, "x").result()
    finally:
        ThreadingInstrumentor().uninstrument()
    assert logged.spans == [ids(span)]


def test_executors_and_tasks_by_way_of_a_queue(logged: Logged, queued: Callable[[], None]) -> None:
    found: dict[str, tuple[int, int]] = {}

    def work(name: str) -> None:
        with tracer.start_as_current_span(name) as span:
            found[name] = ids(span)
            logged.log.info(name)

    async def task(name: str) -> None:
        with tracer.start_as_current_span(name) as span:
            await asyncio.sleep(0)
            found[name] = ids(span)
            logged.log.info(name)
            await asyncio.sleep(0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with tracer.start_as_current_span("main") as span:
            found["to_thread"] = ids(span)
            await asyncio.to_thread(logged.log.info, "to_thread")
        await asyncio.gather(*(task(f"task {n}") for n in range(5)), loop.run_in_executor(None, work, "executor"))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, [f"pool {n}" for n in range(20)]))
    asyncio.run(main())
    queued()
    assert {
        str(record.log_record.body): span for record, span in zip(logged.records, logged.spans, strict=True)
    } == found
    assert len(found) == 27


def test_a_copy_and_a_pickle_keep_it_as_a_short_text(logged: Logged) -> None:
    with tracer.start_as_current_span("one") as one:
        record = logged.log.makeRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
    logged.handler.handle(copy.copy(record))
    logged.handler.handle(pickle.loads(pickle.dumps(record)))
    logged.handler.handle(logging.makeLogRecord(json.loads(json.dumps(vars(record)))))  # as socket receivers do
    assert logged.spans == [ids(one)] * 3


def test_what_comes_from_elsewhere_gets_no_span_of_the_place_that_reads_it(logged: Logged) -> None:
    other = logging.LogRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
    other.process = 1
    with tracer.start_as_current_span("the reader's"):
        logged.handler.handle(logging.makeLogRecord(vars(other)))
    assert logged.spans == [NO_SPAN]


def test_a_record_made_by_hand_has_the_current_span(logged: Logged) -> None:
    with tracer.start_as_current_span("one") as one:
        logged.handler.handle(logging.LogRecord("handled", logging.INFO, "x.py", 1, "x", (), None))
        logged.handler.handle(logging.makeLogRecord({"msg": "x", "levelno": 20}))
    assert logged.spans == [ids(one), ids(one)]


def test_nothing_of_the_span_stays_alive(logged: Logged) -> None:
    with tracer.start_as_current_span("one") as span:
        record = logged.log.makeRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
        gone = weakref.ref(span)
    del span
    gc.collect()
    assert gone() is None
    logged.handler.handle(record)
    assert logged.spans != [NO_SPAN]


def test_formatters_that_print_extra_do_not_see_it(logged: Logged) -> None:
    with tracer.start_as_current_span("one"):
        record = logged.log.makeRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
    plain = vars(logging.LogRecord("handled", logging.INFO, "x.py", 1, "x", (), None))
    (added,) = set(vars(record)) - set(plain)
    assert added.startswith("_")
    # A text: integers of 128 bits among the attributes cost OpenTelemetry's exporter a whole batch.
    assert type(vars(record)[added]) is str


def test_without_a_span_that_is_noted_and_no_attribute(logged: Logged) -> None:
    logged.log.info("x")
    assert not [name for name in logged.attributes if name.startswith("_")]
    record = logged.log.makeRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
    assert [value for name, value in vars(record).items() if name.startswith("_")] == [""]
    token = context.attach(baggage.set_baggage("a", "b"))
    try:
        record = logged.log.makeRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
    finally:
        context.detach(token)
    assert [value for name, value in vars(record).items() if name.startswith("_")] == [""]


def test_a_record_made_outside_of_a_span_and_handed_over_inside_one_has_none(logged: Logged) -> None:
    waiting = MemoryHandler(100, flushLevel=logging.CRITICAL, target=logged.handler)
    waiting.handle(logged.log.makeRecord("handled", logging.INFO, "x.py", 1, "at start", (), None))
    with TracerProvider().get_tracer("test").start_as_current_span("request"):
        waiting.flush()
    assert not logged.record.trace_id


def test_capturing_again_changes_nothing() -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    capture_trace_context()
    once = logging.getLogRecordFactory()
    for _ in range(3):
        capture_trace_context()
        DynatraceLoggingHandler()
    assert logging.getLogRecordFactory() is once


def test_many_threads_may_capture_at_once(logged: Logged) -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: capture_trace_context(), range(100)))
    with tracer.start_as_current_span("one") as one:
        record = logged.log.makeRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
    logged.handler.handle(record)
    assert logged.spans == [ids(one)]


class OwnRecord(logging.LogRecord):
    """A record class of the application's."""


def test_a_factory_that_was_set_before_is_used(logged: Logged) -> None:
    logging.setLogRecordFactory(OwnRecord)
    capture_trace_context()
    with tracer.start_as_current_span("one") as one:
        record = logged.log.makeRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
    assert type(record) is OwnRecord
    logged.handler.handle(record)
    assert logged.spans == [ids(one)]


def test_a_factory_that_is_set_later_leaves_what_is_known_in_the_same_thread(
    logged: Logged, queued: Callable[[], None]
) -> None:
    logging.setLogRecordFactory(OwnRecord)
    logged.log.addHandler(logged.handler)
    with tracer.start_as_current_span("one") as one:
        logged.log.info("x")
    logged.log.removeHandler(logged.handler)
    queued()
    # By the handler itself with the span; the listener's thread knows none, and claims none.
    assert sorted(logged.spans) == sorted([ids(one), NO_SPAN])


class Slotted:
    """What an odd factory may make of a record."""

    __slots__ = ("name",)


def test_a_factory_that_makes_something_else_is_not_disturbed() -> None:
    logging.setLogRecordFactory(lambda *_: Slotted())  # type: ignore[arg-type,return-value]
    capture_trace_context()
    with tracer.start_as_current_span("one"):
        assert type(logging.getLogRecordFactory()("a", 20, "x.py", 1, "x", (), None)) is Slotted


@pytest.mark.parametrize("ours_first", [True, False])
def test_beside_the_instrumentation_of_logging(ours_first: bool) -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    if ours_first:
        capture_trace_context()
    LoggingInstrumentor().instrument(inject_trace_context=True, enable_log_auto_instrumentation=False)
    logged = Logged()
    queue: SimpleQueue[Any] = SimpleQueue()
    logged.log.handlers = [QueueHandler(queue), logged.handler]  # type: ignore[arg-type]
    try:
        with tracer.start_as_current_span("one") as one:
            logged.log.info("x")
    finally:
        logged.log.handlers = []
        LoggingInstrumentor().uninstrument()
    logged.handler.handle(queue.get())
    assert logged.spans == [ids(one), ids(one)]
    for record in logged.records:
        assert not [name for name in record.log_record.attributes if name.startswith("otel")]


TRACE_ID, SPAN_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0x00F067AA0BA902B7


def injected(**fields: object) -> dict[str, Any]:
    return {"otelTraceID": f"{TRACE_ID:032x}", "otelSpanID": f"{SPAN_ID:016x}", "otelTraceSampled": True, **fields}


@pytest.mark.parametrize("sampled", [True, False])
def test_injected_ids_are_used_where_nothing_else_is_known(logged: Logged, sampled: bool) -> None:
    found = logged.handle(**injected(otelTraceSampled=sampled, otelServiceName="shop"))
    assert logged.spans == [(TRACE_ID, SPAN_ID)]
    assert logged.record.trace_flags == int(sampled)
    assert not [name for name in found if name.startswith("otel")]


def test_the_current_span_goes_before_injected_ids(logged: Logged) -> None:
    with tracer.start_as_current_span("one") as one:
        logged.handle(**injected())
    assert logged.spans == [ids(one)]


def test_what_the_record_remembers_goes_before_the_current_span(logged: Logged) -> None:
    with tracer.start_as_current_span("one"):
        logged.handle(**injected(), _dt_otlp_logs_note=f"00-{TRACE_ID:032x}-{SPAN_ID:016x}-00")
    assert logged.spans == [(TRACE_ID, SPAN_ID)]
    assert logged.record.trace_flags == 0


@pytest.mark.parametrize(
    "fields",
    [
        injected(otelTraceID="0", otelSpanID="0"),
        injected(otelTraceID="0" * 32),
        injected(otelSpanID="0" * 16),
        injected(otelSpanID=None),
        injected(otelTraceID=TRACE_ID),
        injected(otelTraceID="x" * 32),
        injected(otelTraceID=f"{TRACE_ID:032x}\n"),
        injected(otelSpanID="٣" * 16),
        {"otelTraceID": f"{TRACE_ID:032x}"},
        {"_dt_otlp_logs_note": 5},
        {"_dt_otlp_logs_note": ""},
        {"_dt_otlp_logs_note": (TRACE_ID, SPAN_ID, 1)},
        {"_dt_otlp_logs_note": f"00-{0:032x}-{0:016x}-01"},
        {"_dt_otlp_logs_note": f"00-{TRACE_ID:032x}-{SPAN_ID:016x}-xx"},
    ],
)
def test_ids_that_are_none_are_not_used(logged: Logged, fields: dict[str, object]) -> None:
    logged.handle(**fields)
    assert logged.spans == [NO_SPAN]


def test_the_ids_of_a_oneagent_are_kept_as_they_are(logged: Logged) -> None:
    given = {"dt.trace_id": f"{TRACE_ID:032x}", "dt.span_id": f"{SPAN_ID:016x}", "dt.trace_sampled": True}
    logged.log.info("x", extra=given)
    assert {name: value for name, value in logged.attributes.items() if name.startswith("dt.")} == given
    assert type(logged.attributes["dt.trace_sampled"]) is bool


def test_processors_see_the_whole_context_where_it_is_the_records_own() -> None:
    class Baggage(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            seen.append(baggage.get_baggage("user", log_record.log_record.context))

        def shutdown(self) -> None: ...

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return True

    seen: list[object] = []
    provider = LoggerProvider()
    provider.add_log_record_processor(Baggage())
    handler = DynatraceLoggingHandler(logger_provider=provider)
    log = logging.getLogger("with baggage")
    with tracer.start_as_current_span("one"):
        token = context.attach(baggage.set_baggage("user", "Ada"))
        record = log.makeRecord("x", logging.INFO, "x.py", 1, "x", (), None)
        queued = copy.copy(record)
        handler.handle(record)
        context.detach(token)
    token = context.attach(baggage.set_baggage("user", "Bob"))
    handler.handle(queued)
    context.detach(token)
    assert seen == ["Ada", None], "nobody else's"
