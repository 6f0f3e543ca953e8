"""Records that are logged while a pipeline starts, until there is a provider to take them."""

import os
import threading
from collections.abc import Callable

from opentelemetry._logs import Logger, LoggerProvider, LogRecord

# As many as the batch processor behind it holds, see `processor.py`.
MAX_RECORDS = 16_384


class WaitingRecords(LoggerProvider):
    """Stands in for the provider of a pipeline that is starting: keeps its records, in order, and then hands them over.

    The start may take as long as the slowest resource detector, and nobody may wait for it: it logs itself, in other
    threads, too.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """In a forked child, too: there the records are the parent's, and some thread of it may have the lock."""
        # Reentrant: a signal handler may log.
        self._lock = threading.RLock()
        self._records: list[tuple[str, LogRecord]] = []
        self._lost = 0
        self._provider: LoggerProvider | None = None

    def get_logger(self, name: str, *_: object, **__: object) -> Logger:
        """A logger whose records wait."""
        return _WaitingLogger(name, self.take)

    def take(self, name: str, record: LogRecord) -> None:
        """Keep a record of the logger of this name, or pass it on if they have been handed over already."""
        with self._lock:
            provider = self._provider
            if provider is None:
                if len(self._records) < MAX_RECORDS:
                    self._records.append((name, record))
                else:
                    self._lost += 1
                return
        provider.get_logger(name).emit(record)

    def wait(self) -> None:
        """Keep what comes from now on: a pipeline starts."""
        with self._lock:
            self._provider = None

    def __len__(self) -> int:
        """How many have come since nobody takes them, those included for which there is no room."""
        return len(self._records) + self._lost

    def hand_over(self, provider: LoggerProvider) -> tuple[int, int]:
        """Let the provider have them, and all that come later.

        Answers how many there was no room for, and at how many one of the provider's processors raised.
        """
        refused = 0
        while True:
            with self._lock:
                records, self._records = self._records, []
                if not records:
                    self._provider = provider
                    lost, self._lost = self._lost, 0
                    return lost, refused
            for name, record in records:
                try:
                    provider.get_logger(name).emit(record)
                except Exception:  # noqa: BLE001, PERF203  # a processor is other people's code
                    refused += 1


class _WaitingLogger(Logger):
    def __init__(self, name: str, take: Callable[[str, LogRecord], None]) -> None:
        super().__init__(name)
        self._take = take

    def emit(self, record: LogRecord | None = None, **_: object) -> None:
        if record is not None:
            self._take(self._name, record)

    def enabled(self, **_: object) -> bool:
        return True


waiting_records = WaitingRecords()
"""Those of this process, which has one pipeline."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=waiting_records.forget)
