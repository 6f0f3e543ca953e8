"""Ctrl-C and SIGTERM: the first asks the command to end in good order, the second to end at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from typing_extensions import Self


class StopSignals:
    """While entered, the signals set flags instead of raising, so that nothing is lost half way.

    `also` names further signals that ask for the end, unless they are ignored, as `nohup` has it.
    """

    def __init__(self, *also: str) -> None:
        # By name, since Windows lacks some.
        others = [getattr(signal, name) for name in also if hasattr(signal, name)]
        self._numbers = (signal.SIGINT, signal.SIGTERM, *others)
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._before: dict[int, Any] = {}

    def wait(self, seconds: float) -> bool:
        """Wait so long or until a signal comes; whether one has come."""
        return self._stop.wait(seconds) if seconds > 0 else self._stop.is_set()

    def wait_even_if_stopped(self, seconds: float) -> bool:
        """Wait so long or until a second signal comes; whether it has come."""
        return self._hurry.wait(seconds)

    def stopped(self) -> bool:
        """Whether the command was asked to end."""
        return self._stop.is_set()

    def hurried(self) -> bool:
        """Whether it was asked twice."""
        return self._hurry.is_set()

    def __enter__(self) -> Self:
        # Elsewhere Python takes no signal handlers, and whoever runs us there has its own.
        if threading.current_thread() is threading.main_thread():
            for number in self._numbers:
                if number in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()
