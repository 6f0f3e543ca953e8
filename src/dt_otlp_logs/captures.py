"""What Python says outside of logging, as records: warnings, and exceptions that nothing caught."""

import logging
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Any

WARNINGS_LOGGER = "py.warnings"
"""Where `logging.captureWarnings` logs (docs.python.org/3/library/logging.html)."""
UNHANDLED_LOGGER = "py.unhandled"

# Who ends the program on purpose: no error of its own.
_ON_PURPOSE = (KeyboardInterrupt, SystemExit)


class CapturedWarnings:
    """`logging.captureWarnings`, switched off again only if it was switched on here."""

    def __init__(self) -> None:
        self._shown_by: Any = None

    def start(self) -> None:
        """Log warnings from now on, instead of printing them."""
        # What captureWarnings itself looks at: somebody else captures, and may rely on it for longer than we do.
        if getattr(logging, "_warnings_showwarning", None) is None:
            logging.captureWarnings(True)
            self._shown_by = warnings.showwarning

    def stop(self) -> None:
        """Print warnings as before, unless somebody else shows them by now."""
        if self._shown_by is None:
            return
        shown_by = warnings.showwarning
        logging.captureWarnings(False)
        if shown_by is not self._shown_by:
            warnings.showwarning = shown_by
        self._shown_by = None


class UnhandledExceptions:
    """Logs exceptions that end the program (CRITICAL) or a thread (ERROR), then lets the hooks do what they did before.

    KeyboardInterrupt and SystemExit are left alone. asyncio logs what its tasks leave unhandled by itself, as logger
    `asyncio`. Not captured: what multiprocessing prints of a child that fails, since it asks no hook; and what
    `sys.unraisablehook` gets, since that comes from the garbage collector in the middle of anything, also of the
    pipeline's own work.
    """

    def __init__(self) -> None:
        self._logger = logging.getLogger(UNHANDLED_LOGGER)
        self._is_on = False

    def start(self) -> None:
        """Put the hooks in front of those that are there."""
        if self._is_on:
            return
        self._is_on = True
        # The application's console shows the traceback already: its handlers need no record of it.
        self._logger.propagate = False
        self._before, self._before_in_threads = sys.excepthook, threading.excepthook
        sys.excepthook, threading.excepthook = self._in_main_thread, self._in_thread

    def stop(self) -> None:
        """Log nothing more, and take the hooks away unless others stand in front of them by now."""
        if not self._is_on:
            return
        self._is_on = False
        # Methods are made anew each time they are asked for: equal, never identical.
        if sys.excepthook == self._in_main_thread:
            sys.excepthook = self._before
        if threading.excepthook == self._in_thread:
            threading.excepthook = self._before_in_threads

    def log(self, level: int, error: BaseException | None) -> None:
        """Log an exception where it was raised. Never raises."""
        if not self._is_on or error is None or isinstance(error, _ON_PURPOSE):
            return
        try:
            if self._logger.isEnabledFor(level):
                self._logger.handle(_record(self._logger, level, error))
        except Exception:  # noqa: BLE001  # the hooks that follow must run whatever happens here
            pass

    def _in_main_thread(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.log(logging.CRITICAL, error)
        self._before(kind, error, trace)

    def _in_thread(self, arguments: threading.ExceptHookArgs) -> None:
        self.log(logging.ERROR, arguments.exc_value)
        self._before_in_threads(arguments)


def _record(logger: logging.Logger, level: int, error: BaseException) -> logging.LogRecord:
    trace = error.__traceback__
    path, line, function = "", 0, None
    for frame, line_of_frame in traceback.walk_tb(trace):
        path, line, function = frame.f_code.co_filename, line_of_frame, frame.f_code.co_name
    words = "".join(traceback.format_exception_only(type(error), error)).strip()
    return logger.makeRecord(
        logger.name,
        level,
        path,
        line,
        "Unhandled exception in %s: %s",
        (threading.current_thread().name, words),
        (type(error), error, trace),
        function,
    )
