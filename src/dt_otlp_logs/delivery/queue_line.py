"""The line the disk queue's payloads wait in: who is next, who is on the way, and how much that is. No files here."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from dt_otlp_logs.delivery.queue_slot import Slot, StoredFile


class QueueLine:
    """Slots in their order, and sums over them. What was taken counts until it leaves."""

    def __init__(self) -> None:
        self._waiting: deque[Slot] = deque()
        self._taken: dict[Slot, None] = {}
        self.bytes = 0
        self.memory_bytes = 0
        """Of these, what a crash would lose."""
        self.records = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def __getitem__(self, index: int) -> Slot:
        """One of those that wait, counted from the front."""
        return self._waiting[index]

    def __iter__(self) -> Iterator[Slot]:
        """All, those taken first."""
        yield from self._taken
        yield from self._waiting

    def is_taken(self, slot: Slot) -> bool:
        """True from `take` until it is given back or leaves."""
        return slot in self._taken

    def append(self, slot: Slot) -> None:
        """Add at the end."""
        self._count(slot, 1)
        self._waiting.append(slot)

    def add_in_front(self, slots: Sequence[Slot]) -> None:
        """Add before all that wait, in this order."""
        for slot in slots:
            self._count(slot, 1)
        self._waiting.extendleft(reversed(slots))

    def take(self, slots: Iterable[Slot]) -> None:
        """These, which are at the front, are on their way."""
        for slot in slots:
            self._waiting.popleft()
            self._taken[slot] = None

    def give_back(self, slots: Sequence[Slot]) -> None:
        """Those of them that were taken wait again, at the front."""
        back = [slot for slot in slots if slot in self._taken]
        for slot in back:
            del self._taken[slot]
        self._waiting.extendleft(reversed(back))

    def leave(self, slot: Slot) -> None:
        """It is settled or lost, whether it waited or was taken."""
        self._count(slot, -1)
        if slot in self._taken:
            del self._taken[slot]
        else:
            self._waiting.remove(slot)

    def moved(self, slot: Slot, stored: StoredFile) -> None:
        """What was in memory alone is in a file now."""
        self._count(slot, -1)
        slot.stored, slot.cost_bytes, slot.payload = stored, stored.name.cost_bytes, None
        self._count(slot, 1)

    def oldest_unix_nano(self) -> int | None:
        """The time of the oldest record that is on its way or next; None if there is none."""
        front = [*self._taken, *([self._waiting[0]] if self._waiting else [])]
        return min((slot.oldest_unix_nano for slot in front), default=None)

    def oldest_in_memory(self) -> Slot | None:
        """The first of those that wait which a crash would lose."""
        return next((slot for slot in self._waiting if slot.in_memory_alone), None)

    def end(self) -> int:
        """Nobody waits any more; the records in memory alone, which are given up, no longer count. Answers those."""
        lost = [slot for slot in self if slot.in_memory_alone]
        for slot in lost:
            self._count(slot, -1)
        self._taken.clear()
        self._waiting.clear()
        return sum(slot.records for slot in lost)

    def _count(self, slot: Slot, sign: int) -> None:
        self.bytes += sign * slot.cost_bytes
        self.records += sign * slot.records
        if slot.in_memory_alone:
            self.memory_bytes += sign * slot.cost_bytes
