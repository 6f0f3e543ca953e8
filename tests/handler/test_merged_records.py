"""What `QueueHandler` and `SocketHandler` make one text of arrives as if no such handler had been in between."""

import asyncio
import copy
import datetime as dt
import json
import logging
import pickle
import sys
import uuid
from collections.abc import Callable
from enum import Enum
from logging.handlers import QueueHandler, SocketHandler
from queue import SimpleQueue
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from dt_otlp_logs.handler.trace_context import capture_trace_context
from handler.logged import KEEPS_MIXED_ARRAYS, Logged

NOTE = "_dt_otlp_logs_note"


class ToSocket(SocketHandler):
    """What a receiver would read, as the logging cookbook's does."""

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        super().__init__("127.0.0.1", 1)
        self.queue = queue

    def emit(self, record: logging.LogRecord) -> None:
        self.queue.put(logging.makeLogRecord(pickle.loads(self.makePickle(record)[4:])))


class ToProcess(QueueHandler):
    """As a queue of multiprocessing does it."""

    def enqueue(self, record: logging.LogRecord) -> None:
        self.queue.put(pickle.loads(pickle.dumps(record)))


WAYS: dict[str, Callable[[Any], logging.Handler]] = {"queue": QueueHandler, "process": ToProcess, "socket": ToSocket}


class Way:
    """A logger in front of a handler that merges; `received()` hands its records on to ours."""

    def __init__(self, logged: Logged, make: Callable[[Any], logging.Handler]) -> None:
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.logged = logged
        self.handler = make(self.queue)
        self.log = logged.log
        self.log.handlers = [self.handler]

    def received(self) -> dict[str, Any]:
        """The attributes of the one record, without the place."""
        self.logged.handler.handle(self.queue.get())
        found = self.logged.attributes
        return {name: value for name, value in found.items() if not name.startswith(("code.fi", "code.fu", "code.l"))}

    @property
    def body(self) -> Any:
        return self.logged.record.body


def as_ever(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if not name.startswith(("thread.", "process.", "asyncio."))}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, logged: Logged) -> Any:
    made = Way(logged, WAYS[request.param])
    yield made
    logged.log.handlers = []


@pytest.fixture
def queued(logged: Logged) -> Any:
    made = Way(logged, QueueHandler)
    yield made
    logged.log.handlers = []


class Colour(Enum):
    RED = "red"


class Order:
    """An object of the application's that cannot be pickled."""

    def __init__(self) -> None:
        self.connection = lambda: None

    def __str__(self) -> str:
        return "order 7"


def test_a_dict_message_gives_content_and_typed_attributes(way: Way) -> None:
    number = uuid.UUID(int=1)
    message = {
        "event": "paid",
        "n": 1,
        "amount": 9.5,
        "gift": False,
        "nothing": None,
        "nested": {"a": [1, 2]},
        "at": dt.date(2026, 1, 2),
        "id": number,
        "colour": Colour.RED,
        "order": Order(),
        "odd": "\ud800 ä\n{",
        "level": "gold",
    }
    way.log.info(message, extra={"key": "k"})
    message["n"] = 2
    found = as_ever(way.received())
    assert way.body == "paid"
    assert found == {
        "key": "k",
        "n": 1,
        "amount": 9.5,
        "gift": False,
        "nothing": None,
        "nested": {"a": (1, 2)},
        "at": "2026-01-02",
        "id": str(number),
        "colour": "red",
        "order": "order 7",
        "odd": "\ud800 ä\n{",
        "level": "gold",
    }


def test_numbers_and_bytes_for_which_json_has_no_words(way: Way) -> None:
    way.log.info({"event": "x", "inf": float("inf"), "big": 2**63 - 1, "raw": b"\xff\x00", "mixed": [1, "a"]})
    found = as_ever(way.received())
    # Base64 is how Dynatrace shows bytes.
    mixed = (1, "a") if KEEPS_MIXED_ARRAYS else ("1", "a")
    assert found == {"inf": float("inf"), "big": 2**63 - 1, "raw": "/wA=", "mixed": mixed}


