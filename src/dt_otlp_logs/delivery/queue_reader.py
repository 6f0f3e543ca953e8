"""Reads what is at the front of the disk queue's line, file by file and only as far as it is asked for."""

from collections.abc import Callable, Iterable, Iterator

from dt_otlp_logs.delivery.queue_line import QueueLine
from dt_otlp_logs.delivery.queue_slot import Slot, StoredEntry
from dt_otlp_logs.delivery.queue_storage import LostFileError, NotNowError, QueueStorage
from dt_otlp_logs.encoding.payload import Payload


class QueueReader:
    """Not thread-safe: the queue's lock is around it."""

    def __init__(self, storage: QueueStorage, line: QueueLine) -> None:
        self._storage = storage
        self._line = line
        self._peeked: StoredEntry | None = None
        self._lost: list[tuple[int, str]] = []
        self.is_stopped = False
        """True if the last reading ended early because the process is short of something, such as descriptors."""

    def front(self, how_many: Callable[[Iterable[Payload]], int]) -> list[StoredEntry]:
        """The first ones, as many as `how_many` says go together: of one directory, and a suspect one alone."""
        self.is_stopped = False
        read: list[StoredEntry] = []
        count = how_many(self._payloads(read))
        # `how_many` has looked at one more than fits: its bytes are kept until its turn comes.
        self._peeked = read[count] if len(read) > count else None
        return read[:count]

    def losses(self) -> list[tuple[int, str]]:
        """Records of files that could not be used, and why, since the last call; they have left the line."""
        lost, self._lost = self._lost, []
        return lost

    def forget(self) -> None:
        """Keep no bytes in memory."""
        self._peeked = None

    def _payloads(self, read: list[StoredEntry]) -> Iterator[Payload]:
        while len(read) < len(self._line):
            slot = self._line[len(read)]
            if read and (slot.suspect or read[0].suspect or slot.place is not read[0].slot.place):
                return
            try:
                entry = self._load(slot)
            except NotNowError:
                self.is_stopped = True
                return
            except LostFileError as lost:
                self._line.leave(slot)
                self._lost.append((slot.records, str(lost)))
                continue
            read.append(entry)
            yield entry.payload

    def _load(self, slot: Slot) -> StoredEntry:
        if self._peeked is not None and self._peeked.slot is slot:
            return self._peeked
        payload = slot.payload
        if payload is None:
            assert slot.stored is not None  # noqa: S101  # a slot without bytes has a file
            payload = self._storage.load(slot.stored)
        return StoredEntry(payload, slot.suspect, slot=slot)
