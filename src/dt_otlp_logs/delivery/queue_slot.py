"""What the disk queue knows about each payload while its bytes stay in a file, and about requests taken apart."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dt_otlp_logs.delivery.memory_queue import Entry
from dt_otlp_logs.delivery.queue_directory import QueueDirectory
from dt_otlp_logs.delivery.queue_file import FileName
from dt_otlp_logs.encoding.payload import PackLimits, Payload, merge

# What is left of a request is less than that request was.
_ANY_SIZE = PackLimits(2**62, 2**62, 2**62, 2**62)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A queue file and the directory it is in."""

    place: QueueDirectory
    name: FileName


@dataclass(slots=True, eq=False)
class Origin:
    """Files whose payloads were taken apart. They stay until other files hold what is left of them."""

    files: list[StoredFile]
    parts: list["Slot"]

    def left(self) -> Payload:
        """What is not settled yet, as one payload. ValueError if its bytes are no gzip."""
        return merge([part.payload for part in self.parts if part.payload], _ANY_SIZE)


@dataclass(slots=True, eq=False)
class Slot:
    """One payload in the queue: in a file, or as a part of what is in files, or in memory alone."""

    records: int
    cost_bytes: int
    stored: StoredFile | None = None
    payload: Payload | None = None
    origin: Origin | None = None
    suspect: bool = False

    @property
    def place(self) -> QueueDirectory | None:
        """The directory that keeps these records over a crash; None if nothing does."""
        stored = self.origin.files[0] if self.origin and self.origin.files else self.stored
        return stored.place if stored else None

    @property
    def oldest_unix_nano(self) -> int:
        """The time of its oldest record."""
        if self.payload is not None:
            return self.payload.oldest_unix_nano
        return self.stored.name.oldest_unix_nano if self.stored else 0

    @property
    def in_memory_alone(self) -> bool:
        """True if a crash would lose these records."""
        return self.stored is None and self.origin is None


@dataclass(frozen=True, slots=True, eq=False)
class StoredEntry(Entry):
    """What `take` hands out: the payload's bytes, and where they came from."""

    slot: Slot = field(kw_only=True)


def in_file(stored: StoredFile) -> Slot:
    """A payload whose bytes are in this file."""
    return Slot(stored.name.records, stored.name.cost_bytes, stored)


def in_memory(entry: Entry) -> Slot:
    """A payload whose bytes are in memory."""
    return Slot(entry.payload.records, entry.cost_bytes, payload=entry.payload, suspect=entry.suspect)


def slots_of(entries: Iterable[Entry]) -> list[Slot]:
    """The slots behind what `take` handed out."""
    return [entry.slot for entry in entries if isinstance(entry, StoredEntry)]


def taken_apart(slots: Iterable[Slot], parts: list[Slot]) -> Origin | None:
    """Let `parts` stand for the records of `slots`; None if those were in memory alone."""
    files: list[StoredFile] = []
    siblings: list[Slot] = []
    gone = set(slots)
    for slot in slots:
        if slot.origin is not None:
            files += (file for file in slot.origin.files if file not in files)
            siblings += (part for part in slot.origin.parts if part not in gone and part not in siblings)
        elif slot.stored is not None:
            files.append(slot.stored)
    if not files:
        return None
    origin = Origin(files, parts + siblings)
    for part in origin.parts:
        part.origin = origin
    return origin
