"""Of a record that several handlers get, or that is logged while another one is handed over, one copy is sent."""

import copy
import logging
import sys
from collections.abc import Iterator
from logging.handlers import MemoryHandler, QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord

from dt_otlp_logs import DynatraceLoggingHandler
from handler.logged import Logged


@pytest.fixture(autouse=True)
def no_handler_left_behind(logged: Logged) -> Iterator[None]:
    yield
    logged.log.handlers = []


def without_pytests_handlers(logged: Logged) -> None:
    """They read each record, too: an argument that logs would do so once for each of them."""
    logged.log.handlers = [logged.handler]


@pytest.fixture
def child(logged: Logged) -> logging.Logger:
    """A logger below that of `logged`, with the same handler."""
    logger = logging.getLogger("handled.child")
    logger.handlers = [logged.handler]
    return logger


def contents(logged: Logged) -> list[Any]:
    return [record.log_record.body for record in logged.records]


def test_a_handler_in_between_that_logs_doubles_nothing(logged: Logged, child: logging.Logger) -> None:
    class Counting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name == child.name:
                logging.getLogger("handled.counts").info("counted")

    logged.log.handlers.insert(0, Counting())
    for number in range(3):
        child.info("order %d", number)
    assert contents(logged) == ["order 0", "counted", "order 1", "counted", "order 2", "counted"]


def test_an_argument_that_logs_doubles_nothing(logged: Logged, child: logging.Logger) -> None:
    without_pytests_handlers(logged)

    class Order:
        def __str__(self) -> str:
            child.info("read")
            return "42"

    child.info("order %s", Order())
    assert sorted(contents(logged)) == ["order 42", "read"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="filters may answer another record since Python 3.12")
def test_a_filter_that_answers_a_copy_doubles_nothing(logged: Logged, child: logging.Logger) -> None:
    logged.handler.addFilter(copy.copy)  # type: ignore[arg-type]
    child.info("once")
    assert contents(logged) == ["once"]


def test_beside_a_queue_handler_whose_listener_has_the_same_handler_nothing_is_doubled(logged: Logged) -> None:
    queue: SimpleQueue[Any] = SimpleQueue()
    logged.log.addHandler(QueueHandler(queue))  # type: ignore[arg-type]
    listener = QueueListener(queue, logged.handler)  # type: ignore[arg-type]
    listener.start()
    logged.log.info("once")
    listener.stop()
    assert contents(logged) == ["once"]


def test_beside_a_memory_handler_with_the_same_target_nothing_is_doubled(logged: Logged) -> None:
    memory = MemoryHandler(10, target=logged.handler)
    logged.log.addHandler(memory)
    logged.log.info("once")
    logged.log.info("and another")
    memory.flush()
    assert contents(logged) == ["once", "and another"]


def test_a_record_that_is_used_anew_with_another_message_is_sent_again(logged: Logged) -> None:
    record = logging.makeLogRecord({"name": "handled", "levelno": logging.INFO, "levelname": "INFO", "msg": "tick 0"})
    logged.handler.handle(record)
    record.msg = "tick 1"
    logged.handler.handle(record)
    logged.handler.handle(logging.makeLogRecord({**vars(record), "msg": "derived"}))
    assert contents(logged) == ["tick 0", "tick 1", "derived"]


def test_handlers_with_providers_of_their_own_each_send_it(logged: Logged) -> None:
    other = Logged()
    logged.log.handlers = [logged.handler, other.handler]
    logged.log.info("to both")
    assert (contents(logged), contents(other)) == (["to both"], ["to both"])


def test_records_inside_of_each_other_are_all_sent(logged: Logged) -> None:
    without_pytests_handlers(logged)

    class Inner:
        def __init__(self, depth: int) -> None:
            self.depth = depth

        def __str__(self) -> str:
            if self.depth:
                logged.log.info("inside %s", Inner(self.depth - 1))
            return str(self.depth)

    logged.log.info("inside %s", Inner(9))
    assert sorted(contents(logged)) == [f"inside {number}" for number in range(10)]


def test_one_that_logs_itself_comes_to_an_end_and_each_of_its_records_is_sent(logged: Logged) -> None:
    without_pytests_handlers(logged)

    class Endless:
        calls = 0

        def __str__(self) -> str:
            Endless.calls += 1
            logged.log.info("x %s", self, extra={"again": self})
            return "endless"

    logged.log.info(Endless())
    assert len(logged.records) == Endless.calls + 1 < 200
    assert "x %s [logged inside others, not read further]" in contents(logged)
    logged.exporter.clear()
    logged.log.info("and then %s", "as before")
    assert contents(logged) == ["and then as before"]


def test_a_processor_that_logs_comes_to_an_end() -> None:
    taken = []

    class Logging(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            taken.append(log_record.log_record.body)
            log.info("taken")

        def shutdown(self) -> None: ...

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return True

    provider = LoggerProvider()
    provider.add_log_record_processor(Logging())
    log = logging.getLogger("of a processor")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.handlers = [DynatraceLoggingHandler(logger_provider=provider)]
    log.info("first")
    assert taken == ["first", "taken", "taken"]


@pytest.mark.parametrize("name", ["requests_service", "opentelemetry_demo.cart", "urllib3000"])
def test_a_logger_whose_name_begins_like_a_librarys_is_the_applications(logged: Logged, name: str) -> None:
    log = logging.getLogger(name)
    log.handlers = [logged.handler]
    try:
        with suppress_instrumentation():
            log.error("ours")
    finally:
        log.handlers = []
    assert contents(logged) == ["ours"]


@pytest.mark.parametrize("name", ["requests", "urllib3.connectionpool", "opentelemetry.sdk"])
def test_what_libraries_log_while_exporting_is_not_sent(logged: Logged, name: str) -> None:
    log = logging.getLogger(name)
    log.handlers = [logged.handler]
    try:
        with suppress_instrumentation():
            log.error("theirs")
        log.error("of the application's own request")
    finally:
        log.handlers = []
    assert contents(logged) == ["of the application's own request"]


def test_what_a_library_logs_for_an_argument_is_sent(logged: Logged) -> None:
    without_pytests_handlers(logged)
    log = logging.getLogger("urllib3.connectionpool")
    log.handlers = [logged.handler]

    class Remote:
        def __str__(self) -> str:
            log.warning("retried")
            return "there"

    try:
        logged.log.info("is %s", Remote())
    finally:
        log.handlers = []
    assert sorted(contents(logged)) == ["is there", "retried"]
