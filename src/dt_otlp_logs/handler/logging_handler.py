"""From Python's logging to OpenTelemetry: a `logging.LogRecord` becomes a log record with all it says."""

import logging
import sys
import threading
import time

from opentelemetry._logs import Logger, LoggerProvider, LogRecord, NoOpLogger, SeverityNumber, get_logger_provider
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.util.types import AnyValue

from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.encoding.plain_value import plain_value, words
from dt_otlp_logs.encoding.reserved_names import SENT_MARK
from dt_otlp_logs.encoding.safe_text import safe_text
from dt_otlp_logs.handler.arguments import arguments_text
from dt_otlp_logs.handler.attributes import record_attributes
from dt_otlp_logs.handler.destination import is_opentelemetrys
from dt_otlp_logs.handler.dict_message import dict_message, take_content, take_exception
from dt_otlp_logs.handler.exceptions import exception_attributes
from dt_otlp_logs.handler.loguru_message import LoguruRecord, logging_record
from dt_otlp_logs.handler.merged_record import merged_record
from dt_otlp_logs.handler.neighbours import handlers_of, is_sent_by, print_as_last_resort
from dt_otlp_logs.handler.pipeline_start import (
    be_ready_after_the_main_thread,
    count_lost,
    flush_if_late,
    keep_if_late,
    provider_of_the_pipeline,
)
from dt_otlp_logs.handler.sent_mark import is_sent, sent_mark
from dt_otlp_logs.handler.severity import severity_of
from dt_otlp_logs.handler.structlog_event import drop_repeated, take_event
from dt_otlp_logs.handler.trace_context import capture_trace_context, context_of
from dt_otlp_logs.handler.waiting_records import waiting_records

# The first is OpenTelemetry's (semantic conventions, `otel.event.name`), the second what came before it.
_EVENT_NAMES = ("otel.event.name", "event.name")

# A record may be logged while another one is read (by a `__str__` that asks a database) or taken (by a processor), or
# by a signal handler at any moment. Where each causes the next one, that would go on for ever: after so many inside of
# one record no code of the application's is called any more, and deeper than this no record of a processor's is taken.
_MOST_READ_INSIDE = 32
_MOST_LEVELS_TAKEN = 3

# `reading` and `taken`: how many records are read, and taken, in this thread at the moment, one inside another;
# `inside`: how many have been read inside of the outermost.
_in_thread = threading.local()

# Their records are about exporting when they come while exporting: each would cause the next one.
_OF_EXPORTING = ("urllib3", "requests", "opentelemetry", "httpx", "httpcore")
_PARTS_OF_EXPORTING = tuple(f"{name}." for name in _OF_EXPORTING)


_diagnostics = Diagnostics()


