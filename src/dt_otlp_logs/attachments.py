"""Where a pipeline's handler is: on which loggers, opened to which level, also after logging was configured anew."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry._logs import LoggerProvider

from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.handler import DynatraceLoggingHandler, is_opentelemetrys
from dt_otlp_logs.handler.destination import provider_behind

_diagnostics = Diagnostics()


class Attachments:
    """One handler on several loggers. A record that passes it twice is sent once: the handler sees to that."""

    def __init__(self, handler: DynatraceLoggingHandler, provider: LoggerProvider) -> None:
        self._handler = handler
        self._provider = provider
        self._levels: dict[logging.Logger, int] = {}
        # The level that each logger had before it was opened, and the one it was opened to.
        self._opened: dict[logging.Logger, tuple[int, int]] = {}

    def add(self, loggers: Sequence[logging.Logger], level: int) -> None:
        """Attach the handler to loggers, once, and not beside an OpenTelemetry handler that sends the same records.

        A logger lets records of this level through afterwards, whoever hands them over. The handler sends no less
        than other loggers were attached for. NOTSET leaves both as they are.
        """
        if level != logging.NOTSET and loggers:
            others = self._levels.keys() - set(loggers)
            self._handler.setLevel(min(self._handler.level, level) if others else level)
        for logger in loggers:
            self._open(logger, level)
            if self._handler not in logger.handlers and not self._is_sent_by_another(logger):
                logger.addHandler(self._handler)
            self._levels[logger] = level or self._levels.get(logger, logging.NOTSET)

    def clear(self) -> None:
        """Take the handler off its loggers, and close again those that were opened for it."""
        loggers, opened = list(self._levels), dict(self._opened)
        self._levels.clear()
        self._opened.clear()
        for logger in loggers:
            logger.removeHandler(self._handler)
        for logger, (before, level) in opened.items():
            if logger.level == level:
                logger.setLevel(before)

    @contextmanager
    def survive(self, *, out_of_sight: bool) -> Iterator[None]:
        """Whatever happens meanwhile, the loggers are afterwards with the handler, as open as before, and not disabled.

        A logger that the application itself took the handler from stays without it. `out_of_sight`: meanwhile they are
        without it, and what other threads log is not sent.
        """
        loggers = list(self._levels)
        attached = [
            logger for logger in loggers if self._handler in logger.handlers or self._is_sent_by_another(logger)
        ]
        enabled = [logger for logger in loggers if not logger.disabled]
        for logger in attached if out_of_sight else ():
            logger.removeHandler(self._handler)
        try:
            yield
        finally:
            for logger in attached:
                if logger in self._levels and not self._is_sent_by_another(logger):
                    logger.addHandler(self._handler)
            # From here on these levels are the application's, also where they are those that were asked for here.
            self._opened.clear()
            for logger in enabled:
                logger.disabled = False
                self._open(logger, self._levels.get(logger, logging.NOTSET))

    def _is_sent_by_another(self, logger: logging.Logger) -> bool:
        asked = self._handler.level
        # What lets less through than was asked for does not stand in: the handlers send a record once between them.
        others = [other for other in logger.handlers if asked == logging.NOTSET or other.level <= asked]
        if any(is_opentelemetrys(other) and provider_behind(other) is self._provider for other in others):
            _diagnostics.once(
                f"the {logger.name} logger has a handler for OpenTelemetry already; no second one is added"
            )
            return True
        return any(isinstance(other, DynatraceLoggingHandler) and other.finds_its_provider for other in others)

    def _open(self, logger: logging.Logger, level: int) -> None:
        if level != logging.NOTSET and logger.getEffectiveLevel() > level:
            before, _ = self._opened.get(logger, (logger.level, level))
            self._opened[logger] = before, level
            logger.setLevel(level)
