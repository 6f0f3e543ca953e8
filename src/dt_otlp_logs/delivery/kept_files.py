"""Files kept for a person to look at: rejected records, and damaged files that were set aside. Bounded in bytes."""

from collections.abc import Callable, Mapping
from typing import Any

from dt_otlp_logs.delivery.file_system import FileSystem, words
from dt_otlp_logs.delivery.queue_directory import write_whole
from dt_otlp_logs.delivery.queue_file import name_for, to_bytes
from dt_otlp_logs.encoding.payload import Payload

REJECTED = "rejected"
SET_ASIDE = "set-aside"
REASON_SUFFIX = ".why.txt"

# Looking through the whole directory is only worth it now and then; in between it may grow by so many files.
_FILES_BETWEEN_LOOKS = 100
# File systems hand out space in blocks of about this size.
_LEAST_BYTES = 4096


class KeptFiles:
    """One such directory, shared by processes; when it is full, the oldest files are removed. Raises OSError."""

    def __init__(self, file_system: FileSystem, root: str, name: str, max_bytes: int) -> None:
        self._file_system = file_system
        self._root = root
        self.path = f"{root}/{name}"
        self._max_bytes = max_bytes
        self._until_look = 0

    def add(self, payload: Payload, owner: str, sequence: int, note: Mapping[str, Any]) -> None:
        """Keep a payload, with a note on why; `owner` and `sequence` make its name."""
        self._prepare()
        path = f"{self.path}/{kept_name(owner, name_for(payload, sequence).text)}"
        write_whole(self._file_system, path, to_bytes(payload, note))

    def move_in(self, directory: str, owner: str, name: str, reason: str) -> None:
        """Move a file here, the reason beside it."""
        self._prepare()
        path = f"{self.path}/{kept_name(owner, name)}"
        self._file_system.rename(f"{directory}/{name}", path)
        try:
            self._file_system.write(path + REASON_SUFFIX, f"{reason}\n".encode())
        except OSError:
            pass  # it is set aside all the same, and the reason has been reported

    def _prepare(self) -> None:
        self._file_system.make_directories(self._root)
        self._file_system.check_private(self._root)
        try:
            self._file_system.make_directory(self.path)
        except FileExistsError:
            self._file_system.check_private(self.path)
        self._until_look -= 1
        if self._until_look < 0:
            self._until_look = _FILES_BETWEEN_LOOKS
            self._make_room()

    def _make_room(self) -> None:
        found = []
        for name, _ in self._file_system.entries(self.path):
            path = f"{self.path}/{name}"
            try:
                status = self._file_system.status(path)
            except FileNotFoundError:
                continue  # another process makes room, too
            found.append((status.st_mtime_ns, path, max(status.st_size, _LEAST_BYTES)))
        over = sum(size for _, _, size in found) - self._max_bytes
        for _, path, size in sorted(found):
            if over <= 0:
                break
            try:
                self._file_system.remove(path)
            except OSError:
                continue  # a directory, or gone
            over -= size


class KeptStores:
    """The rejected store and what was set aside. Raises nothing: trouble is said, each kind once."""

    def __init__(self, file_system: FileSystem, root: str, max_bytes: int, say_once: Callable[[str], None]) -> None:
        self._rejected = KeptFiles(file_system, root, REJECTED, max_bytes)
        self._set_aside = KeptFiles(file_system, root, SET_ASIDE, max_bytes)
        self._say_once = say_once

    @property
    def set_aside_path(self) -> str:
        """Where files are set aside."""
        return self._set_aside.path

    def keep_rejected(self, payload: Payload, owner: str, sequence: int, note: Mapping[str, Any]) -> None:
        """A copy of refused records for a person to look at and to replay."""
        try:
            self._rejected.add(payload, owner, sequence, note)
        except OSError as error:
            self._say_once(f"Rejected records cannot be kept in {self._rejected.path} ({words(error)}).")

    def set_aside(self, directory: str, owner: str, name: str, reason: str) -> bool:
        """Move a file out of the way; False if it cannot be moved."""
        try:
            self._set_aside.move_in(directory, owner, name, reason)
        except OSError as error:
            self._say_once(f"{directory}/{name} ({reason}) cannot be set aside ({words(error)}).")
            return False
        return True


def kept_name(owner: str, name: str) -> str:
    """The name of a kept file: whose it was, and what it was called there."""
    return f"{owner}.{name}"[:255]


def split_kept_name(text: str) -> tuple[str, str]:
    """Whose a kept file was, and what it was called there."""
    owner, _, name = text.partition(".")
    return owner, name