def test_a_dict_message_without_any_text_is_json(way: Way) -> None:
    way.log.info({"order": 1})
    assert as_ever(way.received()) == {"order": 1}
    assert way.body == '{"order":1}'


def failing(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001
        return caught


class OutOfTeaError(Exception):
    pass


QUOTING = "the worker said:\nTraceback (most recent call last):\n  no more of it"


@pytest.mark.parametrize("stack_info", [False, True])
@pytest.mark.parametrize("message", ["failed", "", "two\nlines\n", "with\nTraceback (most recent call last):\nin it"])
@pytest.mark.parametrize(
    ("error", "name", "says"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError", "division by zero"),
        (OutOfTeaError("no tea"), f"{__name__}.OutOfTeaError", "no tea"),
        (KeyError(), "KeyError", ""),
        (ValueError(QUOTING), "ValueError", QUOTING),
        (ValueError("a: b\n\nE: c"), "ValueError", "a: b\n\nE: c"),
    ],
)
def test_an_exception_is_told_once_and_the_content_is_the_message(
    way: Way, error: BaseException, name: str, says: str, message: str, stack_info: bool
) -> None:
    way.log.error(message, exc_info=failing(error), stack_info=stack_info)
    found = way.received()
    assert way.body == message
    assert (found["exception.type"], found["exception.message"]) == (name, says)
    assert found["exception.stacktrace"].startswith("Traceback (most recent call last):\n  File ")
    assert found["exception.stacktrace"].rstrip().endswith(f"{name}: {says}".rstrip(": "))
    assert ("code.stacktrace" in found) == stack_info


def test_arguments_are_rendered_in_the_content(way: Way) -> None:
    way.log.error("%s of %d", "one", 2, exc_info=failing(ValueError("x")))
    way.received()
    assert way.body == "one of 2"


def test_an_exception_that_was_never_raised_has_no_frames_to_find_it_by(way: Way) -> None:
    way.log.error("failed", exc_info=ValueError("no tea"))
    found = way.received()
    assert way.body == "failed"
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "no tea")
    assert found["exception.stacktrace"] == "ValueError: no tea"


def test_what_logging_writes_without_an_exception_is_left_out(way: Way) -> None:
    way.log.exception("failed")  # noqa: LOG004
    found = way.received()
    assert way.body == "failed"
    assert not [name for name in found if name.startswith("exception.")]


def test_a_type_without_its_exception_is_named(way: Way) -> None:
    way.log.error("failed", exc_info=(ValueError, None, None))  # type: ignore[arg-type]
    found = way.received()
    assert (way.body, found["exception.type"], found["exception.stacktrace"]) == ("failed", "ValueError", "ValueError")


def test_a_dict_message_with_an_exception_gives_both(way: Way) -> None:
    way.log.error({"event": "failed", "n": 1}, exc_info=failing(ValueError(QUOTING)), stack_info=True)
    found = way.received()
    assert way.body == "failed"
    assert (found["n"], found["exception.type"], found["exception.message"]) == (1, "ValueError", QUOTING)
    assert found["exception.stacktrace"].startswith("Traceback (most recent call last):\n")
    assert found["code.stacktrace"].startswith("Stack (most recent call last):\n")


