"""A directory of queue files that belongs to one process, as long as it holds the lock in it.

<queue directory>/
    <destination>-<pid>-<random>/    one per process; whose lock is free, its process is gone: anyone's to adopt
        lock
        000000000001.0-512-...dtq    one payload each
    rejected/  set-aside/            see kept_files.py
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from dt_otlp_logs.delivery.file_system import FileSystem
from dt_otlp_logs.delivery.queue_file import DamagedFileError, FileName, from_bytes, name_for, parse_name, to_bytes
from dt_otlp_logs.encoding.payload import Payload

LOCK = "lock"
# Under such a name a directory is not adopted, only cleared away, until its owner holds the lock.
_NEW = ".new-"
_TEMPORARY = ".tmp"
_OWNER = re.compile(r"(?:\.new-)?([0-9a-f]{8,64})-(\d{1,10})-([0-9a-f]{4,64})", re.ASCII)
_TRIES = 3
_DESTINATION_DIGITS = 12

SUPERSEDES = "supersedes"
"""Key of a file's note: the files whose remaining records this one holds."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a directory was made by, as its name tells."""

    destination: str
    pid: int


def destination_of(urls: Iterable[str]) -> str:
    """A fingerprint of the URLs logs go to: records for one Dynatrace environment never go to another."""
    return sha256("\n".join(sorted(set(urls))).encode()).hexdigest()[:_DESTINATION_DIGITS]


def parse_owner(name: str) -> Owner | None:
    """Whom a directory of this name belongs to; None if it is none of the queue's."""
    match = _OWNER.fullmatch(name)
    return Owner(match[1], int(match[2])) if match else None


@dataclass(slots=True)
class Contents:
    """What is in a directory: queue files in their order, and names that have no business there."""

    files: list[FileName] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


class QueueDirectory:
    """A directory whose lock this process holds. Methods raise OSError."""

    def __init__(self, file_system: FileSystem, path: str, lock: int) -> None:
        self._file_system = file_system
        self._lock: int | None = lock
        self.path = path
        self.name = path.rpartition("/")[2]
        self.files = 0
        """Queue files that are in use."""

    def write(self, payload: Payload, sequence: int, part: int = 0, note: Mapping[str, Any] | None = None) -> FileName:
        """A file that is there whole or not at all."""
        name = name_for(payload, sequence, part)
        write_whole(self._file_system, self.path_of(name.text), to_bytes(payload, note))
        self.files += 1
        return name

    def read(self, name: FileName) -> Payload:
        """The payload of a file. DamagedFileError if it cannot be used."""
        return self._decode(name)[0]

    def remove(self, name: FileName) -> None:
        """A file goes; it may be gone already."""
        self.unlink(name.text)
        self.files -= 1

    def unlink(self, name: str) -> None:
        """A file goes that was not in use."""
        try:
            self._file_system.remove(self.path_of(name))
        except FileNotFoundError:
            pass

    def contents(self) -> Contents:
        """Look what is there and clear away what a killed process left half done."""
        contents = Contents()
        for text, is_file in self._file_system.entries(self.path):
            if text == LOCK:
                continue
            name = parse_name(text) if is_file else None
            if name is not None:
                contents.files.append(name)
            elif is_file and text.endswith(_TEMPORARY):
                self.unlink(text)
            else:
                contents.foreign.append(text)
        superseded = self._superseded(contents.files)
        if superseded:
            for text in superseded:
                self.unlink(text)
            contents.files = [name for name in contents.files if name.text not in superseded]
        contents.files.sort(key=lambda name: (name.sequence, name.part))
        self.files = len(contents.files)
        return contents

    def _superseded(self, files: list[FileName]) -> set[str]:
        superseded: set[str] = set()
        for name in files:
            if name.part == 0:
                continue
            try:
                note = self._decode(name)[1]
            except (DamagedFileError, OSError):
                continue  # the files it stands for, if still there, are the better copy
            listed = note.get(SUPERSEDES)
            # Names of queue files in this very directory and nothing else: a note may be anybody's.
            names = listed if isinstance(listed, list) else []
            superseded.update(
                text for text in names if isinstance(text, str) and text != name.text and parse_name(text) is not None
            )
        return superseded

    def _decode(self, name: FileName) -> tuple[Payload, Mapping[str, Any]]:
        data = self._file_system.read(self.path_of(name.text), name.most_bytes)
        return from_bytes(data, name)

    def path_of(self, name: str) -> str:
        """Where a file of this name is."""
        return f"{self.path}/{name}"

    def release(self) -> None:
        """Let go; the files stay for whoever adopts them. Closes without unlocking, so good for a forked child."""
        lock, self._lock = self._lock, None
        if lock is not None:
            self._file_system.release(lock)

    def release_and_remove(self) -> None:
        """Let go, and remove the directory if nothing is left in it."""
        try:
            if not any(name != LOCK for name, _ in self._file_system.entries(self.path)):
                # The lock is still held: whoever opens it now finds it unlinked afterwards and lets it be.
                self.unlink(LOCK)
                self._file_system.remove_directory(self.path)
        finally:
            self.release()


def write_whole(file_system: FileSystem, path: str, data: bytes) -> None:
    """Write a file under a temporary name and rename it, so that under its own name it is whole."""
    temporary = f"{path}{_TEMPORARY}"
    try:
        file_system.write(temporary, data)
        file_system.rename(temporary, path)
    except OSError:
        try:
            file_system.remove(temporary)
        except OSError:
            pass  # a file that cannot be removed is cleared away at the next start
        raise


def create(file_system: FileSystem, root: str, destination: str, pid: int, random_hex: str) -> QueueDirectory:
    """A new directory, locked before anyone else can take it for an orphan."""
    file_system.make_directories(root)
    file_system.check_private(root)
    for attempt in range(_TRIES):
        name = f"{destination}-{pid}-{random_hex}{attempt:x}"
        path = f"{root}/{_NEW}{name}"
        file_system.make_directory(path)
        directory = None
        try:
            lock = file_system.lock(f"{path}/{LOCK}")
            if lock is None:
                continue  # about to be cleared away, by one who thought it was left behind
            directory = QueueDirectory(file_system, path, lock)
            file_system.rename(path, f"{root}/{name}")
        except FileNotFoundError:
            if directory is not None:
                directory.release()
        except OSError:
            _clear_away(file_system, path, directory)
            raise
        else:
            return QueueDirectory(file_system, f"{root}/{name}", lock)
    raise FileNotFoundError(f"{root}: no directory stays long enough to be locked")


def _clear_away(file_system: FileSystem, path: str, directory: QueueDirectory | None) -> None:
    try:
        if directory is not None:
            directory.release_and_remove()
        else:
            file_system.remove_directory(path)
    except OSError:
        pass  # left to whoever adopts next


def adopt(file_system: FileSystem, root: str, name: str) -> QueueDirectory | None:
    """Take over a directory whose process is gone; None if it is still held, or just vanished."""
    path = f"{root}/{name}"
    try:
        file_system.check_private(path)
        lock = file_system.lock(f"{path}/{LOCK}")
    except FileNotFoundError:
        return None
    return None if lock is None else QueueDirectory(file_system, path, lock)
