"""From Python's logging to OpenTelemetry: a `logging.LogRecord` becomes a log record with all it says."""

import logging
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar

from opentelemetry._logs import Logger, LoggerProvider, LogRecord, NoOpLogger, get_logger_provider
from opentelemetry._logs.severity import SeverityNumber
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_current, get_value
from opentelemetry.util.types import AnyValue

from dt_otlp_logs.encoding.safe_text import safe_text

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

# Set by `pipeline`: the provider of the running pipeline, or of one configured from the environment. A hook, since
# imports go down only and the pipeline stands above its handler.
default_provider: Callable[[], LoggerProvider] | None = None


class DynatraceLoggingHandler(logging.Handler):
    """Hands every record to OpenTelemetry: message, typed `extra`, exception with stack, code location, trace context.

    Made without a provider (by `dictConfig`, say) it uses the running pipeline, or configures one from the
    environment when the first record comes. It never raises into the application and never waits.
    """

    def __init__(self, level: int | str = logging.NOTSET, logger_provider: LoggerProvider | None = None) -> None:
        super().__init__(level)
        self._provider = logger_provider
        self._loggers: dict[str, Logger] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record over; what goes wrong is `handleError`'s, as in every handler of the standard library."""
        # Our own requests, and whatever OpenTelemetry logs while it exports or takes a record, must not become
        # records: each would cause the next one.
        if get_value(_SUPPRESS_INSTRUMENTATION_KEY) or _emitting.get():
            return
        token = _emitting.set(True)
        try:
            logger = self._logger(record.name)
            if not isinstance(logger, NoOpLogger) and not self._is_sent_already(record):
                logger.emit(self._translate(record))
        except Exception:  # noqa: BLE001  # the contract of logging.Handler.emit
            self.handleError(record)
        finally:
            _emitting.reset(token)

    def _logger(self, name: str) -> Logger:
        logger = self._loggers.get(name)
        if logger is None:
            if self._provider is None:
                self._provider = default_provider() if default_provider else get_logger_provider()
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
            if any(is_opentelemetrys(other) and _provider_of(other) is self._provider for other in current.handlers):
                return True
            current = current.parent if current.propagate else None
        return False

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
            self.handleError(record)
            return f"{_words(record.msg)} [arguments not formatted: {safe_text(record.args)}; {safe_text(error)}]"


def is_opentelemetrys(handler: logging.Handler) -> bool:
    """Whether this is the handler of opentelemetry-instrumentation-logging, or the SDK's older one of the same name."""
    return type(handler).__name__ == "LoggingHandler" and type(handler).__module__.startswith("opentelemetry.")


def _provider_of(handler: logging.Handler) -> object:
    return getattr(handler, "_logger_provider", None)


def _severity(level: int) -> tuple[SeverityNumber, str]:
    for from_level, number, word in _SEVERITIES:
        if level >= from_level:
            # Levels in between (25) become the numbers in between (INFO4 at most).
            step = min((level - from_level), 3) if level < logging.CRITICAL + 4 else 3
            return SeverityNumber(number.value + step), word
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
            attributes[name] = _snapshot(value)
    event_name = None
    for name in _EVENT_NAMES:
        event_name = event_name or attributes.pop(name, None)
    if record.exc_info and record.exc_info[1] is not None:
        attributes.update(_exception(record.exc_info[1]))
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


def _snapshot(value: object, depth: int = 0) -> AnyValue:
    """The value as it is now, in types that OpenTelemetry takes without a warning."""
    if value is None or type(value) in (str, int, float, bool, bytes):
        return value  # type: ignore[return-value]  # just compared
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__index__(value)
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            return {_words(key): _snapshot(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [_snapshot(item, depth + 1) for item in value]
    return safe_text(value)


def _words(value: object) -> str:
    """What `str()` says, or something safe where that raises."""
    try:
        return str.__str__(str(value))
    except Exception:  # noqa: BLE001  # __str__ is the application's code
        return safe_text(value)
