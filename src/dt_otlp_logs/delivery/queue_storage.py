"""The disk under the disk queue: directories held, files written, read and removed; trouble is said, never raised."""

import errno
import os
from collections.abc import Callable

from dt_otlp_logs.delivery.file_system import FileSystem, RefusedDirectoryError, words
from dt_otlp_logs.delivery.kept_files import KeptStores
from dt_otlp_logs.delivery.queue_directory import SUPERSEDES, QueueDirectory, adopt, create, parse_owner
from dt_otlp_logs.delivery.queue_file import DamagedFileError
from dt_otlp_logs.delivery.queue_slot import Origin, StoredFile
from dt_otlp_logs.encoding.payload import Payload

RETRY_SECONDS = 30.0
"""How soon a disk that failed is tried again."""

# Each held directory costs a file descriptor, of which an application may have 1,024 in all.
_MOST_ADOPTED = 50
# The process, not the file, is short of something: later it can be read.
_PASSING = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN}


class LostFileError(Exception):
    """A file's records are lost; the text says why."""


class NotNowError(Exception):
    """A file cannot be read at the moment."""


class QueueStorage:
    """What one process holds of a queue directory. Not thread-safe: the queue's lock is around it."""

    def __init__(
        self,
        file_system: FileSystem,
        root: str,
        destination: str,
        *,
        kept_max_bytes: int,
        say: Callable[[str], None],
        monotonic: Callable[[], float],
        random_hex: Callable[[], str],
    ) -> None:
        self._file_system = file_system
        self._root = root
        self._destination = destination
        self._say = say
        self._monotonic = monotonic
        self._random_hex = random_hex
        self._kept = KeptStores(file_system, root, kept_max_bytes, self._say_once)
        self._said: set[str] = set()
        self._start_over()

    def _start_over(self) -> None:
        self._owner = f"{self._destination}-{os.getpid()}-{self._random_hex()}"
        self._own: QueueDirectory | None = None
        self._adopted: dict[str, QueueDirectory] = {}
        self._avoided: set[str] = set()
        self._unremoved: list[StoredFile] = []
        self._sequence = 0
        self._failing = False
        self._retry_at = 0.0

    @property
    def is_usable(self) -> bool:
        """False while the disk is in trouble and it is too soon to try again."""
        return not self._failing or self._monotonic() >= self._retry_at

    def store(self, payload: Payload) -> StoredFile | None:
        """A payload in a file of our own directory; None if the disk does not take it now."""
        if not self.is_usable:
            return None
        try:
            if not self._file_system.can_lock:
                raise RefusedDirectoryError("this system has no flock")
            stored = self._write_own(payload)
        except OSError as error:
            self._fail(error)
            return None
        if self._failing:
            self._failing = False
            self._say(f"The queue directory {self._root} can be used again.")
        return stored

    def _write_own(self, payload: Payload) -> StoredFile:
        self._sequence += 1
        own = self._own or self._make_own()
        try:
            return StoredFile(own, own.write(payload, self._sequence))
        except FileNotFoundError:
            # Someone removed it while we used it. What was in it is found missing when its turn comes.
            self._own = None
            self._adopted[own.name] = own
            self._release_if_empty(own)
            own = self._make_own()
            return StoredFile(own, own.write(payload, self._sequence))

    def _make_own(self) -> QueueDirectory:
        self._own = create(self._file_system, self._root, self._destination, os.getpid(), self._random_hex())
        return self._own

    def _fail(self, error: OSError) -> None:
        self._retry_at = self._monotonic() + RETRY_SECONDS
        if not self._failing:
            self._failing = True
            self._say(
                f"The queue directory {self._root} cannot be used ({words(error)}): until it can, records wait in "
                "memory and are lost if the process ends."
            )

    def load(self, stored: StoredFile) -> Payload:
        """The payload of a file. LostFileError if it cannot be had, and the file is out of the way; NotNowError."""
        place, name = stored.place, stored.name
        try:
            return place.read(name)
        except DamagedFileError as error:
            reason = str(error)
        except FileNotFoundError:
            place.files -= 1
            self._release_if_empty(place)
            raise LostFileError(f"a file of the queue directory {self._root} was removed by someone else") from None
        except OSError as error:
            if error.errno in _PASSING:
                raise NotNowError from error
            reason = words(error)
        self._put_aside(place, name.text, reason)
        place.files -= 1
        self._release_if_empty(place)
        raise LostFileError(
            f"a queue file could not be used and was set aside in {self._kept.set_aside_path} ({reason})"
        )

    def remove(self, stored: StoredFile) -> None:
        """A file goes. If it cannot, it stays ours and is tried again, lest someone send it once more."""
        try:
            stored.place.remove(stored.name)
        except OSError:
            self._unremoved.append(stored)
        else:
            self._release_if_empty(stored.place)

    def checkpoint(self, origin: Origin) -> None:
        """Write down what is left of a request taken apart, so that after a crash only that is sent again."""
        first = origin.files[0]
        here = [file for file in origin.files if file.place is first.place]
        if not self.is_usable or len(here) < len(origin.files):
            return
        try:
            note = {SUPERSEDES: [file.name.text for file in here]}
            part = max(file.name.part for file in here) + 1
            name = first.place.write(origin.left(), first.name.sequence, part, note)
        except (OSError, ValueError):
            return  # the files stay as they are: after a crash more is sent again than needed, and nothing is lost
        replaced, origin.files = origin.files, [StoredFile(first.place, name)]
        for file in replaced:
            self.remove(file)

    def keep_rejected(self, payload: Payload, reason: str, rejected_unix_nano: int) -> None:
        """A copy of refused records for a person to look at and to replay."""
        self._sequence += 1
        note = {"reason": reason, "rejected_unix_nano": rejected_unix_nano}
        if self.is_usable and self._file_system.can_lock:
            self._kept.keep_rejected(payload, self._owner, self._sequence, note)

    def adopt(self, room_bytes: int) -> list[StoredFile]:
        """The files of processes that are gone and sent to the same destination, oldest first; they are ours now.

        Directory by directory while there is room; the rest is for other processes, or for a later look.
        """
        try:
            if not self._file_system.can_lock:
                return []
            names = sorted(name for name, is_file in self._file_system.entries(self._root) if not is_file)
            self._file_system.check_private(self._root)
        except FileNotFoundError:
            return []
        except OSError as error:
            self._say_once(f"The queue directory {self._root} cannot be used ({words(error)}).")
            return []
        found = []
        for name in names:
            owner = parse_owner(name)
            if owner is None or owner.destination != self._destination or name in self._avoided:
                continue
            if len(self._adopted) >= _MOST_ADOPTED or room_bytes <= 0:
                break
            if files := self._adopt(name):
                found.append(files)
                room_bytes -= sum(file.name.cost_bytes for file in files)
        found.sort(key=lambda files: files[0].name.oldest_unix_nano)
        return [file for files in found for file in files]

    def _adopt(self, name: str) -> list[StoredFile]:
        if name in self._adopted or (self._own is not None and self._own.name == name):
            return []
        try:
            place = adopt(self._file_system, self._root, name)
            if place is None:
                return []
            self._adopted[name] = place
            contents = place.contents()
        except OSError as error:
            self._say_once(f"{self._root}/{name} cannot be adopted ({words(error)}).")
            if name in self._adopted:
                self._adopted.pop(name).release()
            return []
        for foreign in contents.foreign:
            self._put_aside(place, foreign, "not a queue file")
        if count := len(contents.foreign):
            self._say_once(f"{place.path}: {count} are no queue files, set aside in {self._kept.set_aside_path}.")
        self._release_if_empty(place)
        return [StoredFile(place, file) for file in contents.files]

    def retry_removals(self) -> None:
        """Remove what could not be removed before."""
        unremoved, self._unremoved = self._unremoved, []
        for stored in unremoved:
            self.remove(stored)

    def release(self) -> None:
        """Let go of everything; files stay for the next process, empty directories go."""
        self.retry_removals()
        places, self._adopted = list(self._adopted.values()), {}
        own, self._own = self._own, None
        for place in (*places, *([own] if own else ())):
            self._release(place)

    def forget_in_child(self) -> None:
        """After a fork, in the child: what the parent holds is the parent's."""
        for place in (*self._adopted.values(), *([self._own] if self._own else ())):
            place.release()
        self._start_over()

    def _put_aside(self, place: QueueDirectory, name: str, reason: str) -> None:
        if not self._kept.set_aside(place.path, place.name, name, reason):
            # Else each look for orphans would find it anew.
            self._avoided.add(place.name)

    def _release_if_empty(self, place: QueueDirectory) -> None:
        if place.files <= 0 and self._adopted.get(place.name) is place:
            del self._adopted[place.name]
            self._release(place)

    def _release(self, place: QueueDirectory) -> None:
        try:
            place.release_and_remove()
        except OSError:
            self._avoided.add(place.name)  # left to the next process

    def _say_once(self, text: str) -> None:
        if len(self._said) < 100 and text not in self._said:
            self._said.add(text)
            self._say(text)
