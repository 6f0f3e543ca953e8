"""The thread that steps the delivery loop, and everything that waits for it: flush, shutdown, fork."""

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from dt_otlp_logs.delivery.clock import Clock
from dt_otlp_logs.delivery.ledger import Changes, DeliveryLedger, DeliveryStats, Kind
from dt_otlp_logs.delivery.loop import IDLE, DeliveryLoop
from dt_otlp_logs.delivery.losses import Losses
from dt_otlp_logs.delivery.memory_queue import SendingQueue
from dt_otlp_logs.delivery.reporter import DeliveryReporter
from dt_otlp_logs.delivery.staging import Staging
from dt_otlp_logs.encoding.payload import Payload

QUEUE_FULL = "the sending queue was full (DT_OTLP_LOGS_QUEUE_MAX_BYTES)"
AT_SHUTDOWN = "not delivered before the end of the shutdown timeout (DT_OTLP_LOGS_SHUTDOWN_TIMEOUT_SECONDS)"
UNANSWERED = "on its way and unanswered at the end of the shutdown timeout, so it may have arrived"
AFTER_SHUTDOWN = "logged after shutdown"

# A flush ends backoffs early, so that it can succeed as soon as the server is back; not more often than this, so
# that an application which flushes after every line does not turn an outage into a storm.
_LEAST_SECONDS_BETWEEN_NUDGES = 1.0

# At the very end of a budget one attempt may still take this long: shorter than a handshake would be pointless.
_SHORTEST_ATTEMPT_SECONDS = 0.25

# While a budget runs out, attempts are at most this far apart.
_CLOSING_PAUSE_SECONDS = 0.5

# Beyond the budget, for a request that is not answered yet; exit may take half a second more than the budget.
_LAST_ANSWER_SECONDS = 0.2

_UNCHANGED = Changes()

# What the loop is made of, made anew in a forked child: locks, sockets and waiting records are the parent's.
EncodedBatch = tuple[Sequence[Payload], Changes]
Parts = tuple[DeliveryLoop, SendingQueue, DeliveryLedger, DeliveryReporter]


