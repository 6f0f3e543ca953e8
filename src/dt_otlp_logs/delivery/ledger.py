"""The ledger: every record is counted once on its way in and once on its way out, with a reason if it is lost."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# Why a record is lost, in few words: what metrics are split by. The reason in full is beside it.
Kind = Literal[
    "rejected", "queue_full", "shutdown", "after_shutdown", "stale", "internal_error", "not_configured", "damaged"
]

# Reasons quote servers, so their number is not ours to choose; beyond this they are counted together.
_MOST_REASONS = 50
OTHER_REASONS = "other reasons"


@dataclass(frozen=True, slots=True)
class Changes:
    """What encoding had to change in a batch: see `DeliveryStats.replaced` and `.truncated`."""

    replaced: int = 0
    truncated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStats:
    """A consistent snapshot of what became of the records; `accepted == delivered + queued + rejected + dropped`."""

    accepted: int = 0
    """Records that reached the exporter."""
    delivered: int = 0
    """Records that the server has said it took."""
    queued: int = 0
    """Records that are waiting or on their way."""
    rejected: int = 0
    """Records that the server refused for good."""
    dropped: int = 0
    """Records that were given up here: queue full, shutdown, stale, not configured."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Rejected and dropped records by reason, in words."""
    lost_by_kind: Mapping[str, int] = field(default_factory=dict)
    """The same by kind, in a word each: rejected, queue_full, shutdown, stale, ..."""
    requests: int = 0
    """HTTP requests sent."""
    retries: int = 0
    """Requests after which the same records had to be sent again."""
    replaced: int = 0
    """Values (or whole records) that could not be encoded and were replaced by a safe text; none of them is lost."""
    truncated: int = 0
    """Texts and names cut, values and attributes left out to keep to Dynatrace's limits; the records say so."""
    route: str | None = None
    """The URL in use; None before the first request."""
    routes_left: Mapping[str, str] = field(default_factory=dict)
    """URLs that are passed over for now, each with the reason."""
    held_up: str | None = None
    """Why nothing is being delivered at the moment; None when all is well."""

    @property
    def lost(self) -> int:
        """Records that will not arrive: rejected and dropped."""
        return self.rejected + self.dropped


class DeliveryLedger:
    """Counts records under one lock, so that a snapshot always adds up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted = 0
        self._delivered = 0
        self._rejected = 0
        self._dropped = 0
        self._replaced = 0
        self._truncated = 0
        self._requests = 0
        self._retries = 0
        self._reasons: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()

    def accept(self, records: int) -> None:
        """Records have come in."""
        with self._lock:
            self._accepted += records

    def encoded(self, changes: Changes) -> None:
        """Records have been encoded, with these changes."""
        with self._lock:
            self._replaced += changes.replaced
            self._truncated += changes.truncated

    def deliver(self, records: int) -> None:
        """The server took these."""
        with self._lock:
            self._delivered += records

    def reject(self, records: int, reason: str) -> None:
        """The server refused these for good."""
        if records:
            with self._lock:
                self._rejected += records
                self._count_loss(records, reason, "rejected")

    def drop(self, records: int, reason: str, kind: Kind) -> None:
        """These were given up on this side."""
        if records:
            with self._lock:
                self._dropped += records
                self._count_loss(records, reason, kind)

    def _count_loss(self, records: int, reason: str, kind: Kind) -> None:
        self._kinds[kind] += records
        if reason not in self._reasons and len(self._reasons) >= _MOST_REASONS:
            reason = OTHER_REASONS
        self._reasons[reason] += records

    def request_sent(self) -> None:
        """One HTTP request was made."""
        with self._lock:
            self._requests += 1

    def retry_needed(self) -> None:
        """The records of the last request have to be sent again."""
        with self._lock:
            self._retries += 1

    @property
    def accepted(self) -> int:
        """Records that came in so far."""
        return self._accepted

    def settled(self) -> int:
        """Records whose fate is known: delivered, rejected or dropped."""
        with self._lock:
            return self._delivered + self._rejected + self._dropped

    def lost(self) -> int:
        """Records that will not arrive."""
        with self._lock:
            return self._rejected + self._dropped

    def snapshot(
        self,
        *,
        route: str | None = None,
        routes_left: Mapping[str, str] | None = None,
        held_up: str | None = None,
    ) -> DeliveryStats:
        """All numbers of one moment; what is not settled is queued."""
        with self._lock:
            return DeliveryStats(
                accepted=self._accepted,
                delivered=self._delivered,
                queued=self._accepted - self._delivered - self._rejected - self._dropped,
                rejected=self._rejected,
                dropped=self._dropped,
                reasons=dict(self._reasons),
                lost_by_kind=dict(self._kinds),
                requests=self._requests,
                retries=self._retries,
                replaced=self._replaced,
                truncated=self._truncated,
                route=route,
                routes_left=routes_left or {},
                held_up=held_up,
            )
