"""The pipeline that a handler without a provider sends to; it is started when the first record comes."""

import concurrent.futures.thread  # noqa: F401  # its hook at the end of the main thread has to run after ours
import importlib
import logging
import os
import sys
import threading
from typing import Any

from opentelemetry._logs import LoggerProvider

from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.handler.waiting_records import waiting_records

# Stands above the handlers, and imports the SDK, which takes its time.
_PIPELINE = "dt_otlp_logs.pipeline"

# As long as the SDK gives a resource detector. Without a detector that hangs, a start takes half a second.
_MAX_WAIT_SECONDS = 5.0
# The SDK runs them when it is imported and when a resource is made, and its executor holds up the process as long.
_MAX_WAIT_AT_EXIT_SECONDS = 15.0

_diagnostics = Diagnostics()


def provider_of_the_pipeline() -> LoggerProvider | None:
    """The running pipeline's provider; one is started, and configured from the environment, where there was none yet.

    None after its shutdown, or where it could not be started. While it starts, one that keeps the records: whoever logs
    first waits for it, but not for ever, since he may hold a lock that a resource detector waits for to log.
    """
    provider = _present_provider()
    if provider is not waiting_records:
        return provider
    _start.wait_for_it()
    return None if _start.has_failed else _present_provider()


def keep_if_late(handler: object) -> None:
    """Keep a handler until `logging.shutdown` flushes it, though its `MemoryHandler` lets go of it before."""
    if _start.is_late:
        _kept.append(handler)


def flush_if_late() -> None:
    """Deliver, where the pipeline was started so late that its own hooks at the end of the process do not run."""
    pipeline = _imported_pipeline()
    if _start.is_late and pipeline is not None:
        pipeline.flush_at_exit()


_kept: list[object] = []


def count_lost(provider: LoggerProvider | None, reason: str) -> None:
    """Count a record that could not be handed to this provider, if it is the running pipeline's."""
    pipeline = _imported_pipeline()
    if pipeline is not None:
        pipeline.count_lost(provider, reason)


def _present_provider() -> LoggerProvider | None:
    pipeline = _imported_pipeline()
    provider: LoggerProvider | None = waiting_records if pipeline is None else pipeline.provider_for_a_handler()
    if _start.owes_signals and provider is not waiting_records:
        _start.set_signals(pipeline)
    return provider


def be_ready_after_the_main_thread() -> None:
    """See to it that a start works when the main thread is done: one that has begun, or one that others cause.

    The SDK runs its resource detectors in an executor when it is imported, which Python refuses from then on.
    """
    global _is_ready_later
    register = getattr(threading, "_register_atexit", None)  # what concurrent.futures uses; `atexit` comes too late
    if _is_ready_later or register is None:
        return
    _is_ready_later = True
    try:
        register(_at_the_main_threads_end)
    except RuntimeError:
        pass  # the main thread is done already


_is_ready_later = False


def _at_the_main_threads_end() -> None:
    _start.join(_MAX_WAIT_AT_EXIT_SECONDS)
    lost = len(waiting_records)
    if lost:
        noun = "log record is" if lost == 1 else "log records are"
        _diagnostics.error(f"{lost} {noun} lost: the process ends before the start of the pipeline does.")
    own = threading.current_thread()
    _start.main_has_ended = True
    others_go_on = any(thread is not own and not thread.daemon for thread in threading.enumerate())
    if others_go_on or _some_handler_holds_records():
        try:
            importlib.import_module(_PIPELINE)
        except Exception:  # noqa: BLE001  # whoever logs first is told
            pass


def _some_handler_holds_records() -> bool:
    """Whether a `MemoryHandler` will hand over records when logging shuts down, which are maybe our handler's first."""
    handlers = (reference() for reference in getattr(logging, "_handlerList", ()))
    return any(getattr(handler, "buffer", None) for handler in handlers)


def _holds_what_a_start_needs() -> bool:
    """Whether this thread imports the SDK or configures logging: the start would wait for it, and it for the start."""
    owns_logging = getattr(getattr(logging, "_lock", None), "_is_owned", None)
    if owns_logging is not None and owns_logging():
        return True
    modules = list(sys.modules.items())
    return any(_is_being_imported(module) for name, module in modules if name.startswith("opentelemetry.sdk"))


def _is_being_imported(module: object) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _imported_pipeline() -> Any:
    """The module, if it is there as a whole: to wait for another thread's import could be to wait for ever."""
    pipeline = sys.modules.get(_PIPELINE)
    return None if _is_being_imported(pipeline) else pipeline


class _Start:
    """Starts the pipeline in a thread of its own, once."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """In a forked child, too, where the thread does not exist and some thread of the parent may have the lock."""
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        # Not the thread itself: until Python 3.11 a `join` that a signal's exception interrupts takes it for ended.
        self._ended = threading.Event()
        self.has_failed = False
        self.main_has_ended = False
        self.is_late = False
        """Whether it began when Python was ending: after the main thread's end and that of all others."""
        self.owes_signals = False
        """Only the main thread can set signal handlers, so whoever logs next sees to it."""

    def wait_for_it(self) -> None:
        """Start it, and wait; not where another thread does so, or this one."""
        with self._lock:
            if self.has_failed or (self._thread is not None and not self._ended.is_set()):
                return
            waiting_records.wait()
            self.is_late = self.main_has_ended and threading.current_thread() is threading.main_thread()
            self._ended.clear()
            may_wait = not _holds_what_a_start_needs()  # asked before the start itself imports the SDK
            self._thread = threading.Thread(target=self._run, name="dt-otlp-logs start", daemon=True)
            self.owes_signals = True
            try:
                self._thread.start()
            except RuntimeError:  # no more threads at the end of the process
                self._thread = threading.current_thread()
                self._run()
                return
        if may_wait:
            self.join(_MAX_WAIT_SECONDS)

    def join(self, max_seconds: float) -> None:
        """Wait until it has ended, if it has begun."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._ended.wait(max_seconds)

    def set_signals(self, pipeline: Any) -> None:
        """Let the pipeline set its signal handlers, if this is the thread that can."""
        if threading.current_thread() is threading.main_thread():
            self.owes_signals = False
            pipeline.catch_sigterm()

    def _run(self) -> None:
        try:
            importlib.import_module(_PIPELINE).start_for_a_handler()
        except Exception as error:  # noqa: BLE001  # whoever logs has nothing to do with it
            self.has_failed = True
            waiting_records.forget()
            _diagnostics.error(
                f"No log record is exported, the application runs on: starting failed ({type(error).__name__}: {error})"
            )
        finally:
            self._ended.set()


_start = _Start()

if hasattr(os, "register_at_fork"):
    # A child would find modules half imported, and nobody there who goes on with them.
    os.register_at_fork(before=lambda: _start.join(_MAX_WAIT_SECONDS), after_in_child=_start.forget)
