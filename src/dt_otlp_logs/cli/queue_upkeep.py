"""Changes to a queue directory from outside: replay and purge, never of what a running process holds."""

import os
import secrets
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from dt_otlp_logs.cli.queue_survey import Kept, counted, kept_paths
from dt_otlp_logs.delivery.file_system import FileSystem
from dt_otlp_logs.delivery.kept_files import REASON_SUFFIX, REJECTED, SET_ASIDE, split_kept_name
from dt_otlp_logs.delivery.queue_directory import QueueDirectory, adopt, create, parse_owner
from dt_otlp_logs.delivery.queue_file import DamagedFileError, FileName, from_bytes, name_for

_LARGEST_FILE_BYTES = 100_000_000


class QueueUpkeep:
    """One queue directory of this user. Raises OSError, also for a directory that is not this user's alone."""

    def __init__(self, directory: Path, *, dry_run: bool = False) -> None:
        self._file_system = FileSystem()
        self._root = str(directory)
        self._directory = directory
        self._dry_run = dry_run
        # As another user, root included, it would leave behind what the apps cannot take up.
        self._file_system.check_private(self._root)

    def replay_rejected(self) -> int:
        """Rejected records wait once more; answers how many."""
        return self._replay(REJECTED)[0]

    def replay_set_aside(self) -> tuple[int, int]:
        """What was set aside and can be read waits once more: records, and files that stay."""
        return self._replay(SET_ASIDE)

    def _replay(self, store: str) -> tuple[int, int]:
        records = unusable = 0
        found: dict[str, list[tuple[Path, FileName]]] = defaultdict(list)
        for path in kept_paths(self._directory / store):
            owner = parse_owner(split_kept_name(path.name)[0])
            name = self._usable(path)
            if owner is None or name is None:
                unusable += 1
            else:
                found[owner.destination].append((path, name))
        for destination, files in found.items():
            # An orphan from the start: whoever sends to this destination adopts it.
            place = create(self._file_system, self._root, destination, os.getpid(), secrets.token_hex(6))
            try:
                for sequence, (path, name) in enumerate(files, start=1):
                    numbered = FileName(sequence, 0, *_numbers(name))
                    self._file_system.rename(str(path), place.path_of(numbered.text))
                    _remove_note(path)
                    records += name.records
            finally:
                place.release()
        return records, unusable

    def _usable(self, path: Path) -> FileName | None:
        try:
            payload, _ = from_bytes(self._file_system.read(str(path), _LARGEST_FILE_BYTES))
        except (DamagedFileError, OSError):
            return None
        return name_for(payload, 1)

    def redirect_orphans(self, destination: str) -> int:
        """What waits for other destinations and is nobody's goes to this one; answers how many records."""
        records = 0
        for place in self._orphans():
            owner = parse_owner(place.name)
            if owner is None or owner.destination == destination:
                continue
            records += sum(name.records for name in place.contents().files)
            name = f"{destination}-{os.getpid()}-{secrets.token_hex(6)}"
            self._file_system.rename(place.path, f"{self._root}/{name}")
        return records

    def purge_rejected(self, before_unix: float) -> Kept:
        """Rejected records that were kept before a time go for good."""
        return self._purge_kept(REJECTED, before_unix)

    def purge_set_aside(self, before_unix: float) -> Kept:
        """Files that were set aside before a time go for good."""
        return self._purge_kept(SET_ASIDE, before_unix)

    def _purge_kept(self, store: str, before_unix: float) -> Kept:
        old = [path for path in kept_paths(self._directory / store) if path.lstat().st_mtime <= before_unix]
        gone = counted(old)
        for path in old * (not self._dry_run):
            if not path.is_dir() or path.is_symlink():
                path.unlink(missing_ok=True)
                _remove_note(path)
        return gone

    def purge_orphans(self, before_unix: float) -> Kept:
        """Records older than a time that processes which are gone have left go for good."""
        files = records = size = 0
        for place in self._orphans():
            for name in place.contents().files:
                if name.oldest_unix_nano / 1e9 <= before_unix:
                    files, records, size = files + 1, records + name.records, size + name.body_bytes
                    if not self._dry_run:
                        place.remove(name)
        return Kept(files, records, size)

    def _orphans(self) -> Iterator[QueueDirectory]:
        """Each directory whose process is gone, held while it is looked at, and removed if it is empty then."""
        for text, is_file in sorted(self._file_system.entries(self._root)):
            if is_file or parse_owner(text) is None:
                continue
            place = adopt(self._file_system, self._root, text)
            if place is None:
                continue
            try:
                yield place
            finally:
                try:
                    place.release_and_remove()
                except FileNotFoundError:
                    pass  # it has another name now


def _numbers(name: FileName) -> tuple[int, int, int, int, int]:
    return name.records, name.body_bytes, name.size_bytes, name.expanded_bytes, name.oldest_unix_nano


def _remove_note(path: Path) -> None:
    path.with_name(path.name + REASON_SUFFIX).unlink(missing_ok=True)
