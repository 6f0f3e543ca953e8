"""The sending queue on disk: a file per payload, so that what was accepted outlives the process.

A payload is in its file before `put` returns, and its file goes when its records are settled. Memory holds an
index; bodies are read when their turn comes. Survives a kill at any point. It does not wait for the disk's own
caches (no fsync): a loss of power may cost the last seconds.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from dt_otlp_logs.delivery.file_system import FileSystem
from dt_otlp_logs.delivery.memory_queue import Entry
from dt_otlp_logs.delivery.queue_file import name_for
from dt_otlp_logs.delivery.queue_line import QueueLine
from dt_otlp_logs.delivery.queue_reader import QueueReader
from dt_otlp_logs.delivery.queue_slot import Origin, Slot, in_file, in_memory, slots_of, taken_apart
from dt_otlp_logs.delivery.queue_storage import QueueStorage
from dt_otlp_logs.encoding.payload import Payload

# As much as the queue without a directory holds by default.
_MEMORY_MAX_BYTES = 64_000_000
# Enough for tens of thousands of single records, which is more than a person looks at.
_KEPT_MAX_BYTES = 32_000_000
ADOPT_SECONDS = 30.0
"""How often a running process looks for what others have left."""

# A file that could not be read for want of file descriptors or memory is worth another look this soon.
_UNREADABLE_SECONDS = 1.0


class DiskQueue:
    """A `SendingQueue` of at most `max_bytes` on disk, in a directory that processes may share.

    Payloads go to a subdirectory of this process, made with the first of them. `adopt` takes over those of
    processes that ended without delivering everything, if they sent to the same `destination` (a fingerprint of
    the URLs, see `destination_of`). While the disk does not work, payloads wait in memory. Nothing raises.
    """

    outlives_the_process = True

    def __init__(
        self,
        directory: Path,
        *,
        destination: str,
        max_bytes: int,
        when_full: Literal["drop_oldest", "drop_newest"],
        on_adopted: Callable[[int], None],
        on_lost: Callable[[int, str], None],
        say: Callable[[str], None],
        memory_max_bytes: int = _MEMORY_MAX_BYTES,
        kept_max_bytes: int = _KEPT_MAX_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
        time_ns: Callable[[], int] = time.time_ns,
        random_hex: Callable[[], str] = lambda: secrets.token_hex(6),
        file_system: FileSystem | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._memory_max_bytes = min(memory_max_bytes, max_bytes)
        self._when_full = when_full
        self._on_adopted = on_adopted
        self._on_lost = on_lost
        self._time_ns = time_ns
        self._storage = QueueStorage(
            file_system or FileSystem(),
            str(directory.absolute()),
            destination,
            kept_max_bytes=kept_max_bytes,
            say=say,
            monotonic=monotonic,
            random_hex=random_hex,
        )
        self._start_over()

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._line = QueueLine()
        self._reader = QueueReader(self._storage, self._line)
        self._closed = False

    def put(self, payload: Payload) -> int:
        """Add at the end, in a file if the disk works; answers how many records had to be dropped for it."""
        with self._lock:
            if self._closed:
                return payload.records
            line = self._line
            drops_newest = self._when_full == "drop_newest" and len(line) > 0
            if drops_newest and line.bytes + name_for(payload, 0).cost_bytes > self._max_bytes:
                return payload.records
            self._write_out()
            stored = self._storage.store(payload)
            slot = in_file(stored) if stored else in_memory(Entry(payload))
            is_over = slot.in_memory_alone and line.memory_bytes + slot.cost_bytes > self._memory_max_bytes
            if drops_newest and is_over and line.memory_bytes:
                return payload.records
            # More than the bound may have been adopted: then it grows no further, and shrinks as it is delivered.
            bound = max(self._max_bytes, line.bytes)
            line.append(slot)
            return self._make_room(bound)

    def take(self, how_many: Callable[[Iterable[Payload]], int]) -> list[Entry]:
        """The oldest entries, as many as `how_many` says go together; a suspect one alone.

        What goes together is in one directory, so that one file can hold what is left of it. A file that turns
        out to be damaged is set aside, reported, and skipped.
        """
        with self._lock:
            if self._closed:
                return []
            taken = self._reader.front(how_many)
            self._line.take(entry.slot for entry in taken)
            losses = self._reader.losses()
        for records, reason in losses:
            self._on_lost(records, reason)
        return list(taken)

    def done(self, entries: Sequence[Entry]) -> None:
        """These are settled and leave the queue, and the disk."""
        with self._lock:
            self._settle(self._taken(entries))

    def reject(self, entries: Sequence[Entry], reason: str) -> None:
        """These were refused for good: they leave the queue, and a copy is kept for a person to look at."""
        with self._lock:
            for entry in () if self._closed else entries:
                self._storage.keep_rejected(entry.payload, reason, self._time_ns())
            self._settle(self._taken(entries))

    def give_back(self, entries: Sequence[Entry]) -> None:
        """These wait again, at the front, in their order."""
        with self._lock:
            self._line.give_back(slots_of(entries))

    def replace(self, entries: Sequence[Entry], by: Sequence[Entry]) -> None:
        """These are settled, and others take their place at the front.

        Their files stay until the others are settled, too; as soon as some of them are, a new file takes over
        for the rest.
        """
        with self._lock:
            slots = self._taken(entries)
            if not by or not slots:
                self._settle(slots)
                return
            parts = [in_memory(entry) for entry in by]
            origin = taken_apart(slots, parts)
            fewer = sum(part.records for part in parts) != sum(slot.records for slot in slots)
            for slot in slots:
                self._line.leave(slot)
            self._line.add_in_front(parts)
            if origin is not None and fewer:
                self._storage.checkpoint(origin)

    def records(self) -> int:
        """Records in the queue, those taken included; after `drain`, those left on disk for the next start."""
        return self._line.records

    def oldest_unix_nano(self) -> int | None:
        """The time of the oldest record that is on its way or next; None if there is none."""
        with self._lock:
            return self._line.oldest_unix_nano()

    def adopt_seconds(self) -> float:
        """How soon to look again for what other processes have left."""
        return ADOPT_SECONDS

    def retry_seconds(self) -> float | None:
        """How soon `take` is worth another call though it gave nothing; None if there is nothing to wait for."""
        return _UNREADABLE_SECONDS if self._reader.is_stopped else None

    def adopt(self) -> int:
        """Take over what processes that are gone have left; answers how many records that is."""
        with self._lock:
            if self._closed:
                return 0
            self._write_out()
            self._storage.retry_removals()
            slots = [in_file(stored) for stored in self._storage.adopt(self._max_bytes - self._line.bytes)]
        records = sum(slot.records for slot in slots)
        if slots:
            # First, so that nobody counts as delivered what was never accepted.
            self._on_adopted(records)
            with self._lock:
                self._line.add_in_front(slots)
        return records

    def drain(self) -> int:
        """Leave the files for the next start; answers how many records were in memory alone, and are given up."""
        with self._lock:
            if self._closed:
                return 0
            self._write_out()
            self._closed = True
            self._reader.forget()
            self._storage.release()
            return self._line.end()

    def forget_in_child(self) -> None:
        """After a fork, in the child: begin empty; the files and locks are the parent's."""
        self._storage.forget_in_child()
        self._start_over()

    def _write_out(self) -> None:
        """Put into files what came while the disk did not work."""
        if not self._line.memory_bytes or not self._storage.is_usable:
            return
        for slot in list(self._line):
            if slot.in_memory_alone and slot.payload is not None:
                stored = self._storage.store(slot.payload)
                if stored is None:
                    return
                self._line.moved(slot, stored)

    def _make_room(self, max_bytes: int) -> int:
        # What is taken is on its way and cannot give way; neither does the payload that has just come.
        line, dropped = self._line, 0
        while line.bytes > max_bytes and len(line) > 1:
            dropped += line[0].records
            self._settle([line[0]])
        while line.memory_bytes > self._memory_max_bytes:
            oldest = line.oldest_in_memory()
            if oldest is None or oldest is line[-1]:
                break
            dropped += oldest.records
            self._settle([oldest])
        return dropped

    def _taken(self, entries: Iterable[Entry]) -> list[Slot]:
        # Not what is settled already, nor what was on its way when the queue was drained.
        return [slot for slot in slots_of(entries) if self._line.is_taken(slot)]

    def _settle(self, slots: Iterable[Slot]) -> None:
        touched: dict[Origin, None] = {}
        for slot in slots:
            self._line.leave(slot)
            if slot.origin is not None:
                slot.origin.parts.remove(slot)
                touched[slot.origin] = None
            elif slot.stored is not None:
                self._storage.remove(slot.stored)
        for origin in touched:
            if origin.parts:
                self._storage.checkpoint(origin)
            else:
                for stored in origin.files:
                    self._storage.remove(stored)