class DeliveryWorker:
    """Owns the queue and its loop; starts a thread with the first payload and none before.

    Everything public may be called from any thread, raises nothing, and returns within the time it is given.
    """

    def __init__(
        self,
        make_parts: Callable[[], Parts],
        *,
        clock: Clock,
        timeout_seconds: float,
        shutdown_timeout_seconds: float,
        encode: Callable[[Sequence[Any]], EncodedBatch] | None = None,
    ) -> None:
        """`encode` is what `stage` needs: it turns a batch into payloads, and says what it changed."""
        self._make_parts = make_parts
        self._encode = encode
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._shutdown_timeout_seconds = shutdown_timeout_seconds
        self._start_over()
        # What an earlier process left is delivered even if this one never logs.
        self.queue.adopt()
        with self._changed:
            self._ensure_thread()
        if hasattr(os, "register_at_fork"):
            # Weakly, since such a hook cannot be taken back.
            in_child = weakref.WeakMethod(self._start_over_in_child)
            os.register_at_fork(after_in_child=lambda: start_over() if (start_over := in_child()) else None)

    def _start_over(self) -> None:
        self.loop, self.queue, self.ledger, self.reporter = self._make_parts()
        self._losses = Losses(self.ledger, self.reporter, self._clock)
        self._staging = Staging(self._queue_encoded)
        self._changed = threading.Condition()
        self._delivering_here = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_waiting = False
        """The thread pauses: what is staged may wake it."""
        self._is_waiting_for_work = False
        """It pauses since nothing is queued: a payload may wake it, too."""
        self._deadline: float | None = None
        self._closed = False
        self._ended = False
        self._nudged_at = 0.0
        self._adopted_at = self._clock.monotonic()

    def _start_over_in_child(self) -> None:
        self.queue.forget_in_child()
        self._start_over()

    @property
    def closed(self) -> bool:
        """Whether it was shut down."""
        return self._closed

    def stage(self, batch: Sequence[Any]) -> bool:
        """Take a batch that is still to be encoded, which another thread does; False if it comes after the shutdown."""
        records = len(batch)
        with self._changed:
            self.ledger.accept(records)
            if self._closed:
                self._losses.drop(records, AFTER_SHUTDOWN, "after_shutdown")
                return False
            self._staging.add(batch)
            if self._is_waiting:
                self._changed.notify_all()
            self._ensure_thread()
        self._staging.make_room()
        return True

    def _queue_encoded(self, batch: Sequence[Any]) -> None:
        assert self._encode is not None  # noqa: S101  # whoever stages has given it
        try:
            payloads, changes = self._encode(batch)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not end the thread, nor go uncounted
            self._losses.drop(len(batch), f"internal error: {type(error).__name__}: {error}", "internal_error")
            return
        self.ledger.encoded(changes)
        with self._changed:
            for payload in payloads:
                # The end may have come while this was being encoded, and nobody empties the queue any more.
                if self._ended:
                    self._losses.drop(payload.records, AT_SHUTDOWN, "shutdown")
                else:
                    self._losses.drop(self.queue.put(payload), QUEUE_FULL, "queue_full")

    def accept(self, payloads: Sequence[Payload], changes: Changes = _UNCHANGED) -> bool:
        """Queue payloads for delivery; False if a record was lost by it (of these, or an older one)."""
        lost = 0
        self.ledger.encoded(changes)
        with self._changed:
            for payload in payloads:
                self.ledger.accept(payload.records)
                if self._closed:
                    dropped = payload.records
                    self._losses.drop(dropped, AFTER_SHUTDOWN, "after_shutdown")
                else:
                    dropped = self.queue.put(payload)
                    self._losses.drop(dropped, QUEUE_FULL, "queue_full")
                lost += dropped
            if self._is_waiting_for_work:
                self._changed.notify_all()
            self._ensure_thread()
        return lost == 0

    def refuse(self, records: int, reason: str, kind: Kind) -> None:
        """Count records that could not even be queued."""
        self.ledger.accept(records)
        self._losses.drop(records, reason, kind)

    def stats(self) -> DeliveryStats:
        """What became of the records so far, at one moment."""
        loop = self.loop
        return self.ledger.snapshot(route=loop.url, routes_left=loop.routes_left, held_up=loop.held_up)

    def oldest_age_seconds(self) -> float:
        """How long ago the oldest record that waits was made; 0 if none does."""
        oldest = self.queue.oldest_unix_nano()
        return 0.0 if not oldest else max(self._clock.time_ns() - oldest, 0) / 1e9

    def wait_settled(self, timeout_seconds: float, *, even_if_held_up: bool) -> bool:
        """Wait until the fate of every record accepted so far is known; False if it is not by then.

        Without `even_if_held_up` an outage ends the waiting: the caller learns that it will take longer.
        """
        accepted = self.ledger.accepted
        deadline = self._clock.monotonic() + timeout_seconds
        if self._deadline is not None:
            deadline = min(deadline, self._deadline)
        with self._changed:
            has_thread = self._ensure_thread()
        if not has_thread:
            self._deliver_here(deadline)
        with self._changed:
            while not self._is_settled(accepted) and (even_if_held_up or self.loop.held_up is None):
                left = deadline - self._clock.monotonic()
                if left <= 0 or self._ended:
                    break
                if self.loop.held_up is None:
                    self._changed.wait(left)
                else:
                    self._nudge()
                    self._changed.wait(min(left, _LEAST_SECONDS_BETWEEN_NUDGES))
        return self._is_settled(accepted)

    def _is_settled(self, accepted: int) -> bool:
        """Whether the first so many records are; in order of their coming, unless something waits aside."""
        return self.ledger.settled() >= accepted and not (self.loop.is_out_of_order and self.queue.records())

    def drain(self) -> bool:
        """Use up to the shutdown timeout, counted once from the first call, to deliver what waits; stays open.

        For the end of the process: it may come before the last batch of the batch processor.
        """
        with self._changed:
            deadline = self._begin_shutdown(None)
        return self.wait_settled(deadline - self._clock.monotonic(), even_if_held_up=True)

    def shutdown(self, timeout_seconds: float | None) -> bool:
        """Deliver what waits, within the shutdown timeout or less; the rest is dropped and counted. True if none."""
        with self._changed:
            if self._ended:
                return True
            self._closed = True
            deadline = self._begin_shutdown(timeout_seconds)
        settled = self.wait_settled(deadline - self._clock.monotonic(), even_if_held_up=True)
        settled = settled or self._wait_for_last_answer()
        held_up = self.loop.held_up
        with self._changed:
            if not self._ended:
                self._ended = True
                why = AT_SHUTDOWN if held_up is None else f"{AT_SHUTDOWN}: {held_up}"
                in_flight = self.loop.in_flight
                waiting = self.loop.close() + self._staging.give_up()
                self._losses.drop(min(in_flight, waiting), f"{UNANSWERED} ({self.loop.url})", "shutdown")
                self._losses.drop(max(waiting - in_flight, 0), why, "shutdown")
                # A queue on disk gives nothing up.
                self.reporter.kept(self.queue.records())
                self.reporter.end()
                self._changed.notify_all()
        return settled

    def _wait_for_last_answer(self) -> bool:
        """What is on its way may be stored this very moment: better known a little later than guessed."""
        until = self._clock.monotonic() + _LAST_ANSWER_SECONDS
        with self._changed:
            while self.loop.in_flight and (left := until - self._clock.monotonic()) > 0:
                self._changed.wait(left)
        return self.ledger.settled() >= self.ledger.accepted

    def _begin_shutdown(self, timeout_seconds: float | None) -> float:
        budget = self._shutdown_timeout_seconds
        if timeout_seconds is not None:
            budget = min(budget, max(timeout_seconds, 0.0))
        ends = self._clock.monotonic() + budget
        self._deadline = ends if self._deadline is None else min(self._deadline, ends)
        self.loop.try_now()
        self._changed.notify_all()
        return self._deadline

    def _deliver_here(self, deadline: float) -> None:
        """A process that is ending may start no thread any more (Python 3.12): the one that waits delivers."""
        if not self._delivering_here.acquire(blocking=False):
            return  # another one does
        try:
            self._step_until(deadline)
        finally:
            self._delivering_here.release()

    def _step_until(self, deadline: float) -> None:
        self._staging.encode_all()
        while self.queue.records() and (left := deadline - self._clock.monotonic()) > 0:
            wait = self.loop.step(self._attempt_seconds())
            with self._changed:
                self._changed.wait(min(wait, left, _CLOSING_PAUSE_SECONDS))
            self._hurry_if_closing()

    def _hurry_if_closing(self) -> None:
        # The budget is short: a server that comes back within it should not be missed for a backoff's sake.
        if self._deadline is not None:
            self.loop.try_now()

    def _attempt_seconds(self) -> float:
        deadline = self._deadline
        if deadline is None:
            return self._timeout_seconds
        # An attempt cut short has no chance, one without a limit would outlive the budget.
        return min(self._timeout_seconds, max(deadline - self._clock.monotonic(), _SHORTEST_ATTEMPT_SECONDS))

    def _nudge(self) -> None:
        now = self._clock.monotonic()
        if now - self._nudged_at >= _LEAST_SECONDS_BETWEEN_NUDGES:
            self._nudged_at = now
            self.loop.try_now()
            self._changed.notify_all()

    def _ensure_thread(self) -> bool:
        """Start the thread if there is work and none is running. False if there should be one and cannot."""
        if (self._thread is not None and self._thread.is_alive()) or self._ended:
            return True
        if not self.queue.records() and not self._staging.records:
            return True
        thread = threading.Thread(target=self._run, name="dt-otlp-logs-delivery", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._thread = None  # out of threads, or the interpreter is ending: the next call tries again
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        while not self._ended:
            look_again = self._adopt_when_due()
            self._staging.encode_all()
            wait = self.loop.step(self._attempt_seconds())
            with self._changed:
                self._changed.notify_all()
                if wait <= 0 or self._ended or self._staging.records or (wait == IDLE and self.queue.records()):
                    continue
                self._is_waiting, self._is_waiting_for_work = True, wait == IDLE
                pause = min(wait, look_again)
                if self._deadline is not None:
                    pause = min(pause, _CLOSING_PAUSE_SECONDS)
                self._changed.wait(None if pause == IDLE else pause)
                self._is_waiting = self._is_waiting_for_work = False
            self._hurry_if_closing()

    def _adopt_when_due(self) -> float:
        """Look now and then for what other processes have left; answers in how many seconds the next look is due."""
        every = self.queue.adopt_seconds()
        now = self._clock.monotonic()
        if now - self._adopted_at >= every:
            self._adopted_at = now
            self.queue.adopt()
        return every - (now - self._adopted_at)
