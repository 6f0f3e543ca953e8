"""From Python's logging to OpenTelemetry: a `logging.LogRecord` becomes a log record with all it says."""

import importlib
import logging
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Mapping
from contextvars import ContextVar

from opentelemetry._logs import Logger, LoggerProvider, LogRecord, NoOpLogger
from opentelemetry._logs.severity import SeverityNumber
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_current, get_value
from opentelemetry.util.types import AnyValue

from dt_otlp_logs.encoding.safe_text import safe_text, type_name

# What logging itself puts on a record (docs.python.org/3/library/logging.html, LogRecord attributes), and what
# opentelemetry-instrumentation-logging injects beside the trace context that every record has anyway.
_NOT_EXTRA = frozenset(
    {
        *("args", "asctime", "created", "exc_info", "exc_text", "filename", "funcName", "levelname", "levelno"),
        *("lineno", "message", "module", "msecs", "msg", "name", "pathname", "process", "processName"),
        *("relativeCreated", "stack_info", "taskName", "thread", "threadName"),
        *("otelSpanID", "otelTraceID", "otelTraceSampled", "otelServiceName"),
    }
)
_EVENT_NAMES = ("otel.event.name", "event.name")

# Deep structures in `extra` are cut here; Dynatrace keeps five levels of nesting.
_DEEPEST = 16
# Lists and maps in one value: objects that point at each other would be copied over and over down to the last level.
_MOST_NODES = 1_000

# The words Dynatrace knows (loglevel in its semantic dictionary), from each level on; below DEBUG it is TRACE.
_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL, "CRITICAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
    (logging.DEBUG, SeverityNumber.DEBUG, "DEBUG"),
)
_STANDARD_NAMES = frozenset({"CRITICAL", "FATAL", "ERROR", "WARNING", "WARN", "INFO", "DEBUG"})

_emitting: ContextVar[bool] = ContextVar("dt_otlp_logs_emitting", default=False)

# The record that this thread handed over last, and to which provider: handlers get a record one after the other.
_last_sent = threading.local()

# Their records are about exporting when they come while exporting: each would cause the next one.
_OF_EXPORTING = ("urllib3", "requests", "opentelemetry", "httpx", "httpcore")

# Fills in for `pipeline`, which stands above its handler: answers the provider of the running pipeline, or of one that
# it configures from the environment; None while it is doing so in another thread, or after its shutdown.
_PIPELINE = "dt_otlp_logs.pipeline"


class DynatraceLoggingHandler(logging.Handler):
    """Hands every record to OpenTelemetry: message, typed `extra`, exception with stack, code location, trace context.

    Made without a provider (by `dictConfig`, say) it uses the running pipeline, or configures one from the
    environment when the first record comes. It never raises into the application and never waits.
    """

    def __init__(self, level: int | str = logging.NOTSET, logger_provider: LoggerProvider | None = None) -> None:
        super().__init__(level)
        self._given_provider = logger_provider
        self._provider = logger_provider
        self._loggers: dict[str, Logger] = {}

    def createLock(self) -> None:  # noqa: N802  # logging's name
        """No lock: emitting needs none, and the first record may import and start much that logs in other threads."""
        self.lock = _NoLock()  # type: ignore[assignment]  # as much of an RLock as logging uses

    @property
    def finds_its_provider(self) -> bool:
        """Whether it was made without a provider and follows the running pipeline."""
        return self._given_provider is None

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record over; what goes wrong is `handleError`'s, as in every handler of the standard library."""
        # Our own requests, and whatever OpenTelemetry logs while it exports or takes a record, must not become
        # records: each would cause the next one.
        if _emitting.get() or (get_value(_SUPPRESS_INSTRUMENTATION_KEY) and str(record.name).startswith(_OF_EXPORTING)):
            return
        token = _emitting.set(True)
        try:
            logger = self._logger(record.name)
            if logger is not None and not isinstance(logger, NoOpLogger) and not self._is_sent_already(record):
                logger.emit(self._translate(record))
        except Exception:  # noqa: BLE001  # the contract of logging.Handler.emit
            self._say_error(record)
        finally:
            _emitting.reset(token)

    def _say_error(self, record: logging.LogRecord) -> None:
        try:
            self.handleError(record)
        except Exception:  # noqa: BLE001  # it raises RecursionError on purpose, and may meet a broken __repr__
            pass

    def _logger(self, name: str) -> Logger | None:
        if self._given_provider is None:
            provider = _found_provider()
            if provider is not self._provider:
                self._provider = provider
                self._loggers = {}
        if self._provider is None:
            return None
        logger = self._loggers.get(name)
        if logger is None:
            logger = self._loggers[name] = self._provider.get_logger(name)
        return logger

    def _is_sent_already(self, record: logging.LogRecord) -> bool:
        """Whether another handler hands this very record to the same provider: one of ours, or OpenTelemetry's."""
        last, provider = getattr(_last_sent, "record", (None, None))
        if last is not None and last() is record and provider is self._provider:
            return True
        _last_sent.record = weakref.ref(record), self._provider
        named = logging.root.manager.loggerDict.get(record.name)
        current: logging.Logger | None = named if isinstance(named, logging.Logger) else logging.root
        while current is not None:
            if any(self._is_covered_by(other, record) for other in current.handlers):
                return True
            current = current.parent if current.propagate else None
        return False

    def _is_covered_by(self, other: logging.Handler, record: logging.LogRecord) -> bool:
        return (
            is_opentelemetrys(other)
            and getattr(other, "_logger_provider", None) is self._provider
            and record.levelno >= other.level
            and not other.filters  # which of them let this record through is not for us to find out
        )

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        attributes, event_name = _attributes(record)
        number, word = _severity(record.levelno)
        if record.levelname not in _STANDARD_NAMES:
            attributes["log.raw_level"] = record.levelname
        return LogRecord(
            timestamp=int(record.created * 1e9),
            observed_timestamp=time.time_ns(),
            context=get_current(),
            severity_text=word,
            severity_number=number,
            body=self._message(record),
            attributes=attributes,
            event_name=event_name,
        )

    def _message(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record) if self.formatter else record.getMessage()
        except Exception as error:  # noqa: BLE001  # arguments that do not fit, a __str__ that raises
            self._say_error(record)
            return f"{_words(record.msg)} [arguments not formatted: {safe_text(record.args)}; {safe_text(error)}]"


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


