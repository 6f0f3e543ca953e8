"""A growing file, followed through rotation and truncation, as `tail -F` does."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dt_otlp_logs.cli.source import CHUNK_BYTES, QUIET_SECONDS, READ_ERRORS, Pause, Wait, open_unbuffered

POLL_SECONDS = 0.25


class FollowedFile:
    """Reads a file, waits for more, and goes on with the new file when the old one was renamed or emptied.

    The old file is read on until it has been silent for a second after its rotation: a program goes on writing to it
    until it is told to open the new one. Two rotations during one outage lose what only the file between them held.
    """

    live = True
    size = None

    def __init__(self, path: str, file: BinaryIO, *, from_end: bool = False) -> None:
        self._path = path
        self._file = file
        self.position = file.seek(0, os.SEEK_END) if from_end else 0

    def events(self, wait: Wait) -> Iterator[bytes | Pause]:
        """What the file holds, then what is added to it, until the command is to stop."""
        silent_seconds = 0.0
        while True:
            data = self._file.read(CHUNK_BYTES)
            if data:
                self.position += len(data)
                silent_seconds = 0.0
                yield data
                if wait(0):
                    break
                continue
            if self._was_emptied():
                self._file.seek(0)
                self.position = 0
                yield Pause.NEXT_FILE
                continue
            rotated = self._was_rotated()
            if rotated and silent_seconds >= QUIET_SECONDS and self._open_next():
                silent_seconds = 0.0
                yield Pause.NEXT_FILE
                continue
            yield Pause.QUIET if silent_seconds >= QUIET_SECONDS else Pause.WAITING
            if wait(POLL_SECONDS):
                break
            silent_seconds += POLL_SECONDS
        with self._file:
            yield from self._what_is_there()

    def _what_is_there(self) -> Iterator[bytes]:
        """What was written before the stop, and no more: a busy writer must not keep us."""
        left = os.fstat(self._file.fileno()).st_size - self.position
        while left > 0:
            data = self._file.read(min(left, CHUNK_BYTES))
            if not data:
                return
            left -= len(data)
            self.position += len(data)
            yield data

    def _was_emptied(self) -> bool:
        return os.fstat(self._file.fileno()).st_size < self.position

    def _was_rotated(self) -> bool:
        try:
            named = Path(self._path).stat()
        except OSError:
            return False  # renamed away, and no new one yet
        opened = os.fstat(self._file.fileno())
        return (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino)

    def _open_next(self) -> bool:
        try:
            following = open_unbuffered(self._path)
        except READ_ERRORS:
            return False  # gone again, or not yet readable: the next round tries it
        self._file.close()
        self._file = following
        self.position = 0
        return True
