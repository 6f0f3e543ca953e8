"""A record that a server fails on (500), or a firewall before it forbids (403), must not keep all others waiting."""

from collections import Counter
from collections.abc import Callable, Sequence

from dt_otlp_logs.delivery.memory_queue import Entry, SendingQueue
from dt_otlp_logs.encoding.payload import Payload, halve

# An outage answers like this, too, and most are over by then (half a minute of backoff).
_PATIENT_FAILURES = 6
# So often alone; and so many rounds of that, each after others were accepted.
_FAILURES_ALONE = 3
_ROUNDS = 3


class StuckHead:
    """Takes the head of the queue apart when it fails again and again, and puts a record that fails alone aside until
    others have been delivered. In an outage that costs a few more requests and no record; outside of one it finds the
    record that is at fault.
    """

    def __init__(self, queue: SendingQueue, reject: Callable[[Entry, str], None]) -> None:
        """`reject` counts a record that failed for good."""
        self._queue = queue
        self._reject = reject
        self._failures = 0
        self._alone: dict[Payload, int] = {}
        self._rounds: dict[Payload, int] = {}
        self._aside: list[Entry] = []
        # Since something has been failing alone: what else happened, to tell a bad record from a bad day.
        self._deliveries = 0
        self._failures_by_record: Counter[Payload] = Counter()

    def failed(self, taken: Sequence[Entry], payload: Payload, reason: str) -> bool:
        """These were answered with a failure that may be theirs: see to it that they wait, as one or in parts.

        True if something waits aside.
        """
        self._failures += 1
        if self._failures < _PATIENT_FAILURES:
            self._queue.give_back(taken)
        elif payload.records > 1:
            self._queue.replace(taken, [Entry(half, suspect=True) for half in halve(payload)])
        else:
            self._failed_alone(taken[0], reason)
        return bool(self._aside)

    def _failed_alone(self, entry: Entry, reason: str) -> None:
        self._failures_by_record[entry.payload] += 1
        failures = self._alone[entry.payload] = self._alone.get(entry.payload, 0) + 1
        if failures < _FAILURES_ALONE:
            self._queue.give_back([entry])
            return
        del self._alone[entry.payload]
        # A server that fails on most of what it gets says nothing about this record.
        of_others = self._failures_by_record.total() - self._failures_by_record[entry.payload]
        if self._rounds.get(entry.payload, 0) >= _ROUNDS and self._deliveries > of_others:
            del self._rounds[entry.payload]
            del self._failures_by_record[entry.payload]
            self._reject(entry, f"{reason}, again and again while other records were accepted")
        else:
            self._aside.append(entry)

    def others_pass(self) -> None:
        """Something was delivered: what was put aside has its next round."""
        self._failures = _PATIENT_FAILURES if self._aside else 0
        if self._aside or self._alone:
            self._deliveries += 1
        else:
            self._deliveries = 0
            self._failures_by_record.clear()
        for entry in self._aside:
            self._rounds[entry.payload] = self._rounds.get(entry.payload, 0) + 1
        self._queue.give_back(self._aside)
        self._aside = []

    def delivered(self, payload: Payload) -> None:
        """This one passes after all."""
        self._alone.pop(payload, None)
        self._rounds.pop(payload, None)

    def nothing_else_waits(self) -> None:
        """There is nothing left whose delivery could be waited for: what was put aside waits in the queue again."""
        self._queue.give_back(self._aside)
        self._aside = []