def _found_provider() -> LoggerProvider | None:
    pipeline = sys.modules.get(_PIPELINE)
    if pipeline is None:
        pipeline = importlib.import_module(_PIPELINE)
    elif getattr(pipeline.__spec__, "_initializing", False):
        # Another thread is importing it, and with it the SDK, whose resource detectors log in threads of their own:
        # to wait for that import here could be to wait for ever.
        return None
    provider: LoggerProvider | None = pipeline.provider_for_a_handler()
    return provider


def is_opentelemetrys(handler: logging.Handler) -> bool:
    """Whether this is the handler of opentelemetry-instrumentation-logging, or the SDK's older one of the same name."""
    return type(handler).__name__ == "LoggingHandler" and type(handler).__module__.startswith("opentelemetry.")


def _severity(level: int) -> tuple[SeverityNumber, str]:
    for from_level, number, word in _SEVERITIES:
        if level >= from_level:
            # Levels in between (25) become the numbers in between (INFO4 at most).
            return SeverityNumber(number.value + min(level - from_level, 3)), word
    return SeverityNumber.TRACE, "TRACE"


def _attributes(record: logging.LogRecord) -> tuple[dict[str, AnyValue], str | None]:
    attributes: dict[str, AnyValue] = {
        "code.file.path": record.pathname,
        "code.function.name": record.funcName,
        "code.line.number": record.lineno,
        "thread.id": record.thread,
        "thread.name": record.threadName,
    }
    for name, value in vars(record).items():
        if name not in _NOT_EXTRA:
            attributes[name] = _safe_snapshot(value)
    event_name = None
    for name in _EVENT_NAMES:
        event_name = event_name or attributes.pop(name, None)
    if record.exc_info and record.exc_info[1] is not None:
        attributes.update(_exception(record.exc_info[1]))
    elif record.exc_text:
        # A record that came from another process, as socket handlers send it.
        attributes["exception.stacktrace"] = record.exc_text
    if record.stack_info:
        attributes["code.stacktrace"] = record.stack_info
    return attributes, None if event_name is None else _words(event_name)


def _exception(error: BaseException) -> dict[str, AnyValue]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        stack = "".join(traceback.format_exception(error))
    except Exception as failure:  # noqa: BLE001  # an exception whose own text cannot be made
        stack = f"{name} (its traceback could not be formatted: {safe_text(failure)})"
    return {"exception.type": name, "exception.message": _words(error), "exception.stacktrace": stack}


def _safe_snapshot(value: object) -> AnyValue:
    try:
        return _snapshot(value, 0, [_MOST_NODES])
    except Exception:  # noqa: BLE001  # a Mapping of the application's that raises
        return safe_text(value)


def _snapshot(value: object, depth: int, nodes_left: list[int]) -> AnyValue:
    """The value as it is now, in types that OpenTelemetry takes without a warning."""
    if value is None or type(value) in (str, int, float, bool, bytes):
        return value  # type: ignore[return-value]  # just compared
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return safe_text(value)
    nodes_left[0] -= 1
    if depth >= _DEEPEST or nodes_left[0] <= 0:
        return f"<{type_name(value)} beyond what one value may hold>"
    if isinstance(value, Mapping):
        return {_words(key): _snapshot(item, depth + 1, nodes_left) for key, item in value.items()}
    return [_snapshot(item, depth + 1, nodes_left) for item in value]


def _words(value: object) -> str:
    """What `str()` says, or something safe where that raises."""
    try:
        return str.__str__(str(value))
    except Exception:  # noqa: BLE001  # __str__ is the application's code
        return safe_text(value)
