"""OpenTelemetry's own way from structlog to a provider, beside which our handler sends nothing twice."""

import functools
import importlib.util
import logging
from collections.abc import Callable
from typing import Any

from opentelemetry._logs import LoggerProvider

from dt_otlp_logs.handler import DynatraceLoggingHandler, is_opentelemetrys
from dt_otlp_logs.handler.destination import provider_behind

_STRUCTLOG_INSTRUMENTATION = "opentelemetry.instrumentation.structlog"
# structlog's methods that are no level's name (structlog.stdlib.BoundLogger).
_LEVELS = {"exception": logging.ERROR, "fatal": logging.CRITICAL, "warn": logging.WARNING}

_is_wrapped = False


def send_structlog_events_once(running: Callable[[], LoggerProvider | None]) -> None:
    """Let an event of structlog be sent by opentelemetry-instrumentation-structlog or by a handler, not by both.

    The instrumentation sends every event as it passes structlog's processors. Where structlog hands it on to
    logging, and a handler there sends it to the same provider, the instrumentation's record is left out: the
    handler's says more (where in the code, which thread). Once for each process.
    """
    global _is_wrapped
    if _is_wrapped:
        return
    _is_wrapped = True
    try:
        if importlib.util.find_spec(_STRUCTLOG_INSTRUMENTATION) is None:
            return
        # Imported here even if the application will do so later: it may instrument structlog before or after us.
        processor = importlib.import_module(_STRUCTLOG_INSTRUMENTATION).StructlogProcessor
        processor.__call__ = _unless_logging_sends_it(processor.__call__, running)
    except Exception:  # noqa: BLE001  # no instrumentations, no structlog, or a version of another making: it stays
        pass


def _unless_logging_sends_it(
    send: Callable[..., Any], running: Callable[[], LoggerProvider | None]
) -> Callable[..., Any]:
    @functools.wraps(send)
    def send_unless_logging_does(processor: Any, logger: Any, method: str, event: Any) -> Any:
        if isinstance(logger, logging.Logger):
            provider = provider_behind(processor)
            if provider is not None and _sends(logger, _level(method), provider, running()):
                return event
        return send(processor, logger, method, event)

    return send_unless_logging_does


def _level(method: str) -> int:
    level = _LEVELS.get(method, logging.getLevelName(method.upper()))
    return level if isinstance(level, int) else logging.NOTSET


def _sends(logger: logging.Logger, level: int, provider: LoggerProvider, running: LoggerProvider | None) -> bool:
    """Whether some handler hands a record of that logger and level to the provider."""
    if not logger.isEnabledFor(level) or logger.filters:
        return False
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            if level >= handler.level and not handler.filters and _destination(handler, running) is provider:
                return True
        current = current.parent if current.propagate else None
    return False


def _destination(handler: logging.Handler, running: LoggerProvider | None) -> LoggerProvider | None:
    if is_opentelemetrys(handler):
        return provider_behind(handler)
    if isinstance(handler, DynatraceLoggingHandler):
        return running if handler.finds_its_provider else handler._given_provider  # noqa: SLF001  # a part of ours
    return None