@pytest.mark.parametrize("given", [True, "exception", "tuple"])
def test_an_exception_that_only_the_dict_names_is_told(way: Way, given: object) -> None:
    try:
        {}["tea"]
    except KeyError as error:
        forms = {"exception": error, "tuple": sys.exc_info()}
        way.log.error({"event": "failed", "exc_info": forms.get(str(given), given)})
    found = way.received()
    assert (way.body, found["exception.type"], found["exception.message"]) == ("failed", "KeyError", "'tea'")
    assert '{}["tea"]' in found["exception.stacktrace"]
    assert "exc_info" not in found


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups and notes came with Python 3.11")
def test_notes_are_no_part_of_the_message_and_groups_are_told(way: Way) -> None:
    error = ExceptionGroup("many", [ValueError(1), KeyError("b")])  # type: ignore[name-defined,unused-ignore]  # noqa: F821
    error.add_note("a note")
    way.log.error("failed", exc_info=failing(error))
    found = way.received()
    assert way.body == "failed"
    assert (found["exception.type"], found["exception.message"]) == ("ExceptionGroup", "many (2 sub-exceptions)")
    for part in ("a note", "ValueError: 1", "KeyError: 'b'"):
        assert part in found["exception.stacktrace"]


def test_a_stack_alone_is_no_part_of_the_content(way: Way) -> None:
    way.log.info("here", stack_info=True)
    found = way.received()
    assert way.body == "here"
    assert found["code.stacktrace"].startswith("Stack (most recent call last):\n")


def test_a_traceback_that_the_author_wrote_stays_in_the_content(queued: Way) -> None:
    text = 'failed:\nTraceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nValueError: no tea'
    queued.log.error("%s", text)
    found = queued.received()
    assert queued.body == text
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "no tea")


def test_a_process_that_notes_nothing_gives_what_the_text_says(queued: Way) -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    queued.log.error("failed: %d", 5, exc_info=failing(ValueError("no tea")), stack_info=True)
    found = queued.received()
    assert queued.body == "failed: 5"
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "no tea")
    assert "code.stacktrace" in found


def test_a_text_of_which_one_cannot_tell_where_the_message_ends_stays_whole(queued: Way) -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    queued.log.error("failed", exc_info=failing(ValueError(QUOTING)))
    queued.received()
    assert queued.body.startswith("failed\nTraceback")
    assert queued.body.endswith("no more of it")


def test_our_handlers_own_formatter_writes_the_content(queued: Way) -> None:
    queued.logged.handler.setFormatter(logging.Formatter("<%(levelname)s> %(message)s"))
    queued.log.error({"event": "failed", "n": 1}, exc_info=failing(ValueError("x")))
    found = queued.received()
    assert queued.body.startswith("<ERROR> {'event': 'failed', 'n': 1}\nTraceback")
    assert (found["n"], found["exception.type"]) == (1, "ValueError")


def test_a_formatter_of_the_queue_handler_writes_the_content_but_for_the_traceback(queued: Way) -> None:
    queued.handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    queued.log.error("failed", exc_info=failing(ValueError("x")))
    found = queued.received()
    assert queued.body == "[ERROR] failed"
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "x")


def test_a_formatter_that_writes_below_the_message_loses_nothing(queued: Way) -> None:
    queued.handler.setFormatter(logging.Formatter("%(message)s\nby %(name)s"))
    queued.log.info({"event": "paid"})
    queued.received()
    assert queued.body == "{'event': 'paid'}\nby handled"


def secretless(record: logging.LogRecord) -> bool:
    if isinstance(record.msg, dict):
        record.msg["password"] = "***"
    else:
        record.msg = str(record.msg).replace("hunter2", "***")
    return True


@pytest.mark.parametrize("by", ["the logger's filter", "the handler's filter"])
def test_what_a_filter_has_taken_out_of_a_message_does_not_come_back(queued: Way, by: str) -> None:
    place: logging.Filterer = queued.log if by == "the logger's filter" else queued.handler
    place.addFilter(secretless)
    try:
        queued.log.info({"event": "login", "password": "hunter2"})
    finally:
        place.removeFilter(secretless)
    found = queued.received()
    assert "hunter2" not in f"{found} {queued.body}"
    assert queued.body == "{'event': 'login', 'password': '***'}"


def test_what_a_filter_has_taken_out_of_a_text_does_not_hide_its_exception(queued: Way) -> None:
    queued.handler.addFilter(secretless)
    queued.log.error("login with hunter2", exc_info=failing(ValueError("no tea")))
    found = queued.received()
    assert queued.body == "login with ***"
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "no tea")


