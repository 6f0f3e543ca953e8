"""The ways a process ends, each with a last chance to deliver. Everything here is held weakly by what outlives it."""

import _thread
import atexit
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType

# Beyond the budget itself: what the threads need to notice that it is used up.
_GRACE_SECONDS = 0.5

# Code of these packages that is interrupted may be delivering; that, and threads that are being started or joined, hold
# locks which another delivery needs.
_DELIVERING = {"dt_otlp_logs", "opentelemetry"}
_LOCKING = _DELIVERING | {"threading"}

Deliver = Callable[[], object]


def at_interpreter_exit(deliver: Deliver) -> None:
    """Call a bound method when the interpreter exits in good order."""
    _atexit(weakref.WeakMethod(deliver))


def _atexit(deliver: "weakref.WeakMethod[Deliver]") -> None:
    atexit.register(lambda: method() if (method := deliver()) else None)


def at_end_of_forked_child(deliver: Deliver) -> None:
    """Call a bound method at the end of `multiprocessing` children and of Celery's pool processes.

    Both leave through os._exit, without `atexit`. To be called in the child, right after the fork. Does nothing in a
    child of a plain os.fork().
    """
    _at_end_of_celery_pool_process(deliver)
    _at_end_of_next_multiprocessing_child(deliver)


def _at_end_of_next_multiprocessing_child(deliver: Deliver) -> None:
    utilities = sys.modules.get("multiprocessing.util")
    if utilities is None:
        return
    owner = deliver.__self__  # type: ignore[attr-defined]  # a bound method
    reference = weakref.WeakMethod(deliver)

    def in_multiprocessing_child(_owner: object) -> None:
        # Only now: multiprocessing clears its finalizers before it runs these hooks. A low priority runs late,
        # after finalizers of the application that may still log.
        utilities.Finalize(None, lambda: method() if (method := reference()) else None, exitpriority=-100)

    utilities.register_after_fork(owner, in_multiprocessing_child)


def at_end_of_multiprocessing_child(deliver: Deliver) -> None:
    """Call a bound method at the end of this process, if it is a child of `multiprocessing` or of Celery already."""
    _at_end_of_celery_pool_process(deliver)
    # A child that is not forked imports the application first, and only then begins as a child.
    _at_end_of_next_multiprocessing_child(deliver)
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        reference = weakref.WeakMethod(deliver)
        utilities = sys.modules["multiprocessing.util"]
        utilities.Finalize(None, lambda: method() if (method := reference()) else None, exitpriority=-100)


def _at_end_of_celery_pool_process(deliver: Deliver) -> None:
    # Celery's pool has a multiprocessing of its own, billiard, which runs no finalizers in these processes: this
    # signal of Celery's is the last that happens there, and it happens nowhere else.
    # https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-process-shutdown
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        reference = weakref.WeakMethod(deliver)

        def at_shutdown(**_: object) -> None:
            if method := reference():
                method()

        signals.worker_process_shutdown.connect(at_shutdown, weak=False)


def at_sigterm(deliver: Deliver, budget_seconds: float) -> bool:
    """Call a bound method when SIGTERM comes, for at most the budget, then do what would have been done without it.

    A second SIGTERM does not wait. False if that is not possible: Python lets only the main thread set signal handlers,
    and cannot go on with one that is not Python's.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is None:
        return False
    handler = _SigtermHandler(deliver, budget_seconds + _GRACE_SECONDS, signal.getsignal(signal.SIGTERM))
    signal.signal(signal.SIGTERM, handler.handle)
    return True


class _SigtermHandler:
    """Delivers when the signal comes first, and goes on as the handler before it would have."""

    def __init__(
        self, deliver: Deliver, at_most_seconds: float, previous: Callable[[int, FrameType | None], object] | int | None
    ) -> None:
        self._deliver = weakref.WeakMethod(deliver)
        self._at_most_seconds = at_most_seconds
        self._previous = previous
        self._has_come = False
        self._goes_on = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        deliver = self._deliver()
        if deliver is not None and not self._has_come:
            self._has_come = True
            interrupted = _packages(frame)
            is_done = _started(deliver)
            if is_done is None and interrupted & _DELIVERING:
                return  # the process is ending, and this is its delivery: Python 3.12 starts no thread then
            if is_done is not None and interrupted & _LOCKING:
                # It has to run on, or it would wait for itself.
                _started(lambda: self._signal_again(is_done, number))
                return
            if is_done is not None:
                is_done.acquire(timeout=self._at_most_seconds)
        self._goes_on = True
        if callable(self._previous):
            self._previous(number, frame)
        elif self._previous == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _signal_again(self, is_done: "_thread.LockType", number: int) -> None:
        is_done.acquire(timeout=self._at_most_seconds)
        while not self._goes_on:
            # More than once: Python hears of a signal only later that comes just as a system call begins.
            os.kill(os.getpid(), number)
            time.sleep(_GRACE_SECONDS)


def _started(work: Callable[[], object]) -> "_thread.LockType | None":
    """A lock that is free when the work, begun in another thread, is done; None if no thread can be started.

    A bare thread: to start a `threading.Thread` takes a lock that the interrupted code may hold.
    """
    is_done = _thread.allocate_lock()
    is_done.acquire()

    def run() -> None:
        try:
            work()
        finally:
            is_done.release()

    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:
        return None
    return is_done


def _packages(frame: FrameType | None) -> set[str]:
    """What is being executed in a frame, by name of the package."""
    found = set()
    while frame is not None:
        found.add(str(frame.f_globals.get("__name__")).partition(".")[0])
        frame = frame.f_back
    return found
