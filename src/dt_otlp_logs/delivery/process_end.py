"""The ways a process ends, each with a last chance to deliver. Everything here is held weakly by what outlives it."""

import atexit
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType

# Beyond the budget itself: what the threads need to notice that it is used up.
_GRACE_SECONDS = 0.5

Deliver = Callable[[], object]


def at_interpreter_exit(deliver: Deliver) -> None:
    """Call a bound method when the interpreter exits in good order."""
    _atexit(weakref.WeakMethod(deliver))


def _atexit(deliver: "weakref.WeakMethod[Deliver]") -> None:
    atexit.register(lambda: method() if (method := deliver()) else None)


def at_end_of_forked_child(deliver: Deliver) -> None:
    """Call a bound method at the end of `multiprocessing` children, which leave through os._exit without `atexit`.

    To be called in the child, right after the fork. Does nothing in a child of a plain os.fork().
    """
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
    """Call a bound method at the end of this process, if it is a child that `multiprocessing` has forked already."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        reference = weakref.WeakMethod(deliver)
        utilities = sys.modules["multiprocessing.util"]
        utilities.Finalize(None, lambda: method() if (method := reference()) else None, exitpriority=-100)


def at_sigterm(deliver: Deliver, budget_seconds: float) -> bool:
    """Call a bound method when SIGTERM comes, for at most the budget, then do what would have been done without it.

    False if that is not possible: Python lets only the main thread set signal handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    previous = signal.getsignal(signal.SIGTERM)
    reference = weakref.WeakMethod(deliver)

    def handle(number: int, frame: FrameType | None) -> None:
        method = reference()
        if method is not None:
            # In another thread: the one interrupted here may hold any lock that delivery needs, and would wait
            # for itself for ever.
            helper = threading.Thread(target=method, name="dt-otlp-logs-sigterm", daemon=True)
            helper.start()
            helper.join(budget_seconds + _GRACE_SECONDS)
        if callable(previous):
            previous(number, frame)
        elif previous == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, handle)
    return True
