"""Says on stderr when delivery stops, that it still stands, and that it goes on: on changes, not on events."""

import threading
from collections import Counter

from dt_otlp_logs.delivery.ledger import OTHER_REASONS
from dt_otlp_logs.diagnostics import Diagnostics

# While delivery is held up, one line a minute keeps it visible in a container's log without filling it.
_REMINDER_SECONDS = 60.0
# A new reason is said sooner, yet not at each attempt when two reasons alternate.
_NEW_REASON_SECONDS = 10.0
# Losses are said at once the first time, then summed up once in this time, or when many reasons have come together.
_LOSS_SECONDS = 60.0
_MOST_REASONS = 20


class DeliveryReporter:
    """Turns what happens into few lines. Times are monotonic seconds, passed in by the caller."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._reasons: set[str] = set()
        self._since = 0.0
        self._reminded = 0.0
        self._late = 0
        self._loss_said: float | None = None
        self._loss_unsaid: dict[str, int] = {}
        self._unreported: Counter[str] = Counter()
        self._unreported_since = 0.0
        self._reported: float | None = None

    @property
    def held_up(self) -> str | None:
        """Why nothing is being delivered; None when all is well."""
        return self._reason

    def failed(self, reason: str, what_to_do: str, held: int, now: float) -> None:
        """An attempt did not deliver; `held` records wait."""
        with self._lock:
            text = f"{reason}. {_records(held)} held." + (f" What to do: {what_to_do}." if what_to_do else "")
            if self._reason is None:
                self._since = self._reminded = now
                self._late = 0
                self._reasons.clear()
                self._diagnostics.warning(f"Delivery is held up: {text}")
            elif now - self._reminded >= (_REMINDER_SECONDS if reason in self._reasons else _NEW_REASON_SECONDS):
                self._reminded = now
                self._diagnostics.warning(f"Delivery is still held up after {_seconds(now - self._since)}: {text}")
            self._reason = reason
            if len(self._reasons) < _MOST_REASONS:
                self._reasons.add(reason)

    def switched(self, left: str, to: str, reason: str) -> None:
        """Another route is tried at once; said once for each pair of URLs, as probes repeat it."""
        with self._lock:
            self._diagnostics.once(f"{left} is left for now ({reason}); {to} is tried instead.", key=f"{left} {to}")

    def nothing_waits(self) -> None:
        """The queue is empty, whatever became of what was in it."""
        with self._lock:
            self._reason = None

    def odd(self, text: str) -> None:
        """Something went wrong that costs no record; said once."""
        self._diagnostics.once(text)

    def delivered(self, records: int, still_queued: int, now: float) -> None:
        """Records arrived; after a hold-up the line that says so comes when the backlog is gone."""
        with self._lock:
            if self._reason is None and not self._late:
                return
            self._reason = None
            self._late += records
            if still_queued == 0:
                self._diagnostics.info(
                    f"Delivery goes on: {_records(self._late)} arrived late, after {_seconds(now - self._since)}."
                )
                self._late = 0

    def lost(self, records: int, reason: str, now: float) -> None:
        """Records will not arrive."""
        with self._lock:
            self._loss_unsaid[reason] = self._loss_unsaid.get(reason, 0) + records
            if not self._unreported:
                self._unreported_since = now
            if reason in self._unreported or len(self._unreported) < _MOST_REASONS:
                self._unreported[reason] += records
            else:
                self._unreported[OTHER_REASONS] += records
            if (
                self._loss_said is None
                or now - self._loss_said >= _LOSS_SECONDS
                or len(self._loss_unsaid) > _MOST_REASONS
            ):
                self._say_losses()
                self._loss_said = now

    @property
    def has_unreported_loss(self) -> bool:
        """Whether `loss_to_report` will have something to say, now or later."""
        return bool(self._unreported)

    def loss_to_report(self, now: float) -> str | None:
        """What Dynatrace itself is to be told now about losses, once in a while, in words; None if nothing."""
        with self._lock:
            if not self._unreported or (self._reported is not None and now - self._reported < _LOSS_SECONDS):
                return None
            total = self._unreported.total()
            causes = "; ".join(f"{count:,}: {reason}" for reason, count in self._unreported.items())
            lately = _seconds(max(now - self._unreported_since, 1.0))
            self._unreported.clear()
            self._reported = now
            what = "1 log record was" if total == 1 else f"{total:,} log records were"
            return f"{what} lost in the last {lately} ({causes})"

    def kept(self, records: int) -> None:
        """The process ends, and these stay on disk."""
        if records:
            self._diagnostics.warning(f"{_records(records)} not delivered yet: they wait on disk for the next start.")

    def end(self) -> None:
        """The last words: losses that have not been said yet."""
        with self._lock:
            self._say_losses()

    def _say_losses(self) -> None:
        for why, count in self._loss_unsaid.items():
            self._diagnostics.error(f"{_records(count)} lost: {why}.")
        self._loss_unsaid.clear()


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"
