"""The sending queue in memory: bounded by compressed bytes, oldest first."""

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Literal, Protocol

from dt_otlp_logs.encoding.payload import Payload

# What one entry costs beside its bytes: the objects around it. Keeps a queue of tiny payloads bounded, too.
_ENTRY_OVERHEAD_BYTES = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """One payload in a queue; a `suspect` one came out of a refused request and travels alone."""

    payload: Payload
    suspect: bool = False

    @property
    def cost_bytes(self) -> int:
        """What it counts against the queue's bound."""
        return len(self.payload.body) + _ENTRY_OVERHEAD_BYTES


class SendingQueue(Protocol):
    """Where payloads wait. What is taken still belongs to the queue until it is done or given back."""

    outlives_the_process: bool
    """Whether what waits at the end is there for the next start."""

    def put(self, payload: Payload) -> int:
        """Add at the end; answers how many records had to be dropped for it."""
        ...

    def take(self, how_many: Callable[[Iterable[Payload]], int]) -> list[Entry]:
        """The oldest entries, as many as `how_many` says go together; a suspect one alone."""
        ...

    def done(self, entries: Sequence[Entry]) -> None:
        """These are settled and leave the queue."""
        ...

    def give_back(self, entries: Sequence[Entry]) -> None:
        """These wait again, at the front, in their order."""
        ...

    def replace(self, entries: Sequence[Entry], by: Sequence[Entry]) -> None:
        """These are settled, and others take their place at the front."""
        ...

    def reject(self, entries: Sequence[Entry], reason: str) -> None:
        """These were refused for good: they leave the queue; on disk a copy is kept for a person to look at."""
        ...

    def adopt(self) -> int:
        """Take over what processes that are gone have left, if anything; answers how many records that is."""
        ...

    def adopt_seconds(self) -> float:
        """How soon to look for such records again; endless if there is nowhere to look."""
        ...

    def retry_seconds(self) -> float | None:
        """How soon `take` is worth another call though it gave nothing; None if there is nothing to wait for."""
        ...

    def records(self) -> int:
        """Records in the queue, those taken included; after `drain`, those left for the next start."""
        ...

    def oldest_unix_nano(self) -> int | None:
        """The time of the oldest record in the queue; None if it is empty."""
        ...

    def drain(self) -> int:
        """The end: give up what lives in memory alone; answers how many records that were."""
        ...

    def forget_in_child(self) -> None:
        """In a forked child: let go of what belongs to the parent."""
        ...


class MemoryQueue:
    """A `SendingQueue` of at most `max_bytes`; when full, the oldest or the newest payload gives way."""

    outlives_the_process = False

    def __init__(self, max_bytes: int, when_full: Literal["drop_oldest", "drop_newest"]) -> None:
        self._max_bytes = max_bytes
        self._when_full = when_full
        self._lock = threading.Lock()
        self._waiting: deque[Entry] = deque()
        # By identity: two payloads may be equal to the byte.
        self._taken: dict[int, Entry] = {}
        self._bytes = 0
        self._records = 0

    def put(self, payload: Payload) -> int:
        """Add at the end; answers how many records had to be dropped for it."""
        entry = Entry(payload)
        dropped = 0
        with self._lock:
            if self._when_full == "drop_newest" and self._waiting and self._is_over(entry):
                return payload.records
            self._add(entry)
            self._waiting.append(entry)
            # What is taken is on its way and cannot give way; neither does the payload that has just come.
            while self._bytes > self._max_bytes and len(self._waiting) > 1:
                oldest = self._waiting.popleft()
                self._remove(oldest)
                dropped += oldest.payload.records
        return dropped

    def take(self, how_many: Callable[[Iterable[Payload]], int]) -> list[Entry]:
        """The oldest entries, as many as `how_many` says go together; a suspect one alone."""
        with self._lock:
            if not self._waiting:
                return []
            count = 1
            if not self._waiting[0].suspect:
                unsuspected = takewhile(lambda entry: not entry.suspect, self._waiting)
                count = how_many(entry.payload for entry in unsuspected)
            taken = [self._waiting.popleft() for _ in range(count)]
            self._taken.update((id(entry), entry) for entry in taken)
            return taken

    def done(self, entries: Sequence[Entry]) -> None:
        """These are settled and leave the queue."""
        with self._lock:
            for entry in self._untaken(entries):
                self._remove(entry)

    def give_back(self, entries: Sequence[Entry]) -> None:
        """These wait again, at the front, in their order."""
        with self._lock:
            self._waiting.extendleft(reversed(self._untaken(entries)))

    def replace(self, entries: Sequence[Entry], by: Sequence[Entry]) -> None:
        """These are settled, and others take their place at the front."""
        with self._lock:
            for entry in self._untaken(entries):
                self._remove(entry)
            for entry in by:
                self._add(entry)
            self._waiting.extendleft(reversed(by))

    def _untaken(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that were taken and now no longer are; what was settled before is settled once."""
        return [entry for entry in entries if self._taken.pop(id(entry), None) is not None]

    def reject(self, entries: Sequence[Entry], reason: str) -> None:  # noqa: ARG002  # nowhere to keep a copy
        """These were refused for good and leave the queue."""
        self.done(entries)

    def adopt(self) -> int:
        """No other process's memory is in reach."""
        return 0

    def adopt_seconds(self) -> float:
        """Never."""
        return math.inf

    def retry_seconds(self) -> float | None:
        """Memory can always be read."""
        return None

    def records(self) -> int:
        """Records in the queue, those taken included."""
        with self._lock:
            return self._records

    def oldest_unix_nano(self) -> int | None:
        """The time of the oldest record in the queue; None if it is empty."""
        with self._lock:
            front = [*self._taken.values(), *islice(self._waiting, 1)]
            return min((entry.payload.oldest_unix_nano for entry in front), default=None)

    def drain(self) -> int:
        """The end: give up everything; answers how many records that were."""
        with self._lock:
            records, self._records, self._bytes = self._records, 0, 0
            self._waiting.clear()
            self._taken.clear()
            return records

    def forget_in_child(self) -> None:
        """Nothing is shared with the parent: the child has a queue of its own."""

    def _is_over(self, entry: Entry) -> bool:
        return self._bytes + entry.cost_bytes > self._max_bytes

    def _add(self, entry: Entry) -> None:
        self._bytes += entry.cost_bytes
        self._records += entry.payload.records

    def _remove(self, entry: Entry) -> None:
        self._bytes -= entry.cost_bytes
        self._records -= entry.payload.records
