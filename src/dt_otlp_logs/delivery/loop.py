"""The delivery loop: the oldest payloads go to the chosen route, and each verdict has one consequence.

Live traffic and what waits after an outage take the same way, so order is kept and there is no second path.
`step()` does one thing and says when the next is due; a thread only repeats it, and tests call it themselves.
"""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from dt_otlp_logs.config import TokenSource
from dt_otlp_logs.delivery.clock import Clock
from dt_otlp_logs.delivery.failover import Failover, RouteState
from dt_otlp_logs.delivery.ledger import Changes, DeliveryLedger
from dt_otlp_logs.delivery.losses import Losses
from dt_otlp_logs.delivery.memory_queue import Entry, SendingQueue
from dt_otlp_logs.delivery.outage import Outage
from dt_otlp_logs.delivery.refusals import Refusals
from dt_otlp_logs.delivery.reporter import DeliveryReporter
from dt_otlp_logs.delivery.request_size import is_over, learn_ceiling, limits_for
from dt_otlp_logs.delivery.route import Exchange
from dt_otlp_logs.delivery.stuck import StuckHead
from dt_otlp_logs.delivery.verdict import (
    Delivered,
    Denied,
    Misdirected,
    Rejected,
    Retryable,
    TooLarge,
)
from dt_otlp_logs.encoding.loss_report import loss_report
from dt_otlp_logs.encoding.payload import PackLimits, Payload, drop_stale, fits, halve, merge, restamp_stale, shrink

IDLE = math.inf

# Dynatrace refuses records older than 24 hours (docs.dynatrace.com, Log Management limits); five minutes less,
# for the way and for clocks that differ.
OLDEST_NANOSECONDS = (24 * 3600 - 300) * 1_000_000_000