def test_what_a_formatter_has_taken_out_of_an_exception_does_not_come_back(queued: Way) -> None:
    class Secretless(logging.Formatter):
        def formatException(self, ei: Any) -> str:  # noqa: N802
            return super().formatException(ei).replace("hunter2", "***")

    queued.handler.setFormatter(Secretless())
    queued.log.error("failed", exc_info=failing(ValueError("wrong: hunter2")))
    found = queued.received()
    assert "hunter2" not in str(found)
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "wrong: ***")


def test_an_exception_that_a_filter_has_taken_away_does_not_come_back(queued: Way) -> None:
    def without(record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True

    queued.handler.addFilter(without)
    queued.log.error("failed", exc_info=failing(ValueError("hunter2")))
    assert not [name for name in queued.received() if name.startswith("exception.")]


def note_of(logged: Logged, *arguments: Any, **options: Any) -> str:
    """What is noted on a record of a logger's."""
    kept: list[logging.LogRecord] = []
    keeper = logging.Handler()
    keeper.emit = kept.append  # type: ignore[method-assign]
    logged.log.addHandler(keeper)
    try:
        logged.log.error(*arguments, **options)
    finally:
        logged.log.removeHandler(keeper)
    note = vars(kept[0])[NOTE]
    assert type(note) is str
    return note


def test_without_a_handler_that_merges_nothing_is_noted_beside_the_span(logged: Logged) -> None:
    assert note_of(logged, {"event": "paid"}) == ""
    assert note_of(logged, "failed", exc_info=ValueError("x")) == ""


def test_of_an_ordinary_record_nothing_is_noted_beside_the_span(queued: Way) -> None:
    with TracerProvider().get_tracer("tests").start_as_current_span("one"):
        assert len(note_of(queued.logged, "text %d", 5)) == len(f"00-{0:032x}-{0:016x}-01")


def test_of_what_is_noted_no_attribute_is_made(way: Way) -> None:
    with TracerProvider().get_tracer("tests").start_as_current_span("one") as span:
        way.log.error({"event": "x"}, exc_info=failing(ValueError("x")))
    found = way.received()
    assert not [name for name in found if name.startswith("_")]
    assert way.logged.spans == [(span.get_span_context().trace_id, span.get_span_context().span_id)]


def test_opentelemetrys_own_handler_takes_the_note_for_a_text(queued: Way) -> None:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    other = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(other))
    queued.log.addHandler(LoggingHandler(logger_provider=provider))
    queued.log.error({"event": "x", "n": 1}, exc_info=failing(ValueError("x")))
    (sent,) = other.get_finished_logs()
    assert all(type(value) in (str, int) for value in dict(sent.log_record.attributes or {}).values())


def test_a_direct_record_with_a_note_has_the_whole_context(queued: Way) -> None:
    queued.log.addHandler(queued.logged.handler)
    with TracerProvider().get_tracer("tests").start_as_current_span("one") as span:
        queued.log.error({"event": "x"})
    assert queued.logged.record.body == "x"
    assert queued.logged.spans == [(span.get_span_context().trace_id, span.get_span_context().span_id)]


def test_a_handler_of_a_logger_above_counts(queued: Way) -> None:
    log = logging.getLogger("handled.below.it")
    log.info({"event": "paid", "n": 1})
    assert queued.received()["n"] == 1


def test_a_dict_beyond_64_thousand_characters_stays_a_text(queued: Way) -> None:
    queued.log.info({"event": "x", "text": "m" * 70_000})
    queued.received()
    assert queued.body.startswith("{'event': 'x', 'text': 'mmm")


class Telling:
    def __init__(self, log: logging.Logger) -> None:
        self.log = log
        self.read = 0

    def __repr__(self) -> str:
        self.read += 1
        try:
            raise ValueError("inside")
        except ValueError:
            self.log.exception({"event": "reading", "it": self})
        return "told"


