"""The pipeline that a handler without a provider sends to; it is started when the first record comes."""

import concurrent.futures.thread  # noqa: F401  # its hook at the end of the main thread has to run after ours
import importlib
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

_diagnostics = Diagnostics()


def provider_of_the_pipeline() -> LoggerProvider | None:
    """The running pipeline's provider; one is started, and configured from the environment, where there was none yet.

    None after its shutdown, or where it could not be started. While it starts, one that keeps the records: whoever logs
    first waits for it, but not for ever, since he may hold a lock that a resource detector waits for to log.
    """
    provider = _present_provider()
    if provider is not waiting_records:
        return provider
    _start.wait_for_it(_MAX_WAIT_SECONDS)
    return None if _start.has_failed else _present_provider()


def count_lost(provider: LoggerProvider | None, reason: str) -> None:
    """Count a record that could not be handed to this provider, if it is the running pipeline's."""
    pipeline = _imported_pipeline()
    if pipeline is not None:
        pipeline.count_lost(provider, reason)


def _present_provider() -> LoggerProvider | None:
    pipeline = _imported_pipeline()
    provider: LoggerProvider | None = waiting_records if pipeline is None else pipeline.provider_for_a_handler()
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
    _start.join(_MAX_WAIT_SECONDS)
    own = threading.current_thread()
    if any(thread is not own and not thread.daemon for thread in threading.enumerate()):
        try:
            importlib.import_module(_PIPELINE)
        except Exception:  # noqa: BLE001  # whoever logs first is told
            pass


def _imported_pipeline() -> Any:
    """The module, if it is there as a whole: to wait for another thread's import could be to wait for ever."""
    pipeline = sys.modules.get(_PIPELINE)
    return None if getattr(getattr(pipeline, "__spec__", None), "_initializing", False) else pipeline


class _Start:
    """Starts the pipeline in a thread of its own, once."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """In a forked child, too, where the thread does not exist and some thread of the parent may have the lock."""
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self.has_failed = False

    def wait_for_it(self, max_seconds: float) -> None:
        """Start it, and wait; not where another thread does so, or this one."""
        with self._lock:
            if self.has_failed or (self._thread is not None and self._thread.is_alive()):
                return
            waiting_records.wait()
            thread = threading.Thread(target=self._run, name="dt-otlp-logs start", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads at the end of the process
                self._thread = threading.current_thread()
                self._run()
                return
            self._thread = thread
        self.join(max_seconds)
        pipeline = _imported_pipeline()
        if pipeline is not None:
            pipeline.catch_sigterm()

    def join(self, max_seconds: float) -> None:
        """Wait until it has ended, if it has begun."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(max_seconds)

    def _run(self) -> None:
        try:
            importlib.import_module(_PIPELINE).start_for_a_handler()
        except Exception as error:  # noqa: BLE001  # whoever logs has nothing to do with it
            self.has_failed = True
            waiting_records.forget()
            _diagnostics.error(
                f"No log record is exported, the application runs on: starting failed ({type(error).__name__}: {error})"
            )


_start = _Start()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start.forget)