class DynatraceLoggingHandler(logging.Handler):
    """Hands every record to OpenTelemetry, so that it reads in Dynatrace as its author wrote it.

    Made without a provider (by `dictConfig`, say) it uses the running pipeline, or configures one from the
    environment when the first record comes; what other threads log meanwhile is sent afterwards. It never raises into
    the application and never waits for the network. What goes wrong is printed as every handler of the standard library
    does (`logging.raiseExceptions`), and the record is sent with a text in place of what could not be read.

    - **Content** is the message with its arguments, or what the handler's formatter makes of the record. A dict as
      message gives its items as attributes; content is the first text among its `message`, `msg`, `event`, `content`,
      `body` and `text`, else the dict as JSON.
    - **Attributes** are `extra` and the items of a dict message, with their types and nested, as they are at the call;
      `encoding.plain_value` says what becomes of dates, UUIDs, enums, dataclasses, models, arrays and the like. A
      name that both have is `extra`'s; the dict's value is then in `overwritten1.<name>`. An empty name becomes `_`.
      After them come `code.file.path`, `code.function.name`, `code.line.number`, `code.stacktrace` (`stack_info`),
      `thread.id`, `thread.name`, `process.pid`, `process.name` (of a multiprocessing child), `asyncio.task.name`,
      without what logging was told not to collect, and without those that `extra` gives itself. Last come
      `exception.*`, `log.raw_level` and whatever is named `dt.*`: the SDK keeps 128 attributes unless told otherwise
      (`OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`) and gives up the first.
    - **Exceptions** (`exc_info`) give `exception.type` with its module, `exception.message` (`str()` of it) and
      `exception.stacktrace` with causes, notes and groups. Where a `QueueHandler` or `SocketHandler` has made one text
      of message and exception, both are told apart again: by what was noted when the record was made, else by reading
      the text.
    - **Severity** is a word that Dynatrace knows and OpenTelemetry's number; levels below DEBUG are TRACE, those in
      between have the numbers in between. `log.raw_level` keeps the level's own name where that says anything else.
    - **Trace**: the span inside which the record was logged, also when a `QueueListener`, another thread or process
      hands it over; see `trace_context.capture_trace_context`, which the first handler calls. What
      opentelemetry-instrumentation-logging injects is not repeated as attributes. `dt.trace_id`, `dt.span_id` and
      `dt.trace_sampled` of a OneAgent are kept as they are given.
    - **Event name** is `otel.event.name` or `event.name` of `extra`.
    """

    def __init__(self, level: int | str = logging.NOTSET, logger_provider: LoggerProvider | None = None) -> None:
        super().__init__(level)
        capture_trace_context()
        self.keeps_last_resort = False
        """Whether `logging.lastResort` prints what no other handler gets, as where there is none at all."""
        if logger_provider is None:
            be_ready_after_the_main_thread()
        self._given_provider = logger_provider
        # The provider and its loggers, replaced together, since there is no lock.
        self._target: tuple[LoggerProvider | None, dict[str, Logger]] = (logger_provider, {})

    def createLock(self) -> None:  # noqa: N802  # logging's name
        """No lock: emitting needs none, and the first record may import and start much that logs in other threads."""
        self.lock = _NoLock()  # type: ignore[assignment]  # as much of an RLock as logging uses

    @property
    def finds_its_provider(self) -> bool:
        """Whether it was made without a provider and follows the running pipeline."""
        return self._given_provider is None

    def write(self, message: object) -> None:
        """Take a message from loguru: `logger.add(DynatraceLoggingHandler())`."""
        record = logging_record(message)
        if record is not None and record.levelno >= self.level:
            self.handle(record)

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit; the record counts as sent also where a filter answered another one (from Python 3.12 on)."""
        handled: object = super().handle(record)
        if isinstance(handled, logging.LogRecord) and handled is not record and SENT_MARK in vars(handled):
            vars(record)[SENT_MARK] = vars(handled)[SENT_MARK]
        return handled  # type: ignore[return-value]  # what logging answers

    def flush(self) -> None:
        """Do nothing: the pipeline delivers by itself, also at the end of the process.

        But for a handler without a provider whose first record came at that end, `logging.shutdown` delivers by this.
        """
        if self._given_provider is None:
            flush_if_late()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record over; what goes wrong is `handleError`'s, as in every handler of the standard library."""
        # Our own requests, and whatever OpenTelemetry logs while it exports or takes a record, must not become
        # records: each would cause the next one.
        name = record.name if type(record.name) is str else words(record.name)
        taken: int = getattr(_in_thread, "taken", 0)
        if _is_of_exporting(name) and (taken or get_value(_SUPPRESS_INSTRUMENTATION_KEY)):
            return
        if taken >= _MOST_LEVELS_TAKEN:
            count_lost(self._target[0], "logged by what takes log records, again and again")
            return
        try:
            provider, loggers = self._found_target()
            if provider is None:
                return
            logger = loggers.get(name)
            if logger is None:
                logger = loggers[name] = provider.get_logger(name)
            if isinstance(logger, NoOpLogger) or self._is_sent_already(record, name, provider):
                return
            translated = self._read(record)
            _in_thread.taken = taken + 1
            try:
                logger.emit(translated)
            finally:
                _in_thread.taken = taken
            if self.keeps_last_resort and all(map(_is_of_a_pipeline, handlers_of(name))):
                print_as_last_resort(record)
        except Exception as error:  # noqa: BLE001  # the contract of logging.Handler.emit
            self._say_error(record)
            count_lost(self._target[0], f"not taken: {type(error).__name__}")

    def _read(self, record: logging.LogRecord) -> LogRecord:
        reading = getattr(_in_thread, "reading", 0)
        _in_thread.inside = _in_thread.inside + 1 if reading else 0
        if _in_thread.inside > _MOST_READ_INSIDE:
            return _unread(record, "logged inside others, not read further")
        _in_thread.reading = reading + 1
        try:
            return self._translate(record)
        except Exception as error:  # noqa: BLE001  # the stack may be used up
            self._say_error(record)
            return _unread(record, f"not read further: {type(error).__name__}")
        finally:
            _in_thread.reading = reading

    def _say_error(self, record: logging.LogRecord) -> None:
        if sys.is_finalizing():
            # A `__del__` that logs when modules are gone already: a traceback of that would tell nobody anything.
            _diagnostics.once("Records that are logged while Python takes itself down are not exported.")
            return
        try:
            self.handleError(record)
        except Exception:  # noqa: BLE001  # it raises RecursionError on purpose, and may meet a broken __repr__
            pass

    def _found_target(self) -> tuple[LoggerProvider | None, dict[str, Logger]]:
        target = self._target
        if self._given_provider is None:
            provider = provider_of_the_pipeline()
            if provider is not target[0]:
                target = self._target = (provider, {})
                keep_if_late(self)
        return target

    def _is_sent_already(self, record: logging.LogRecord, name: str, provider: LoggerProvider) -> bool:
        """Whether another handler hands this very record to the same provider: one of ours, or OpenTelemetry's."""
        if isinstance(record, LoguruRecord):
            return False  # no logger of logging's has handled it
        mark = sent_mark(record, provider)
        if SENT_MARK in vars(record):
            marks = (mark, sent_mark(record, waiting_records)) if self._given_provider is None else (mark,)
            if is_sent(record, *marks):
                return True
        vars(record)[SENT_MARK] = mark
        # What waits will go to the global provider, if there is one.
        goes_to = get_logger_provider() if provider is waiting_records else provider
        return any(other is not self and is_sent_by(other, record, goes_to) for other in handlers_of(name))

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        number, word, raw_level = severity_of(record)
        merged = merged_record(record) if record.args is None else None
        items = dict_message(record) if merged is None else merged.items
        given, event, rendered = None, None, ""
        if items is not None:
            given = take_exception(record, items)
            event, rendered = take_event(vars(record), items)
        content, message = self._content(record, items, event)
        identity = exception_attributes(record, rendered or message, given)
        if merged is not None:
            identity.update(merged.attributes)
            if items is None and self.formatter is None:
                content = merged.message
        if raw_level is not None:
            identity["log.raw_level"] = raw_level
        attributes = record_attributes(vars(record), items, identity)
        if items is None and "structlog" in sys.modules:
            drop_repeated(vars(record), attributes)
        now = time.time_ns()
        try:
            time_unix_nano = int(record.created * 1e9)
        except Exception:  # noqa: BLE001  # a record that was put together by hand
            time_unix_nano = now
        return LogRecord(
            timestamp=time_unix_nano,
            observed_timestamp=now,
            context=context_of(record),
            severity_text=word,
            severity_number=number,
            body=content,
            attributes=attributes,
            event_name=_take_event_name(attributes),
        )

    def _content(
        self, record: logging.LogRecord, items: dict[str, AnyValue] | None, event: str | None
    ) -> tuple[str, str]:
        """The text to send, and the message without what a formatter puts around it."""
        if self.formatter is not None:
            try:
                return _plain_text(self.format(record)), words(vars(record).get("message", ""))
            except Exception:  # noqa: BLE001  # the message itself may still be readable
                self._say_error(record)
        if items is not None:
            return event or take_content(items), ""
        try:
            text = _plain_text(record.getMessage())
        except Exception as error:  # noqa: BLE001  # arguments that do not fit, a __str__ that raises
            if self.formatter is None:
                self._say_error(record)
            text = f"{words(record.msg)} [arguments not formatted: {arguments_text(record.args)}; {safe_text(error)}]"
        return text, text