def test_an_object_that_logs_itself_while_it_is_noted_comes_to_an_end(queued: Way) -> None:
    class Quiet(QueueHandler):
        def format(self, record: logging.LogRecord) -> str:
            return "x"

    queued.log.handlers = [Quiet(queued.queue)]
    telling = Telling(queued.log)
    queued.log.info({"event": "x", "it": telling})
    # Two readings note the record (its items, its text), each logs one record, which notes nothing.
    assert telling.read <= 2
    assert queued.queue.qsize() <= 3


class Unreadable(dict[str, int]):
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_a_message_that_cannot_be_noted_keeps_its_span(logged: Logged) -> None:
    class Unmoved(QueueHandler):
        def emit(self, record: logging.LogRecord) -> None: ...

    logged.log.handlers = [Unmoved(SimpleQueue())]  # type: ignore[arg-type]
    with TracerProvider().get_tracer("tests").start_as_current_span("one") as span:
        note = note_of(logged, Unreadable(a=1))
    context = span.get_span_context()
    assert note == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@pytest.mark.parametrize(
    "note",
    [
        "\n",
        "\n\n",
        "\n{",
        "\n[]\n",
        "\n{}\n",
        "\n5\n",
        '\n{"message":5,"items":{"a":1},"exception":null}\n',
        '\n{"message":["a"],"items":{"a":1},"exception":null}\n',
        '\n{"message":[-1,0],"items":{"a":1},"exception":null}\n',
        '\n{"message":[4,5],"items":{"a":1},"exception":5}\n',
        "\n" + "[" * 100_000 + "\n",
        5,
    ],
)
def test_a_note_of_another_form_costs_nothing_of_the_record(logged: Logged, note: object) -> None:
    record = logging.LogRecord("handled", logging.INFO, "x.py", 1, "text", None, None)
    vars(record).update({"message": "text", NOTE: note})
    logged.handler.handle(record)
    assert logged.record.body == "text"
    assert not {"a", NOTE} & logged.attributes.keys()


def test_a_note_with_values_of_another_kind_costs_nothing_of_the_record(queued: Way) -> None:
    queued.log.info({"event": "paid", "n": 1})
    record = queued.queue.get()
    span, said, task = vars(record)[NOTE].split("\n")
    for items in ([1], 5, "text", None):
        changed = copy.copy(record)
        vars(changed)[NOTE] = f"{span}\n{json.dumps({**json.loads(said), 'items': items})}\n{task}"
        queued.logged.handler.handle(changed)
    assert {each.log_record.body for each in queued.logged.records} == {"{'event': 'paid', 'n': 1}"}


def test_the_task_of_asyncio_is_that_of_the_place_where_it_was_logged(way: Way) -> None:
    async def work() -> None:
        way.log.info("working")

    async def main() -> None:
        await asyncio.create_task(work(), name="order 42\nof two lines")

    asyncio.run(main())
    way.log.info("outside")
    assert way.received()["asyncio.task.name"] == "order 42\nof two lines"
    assert way.body == "working"
    other = Logged()
    other.handler.handle(way.queue.get())
    assert "asyncio.task.name" not in other.attributes


def test_a_task_with_a_dict_message(way: Way) -> None:
    async def work() -> None:
        way.log.info({"event": "working", "n": 1})

    async def main() -> None:
        await asyncio.create_task(work(), name="T")

    asyncio.run(main())
    found = way.received()
    assert (way.body, found["n"], found["asyncio.task.name"]) == ("working", 1, "T")


def test_captured_without_a_handler_of_ours_as_in_a_child_process(logged: Logged) -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    capture_trace_context()
    way = Way(logged, ToProcess)
    way.log.error({"event": "failed", "n": 1}, exc_info=failing(ValueError("x")))
    found = way.received()
    assert (way.body, found["n"], found["exception.message"]) == ("failed", 1, "x")
    logged.log.handlers = []