# What a server's fault or a firewall's rule about one record looks like; an outage or a bad token does, too.
_PERHAPS_THE_RECORDS = frozenset({403, 500})
# Halving ends here: cutting a record below this would leave nothing worth keeping.
_SMALLEST_SHRUNK_BYTES = 2_000
# An error of our own, so often at the same place, is that payload's: it must not stop the others for good.
_MOST_INTERNAL_ERRORS = 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request about to be sent: to deliver what is queued, to ask whether anything is accepted, to report a loss."""

    state: RouteState
    payload: Payload
    taken: Sequence[Entry] = ()
    purpose: Literal["deliver", "ask", "report"] = "deliver"


class DeliveryLoop:
    """Sends what is queued. One thread steps it; `close`, `try_now` and `held_up` are for any thread."""

    def __init__(
        self,
        *,
        queue: SendingQueue,
        failover: Failover,
        ledger: DeliveryLedger,
        reporter: DeliveryReporter,
        token: TokenSource,
        limits: PackLimits,
        stale: Literal["restamp", "drop"],
        clock: Clock,
        random: Callable[[], float],
        on_exchange: Callable[[float, Exchange], None] = lambda _seconds, _exchange: None,
    ) -> None:
        """`on_exchange` is told of each request: how many seconds it took, and what came of it."""
        self._queue = queue
        self._failover = failover
        self._ledger = ledger
        self._reporter = reporter
        self._limits = limits
        self._stale = stale
        self._clock = clock
        self._losses = Losses(ledger, reporter, clock)
        self._outage = Outage(failover=failover, ledger=ledger, reporter=reporter, token=token, random=random)
        self._lock = threading.Lock()
        self._closed = False
        self._refusals = Refusals(queue, self._reject_entry)
        self._stuck = StuckHead(queue, self._reject_entry)
        self._url: str | None = None
        self._like: Payload | None = None
        """Delivered after a loss that Dynatrace has not been told of: whose resource the report is made with."""
        self.is_out_of_order = False
        """Something waits aside while later records may be delivered; ends when nothing waits."""
        self.in_flight = 0
        """Records of a request that is not answered yet."""
        self._on_exchange = on_exchange
        self._internal_errors = 0

    @property
    def held_up(self) -> str | None:
        """Why nothing is being delivered; None when all is well."""
        return self._reporter.held_up

    @property
    def routes_left(self) -> dict[str, str]:
        """URLs that are passed over for now, each with the reason."""
        return {state.route.url: state.left for state in self._failover.states if state.left is not None}

    @property
    def url(self) -> str | None:
        """Where the last request went; None before the first."""
        return self._url

    def try_now(self) -> None:
        """End a wait that is our own backoff; what a server asked for (Retry-After) is kept."""
        self._outage.hurry()

    def step(self, timeout_seconds: float) -> float:
        """Send at most one request; the answer is how many seconds to wait before the next step (IDLE: for work)."""
        taken: list[Entry] = []
        try:
            with self._lock:
                planned = self._plan(taken)
            if not isinstance(planned, Attempt):
                return planned
            self._url = planned.state.route.url
            started = self._clock.monotonic()
            self.in_flight = sum(entry.payload.records for entry in planned.taken)
            exchange = planned.state.route.post(planned.payload, timeout_seconds)
            self.in_flight = 0
            self._ledger.request_sent()
            self._measure(self._clock.monotonic() - started, exchange)
            with self._lock:
                if self._closed:
                    return IDLE  # what was on its way is accounted for already
                self._internal_errors = 0
                return self._act(planned, exchange)
        except Exception as error:  # noqa: BLE001  # a fault of ours must neither end the thread nor lose records
            self.in_flight = 0
            with self._lock:
                return self._after_internal_error(taken, error)

    def close(self) -> int:
        """End it: answers how many records were still waiting, which are the caller's to account for."""
        with self._lock:
            self._closed = True
            if self._queue.outlives_the_process:
                self._refusals.give_back()  # a later process finds out who is at fault
            else:
                self._refusals.find_guilty()  # the server's reason says more than "shutdown"
            return self._queue.drain()

    def _plan(self, taken: list[Entry]) -> "Attempt | float":
        """Decide what to do now: send something, or how long to wait. What is taken from the queue goes to `taken`."""
        now = self._clock.monotonic()
        if self._closed:
            return IDLE
        if (wait := self._outage.seconds_left(now)) > 0:
            return wait
        state = self._failover.choose(now)
        if now < state.not_before and self._failover.seconds_until_left(state, now) <= 0:
            self._failover.failed(state, "Retry-After", now, no_answer=False, whole_endpoint=True)
            state = self._failover.choose(now)
        if now < state.not_before:
            return state.not_before - now
        self._refusals.moved_to(state)
        if self._refusals.must_ask:
            return self._question(state)
        limits = limits_for(state, self._limits, now)
        taken += self._queue.take(lambda waiting: fits(waiting, limits))
        if taken:
            return self._prepare(state, taken, limits)
        if (soon := self._queue.retry_seconds()) is not None:
            return soon
        self._stuck.nothing_else_waits()
        if self._queue.records() and not self._refusals.any_held:
            return 0
        if not self._refusals.any_held:
            self.is_out_of_order = False
            self._reporter.nothing_waits()
            return self._loss_report(state, now) or IDLE
        # Nothing else waits that could show whether the route or the records are at fault.
        if not self._refusals.are_proven(state.delivered_at):
            return self._question(state)
        self._refusals.find_guilty()
        return 0

    def _prepare(self, state: RouteState, taken: Sequence[Entry], limits: PackLimits) -> "Attempt | float":
        payload = merge([entry.payload for entry in taken], limits)
        if is_over(payload, limits):
            self._halve(taken, payload, suspect=False)
            return 0
        most_bytes, suspect = limits.record_bytes, taken[0].suspect
        is_large = payload.records == 1 and payload.size_bytes > most_bytes
        if is_large and self._shrunk(taken, payload, most_bytes, suspect=suspect):
            return 0
        now_ns = self._clock.time_ns()
        oldest_ns = now_ns - OLDEST_NANOSECONDS
        if 0 < payload.oldest_unix_nano < oldest_ns:
            if self._stale == "drop":
                self._drop_stale(taken, payload, oldest_ns)
                return 0
            payload, _ = restamp_stale(payload, oldest_ns, now_ns)
        return Attempt(state, payload, taken)

    def _loss_report(self, state: RouteState, now: float) -> "Attempt | None":
        """Once the queue is empty: tell Dynatrace's users, in their own log, what is missing from it."""
        if self._like is None or (words := self._reporter.loss_to_report(now)) is None:
            return None
        like, self._like = self._like, None
        return Attempt(state, loss_report(like, words, self._clock.time_ns()), purpose="report")

    def _question(self, state: RouteState) -> "Attempt":
        return Attempt(state, self._refusals.question(self._clock.time_ns()), purpose="ask")

    def _act(self, attempt: Attempt, exchange: Exchange) -> float:
        match attempt.purpose:
            case "deliver":
                return self._act_on_delivery(attempt, exchange)
            case "ask":
                return self._act_on_answer(attempt, exchange)
            case "report":
                return 0  # stderr has said it, too: one try is enough

    def _act_on_delivery(self, attempt: Attempt, exchange: Exchange) -> float:
        now = self._clock.monotonic()
        state, payload, taken = attempt.state, attempt.payload, attempt.taken
        match exchange.verdict:
            case Delivered(accepted, rejected, note):
                self._queue.done(taken)
                self._ledger.deliver(accepted)
                if rejected:
                    self._losses.reject(rejected, f"refused by Dynatrace in a partial success: {note}")
                self._outage.is_over()
                self._failover.worked(state, now)
                self._refusals.others_pass()
                self._stuck.delivered(payload)
                self._stuck.others_pass()
                self._reporter.delivered(accepted, self._queue.records(), now)
                if self._reporter.has_unreported_loss:
                    self._like = payload
            case Rejected(why) | TooLarge(why) if state.left is not None and self._failover.has_one_in_use:
                # A probe of a route that was left says nothing of the records, which another route takes.
                self._queue.give_back(taken)
                return self._hold_up(state, Exchange(exchange.response, Misdirected(why)), now)
            case TooLarge(reason):
                learn_ceiling(state, payload, now)
                if payload.records > 1:
                    self._halve(taken, payload, suspect=False)
                else:
                    self._shrink(attempt, reason, now)
            case Rejected(reason):
                if payload.records == 1:
                    self.is_out_of_order = True
                    self._refusals.hold(taken[0], reason, state, now)
                else:
                    if not taken[0].suspect:
                        self._refusals.begin(now)
                    self._halve(taken, payload, suspect=True)
            case Retryable(reason) | Denied(reason) if exchange.response.status in _PERHAPS_THE_RECORDS:
                self.is_out_of_order |= self._stuck.failed(taken, payload, reason)
                return self._hold_up(state, exchange, now)
            case _:
                self._queue.give_back(taken)
                return self._hold_up(state, exchange, now)
        return 0

    def _act_on_answer(self, attempt: Attempt, exchange: Exchange) -> float:
        now = self._clock.monotonic()
        match exchange.verdict:
            case Delivered():
                self._outage.is_over()
                self._failover.worked(attempt.state, now)
                self._refusals.answered_well()
                return 0
            case Rejected(why) | TooLarge(why):
                self._refusals.doubt_the_route(why)
                misdirected = Misdirected(f"every record is refused, whatever is in it: {why}")
                return self._hold_up(attempt.state, Exchange(exchange.response, misdirected), now)
            case _:
                return self._hold_up(attempt.state, exchange, now)

    def _measure(self, seconds: float, exchange: Exchange) -> None:
        try:
            self._on_exchange(seconds, exchange)
        except Exception as error:  # noqa: BLE001  # a MeterProvider's fault is no reason to send anything twice
            self._reporter.odd(f"metrics could not be recorded: {type(error).__name__}: {error}")

    def _hold_up(self, state: RouteState, exchange: Exchange, now: float) -> float:
        """Nothing was delivered and nothing is lost: wait, or go on with another route."""
        return self._outage.goes_on(state, exchange, now, self._queue.records())

    def _halve(self, taken: Sequence[Entry], payload: Payload, *, suspect: bool) -> None:
        self._queue.replace(taken, [Entry(half, suspect) for half in halve(payload)])

    def _shrink(self, attempt: Attempt, reason: str, now: float) -> None:
        size = attempt.payload.size_bytes
        smaller = size // 2
        if smaller < self._limits.request_bytes < size:
            smaller = self._limits.request_bytes
        if smaller < _SMALLEST_SHRUNK_BYTES or not self._shrunk(attempt.taken, attempt.payload, smaller, suspect=True):
            # A server that finds everything too large is put to the question like one that refuses everything.
            self._refusals.hold(attempt.taken[0], reason, attempt.state, now)

    def _shrunk(self, taken: Sequence[Entry], payload: Payload, max_bytes: int, *, suspect: bool) -> bool:
        shrunk = shrink(payload, max_bytes)
        if shrunk is None:
            return False
        smaller, truncated = shrunk
        self._queue.replace(taken, [Entry(smaller, suspect)])
        self._ledger.encoded(Changes(truncated=truncated))
        return True

    def _drop_stale(self, taken: Sequence[Entry], payload: Payload, oldest_unix_nano: int) -> None:
        kept, dropped = drop_stale(payload, oldest_unix_nano)
        self._queue.replace(taken, [] if kept is None else [Entry(kept, taken[0].suspect)])
        self._losses.drop(dropped, "older than 24 hours, the age limit of Dynatrace (DT_OTLP_LOGS_STALE=drop)", "stale")

    def _after_internal_error(self, taken: Sequence[Entry], error: Exception) -> float:
        self._internal_errors += 1
        words = f"internal error: {type(error).__name__}: {error}"
        if self._internal_errors < _MOST_INTERNAL_ERRORS:
            self._queue.give_back(taken)
            return self._outage.internal_error(self._clock.monotonic(), words, self._queue.records())
        self._internal_errors = 0
        if len(taken) > 1:
            # One of them is the cause: each alone from now on.
            self._queue.replace(taken, [Entry(entry.payload, suspect=True) for entry in taken])
            return 0
        self._queue.done(taken)
        self._losses.drop(sum(entry.payload.records for entry in taken), words, "internal_error")
        return 0

    def _reject_entry(self, entry: Entry, reason: str) -> None:
        self._queue.reject([entry], reason)
        self._losses.reject(entry.payload.records, reason)
