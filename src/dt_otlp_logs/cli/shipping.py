"""Hands records to the exporter no faster than they leave, and knows when waiting has become pointless."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from opentelemetry.sdk._logs import ReadableLogRecord

from dt_otlp_logs.cli.summary import counted
from dt_otlp_logs.delivery.clock import Clock
from dt_otlp_logs.delivery.ledger import DeliveryStats

MAX_QUEUED_RECORDS = 20_000
# In UTF-8, before compression makes it less; with a quarter of the queue's bytes waiting nothing overflows.
_BYTES_PER_CHARACTER = 4
# Nothing was ever delivered: more likely a wrong host or port than an outage, and a person is looking.
FIRST_DELIVERY_SECONDS = 10.0
_STEP_SECONDS = 0.05
# An end that comes sooner needs no words.
_SOON_SECONDS = 0.3
# Whatever is left when we have given up has had its time.
_SHUTDOWN_MILLIS = 1_000
# A person who wants to leave waits for the answer to a request that is on its way, and no longer.
_HURRIED_SHUTDOWN_MILLIS = 200


class Exporter(Protocol):
    """What is asked of the exporter."""

    def enqueue(self, batch: Sequence[ReadableLogRecord], /) -> object:
        """Take these records without waiting for them."""
        ...

    def stats(self) -> DeliveryStats:
        """What became of all records so far."""
        ...

    def shutdown(self, timeout_millis: int, /) -> object:
        """Give up what is still queued, and count it."""
        ...


class DeliveryStalledError(Exception):
    """Nothing was delivered for so long that waiting on makes no sense."""


class Shipping:
    """Sends batches; waits while too much is queued, and raises `DeliveryStalledError` when that no longer helps.

    While `patient()`, an outage is waited out however long it lasts, once something has been delivered.
    `waits` is told in words why delivery is held up, or None when it goes on. `stopped` answers whether the user
    wants to end, of which `says` makes a sentence if that takes time, and `hurried` whether now.
    """

    def __init__(
        self,
        exporter: Exporter,
        clock: Clock,
        sleep: Callable[[float], object],
        give_up_after_seconds: float,
        *,
        queue_bytes: int = 64_000_000,
        patient: Callable[[], bool] = lambda: False,
        waits: Callable[[str | None], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
        hurried: Callable[[], bool] = lambda: False,
        says: Callable[[str], None] = lambda _: None,
        max_queued_records: int = MAX_QUEUED_RECORDS,
    ) -> None:
        self._exporter = exporter
        self._clock = clock
        self._sleep = sleep
        self._give_up_after_seconds = give_up_after_seconds
        self._patient = patient
        self._waits = waits
        self._stopped = stopped
        self._hurried = hurried
        self._says = says
        self._stopping_since: float | None = None
        self._said_why_it_stays = False
        self._max_queued_records = max_queued_records
        self._max_queued_characters = queue_bytes // _BYTES_PER_CHARACTER
        self.handed_over = 0
        self._batches: deque[tuple[int, int]] = deque()
        self._queued_characters = 0
        self._settled = 0
        self.delivered = 0
        self._last_progress = clock.monotonic()

    def send(self, batch: Sequence[ReadableLogRecord], characters: int) -> None:
        """Hand over one batch, after waiting for room."""
        if not batch:
            return
        if self._exporter.stats().queued == 0:  # nothing was under way: this batch's time begins now
            self._last_progress = self._clock.monotonic()
        self._wait_until(self._has_room)
        self._exporter.enqueue(batch)
        self.handed_over += len(batch)
        self._batches.append((self.handed_over, characters))
        self._queued_characters += characters
        self._note_progress(self._exporter.stats())

    def finish(self) -> None:
        """Wait until everything is settled, or raise `DeliveryStalledError`."""
        self._wait_until(lambda stats: stats.queued == 0)

    def close(self) -> DeliveryStats:
        """End the exporter; what it still held is counted there."""
        self._exporter.shutdown(_HURRIED_SHUTDOWN_MILLIS if self._hurried() else _SHUTDOWN_MILLIS)
        return self._exporter.stats()

    def _has_room(self, stats: DeliveryStats) -> bool:
        return stats.queued <= self._max_queued_records and self._queued_characters <= self._max_queued_characters

    def _wait_until(self, reached: Callable[[DeliveryStats], bool]) -> None:
        while True:
            stats = self._exporter.stats()
            self._note_progress(stats)
            if reached(stats):
                return
            silent_seconds = self._clock.monotonic() - self._last_progress
            waits_on = stats.delivered > 0 and self._patient()
            if self._hurried():
                why = f" ({stats.held_up})" if stats.held_up else ""
                raise DeliveryStalledError(f"ended before all was delivered{why}")
            if not waits_on and silent_seconds >= self._patience(stats):
                raise DeliveryStalledError(stats.held_up or "nothing was delivered")
            if self._stopped():
                self._say_why_it_stays(stats)
            self._sleep(_STEP_SECONDS)

    def _say_why_it_stays(self, stats: DeliveryStats) -> None:
        now = self._clock.monotonic()
        if self._stopping_since is None:
            self._stopping_since = now
        if self._said_why_it_stays or now - self._stopping_since < _SOON_SECONDS:
            return
        self._said_why_it_stays = True
        why = f" ({stats.held_up})" if stats.held_up else ""
        self._says(
            f"stopping: {counted(stats.queued, 'record')} to be delivered before that{why}; given up after "
            f"{self._patience(stats):g} s without progress, or at once by another Ctrl-C"
        )

    def _patience(self, stats: DeliveryStats) -> float:
        if stats.delivered:
            return self._give_up_after_seconds
        return min(self._give_up_after_seconds, FIRST_DELIVERY_SECONDS)

    def _note_progress(self, stats: DeliveryStats) -> None:
        self._waits(stats.held_up if stats.queued else None)
        self.delivered = stats.delivered
        settled = stats.accepted - stats.queued
        if settled == self._settled:
            return
        self._settled = settled
        self._last_progress = self._clock.monotonic()
        while self._batches and self._batches[0][0] <= settled:
            self._queued_characters -= self._batches.popleft()[1]