def _is_of_exporting(name: str) -> bool:
    return name.startswith(_OF_EXPORTING) and (name in _OF_EXPORTING or name.startswith(_PARTS_OF_EXPORTING))


def _unread(record: logging.LogRecord, why: str) -> LogRecord:
    """What can be said of a record without calling anything of the application's."""
    fields = vars(record)
    message, is_ordinary = fields.get("msg"), type(record.levelno) is int and type(record.levelname) is str
    number, word, _ = severity_of(record) if is_ordinary else (SeverityNumber.INFO, "INFO", None)
    return LogRecord(
        timestamp=time.time_ns(),
        context=context_of(record),
        severity_text=word,
        severity_number=number,
        body=f"{message if type(message) is str else type(message).__name__} [{why}]",
    )


def _is_of_a_pipeline(handler: logging.Handler) -> bool:
    return isinstance(handler, DynatraceLoggingHandler) or is_opentelemetrys(handler)


class _NoLock:
    """Lets everybody in. None would do as well until Python 3.12; 3.13 enters whatever is there."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        pass


def _plain_text(text: object) -> str:
    """What a formatter answers: a text, or UTF-8 where it writes JSON by a library that makes bytes."""
    return text if type(text) is str else words(plain_value(text))


def _take_event_name(attributes: dict[str, AnyValue]) -> str | None:
    for name in _EVENT_NAMES:
        if name in attributes:
            event_name = attributes.pop(name)
            if event_name is not None:
                return words(event_name)
    return None
