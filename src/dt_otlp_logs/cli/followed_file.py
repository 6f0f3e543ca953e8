"""A growing file, followed through rotation and truncation, as `tail -F` does."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dt_otlp_logs.cli.rotation import identity_of, rotated_files
from dt_otlp_logs.cli.source import CHUNK_BYTES, QUIET_SECONDS, READ_ERRORS, Pause, Wait, open_unbuffered

POLL_SECONDS = 0.2


class FollowedFile:
    """Reads a file, waits for more, and goes on with the new file when the old one was renamed or emptied.

    The old file is read on until it has been silent for a second after its rotation: a program goes on writing to it
    until it is told to open the new one. Meanwhile each new file is opened as soon as it is seen, so that a further
    rotation takes none of them away, and what came and went unseen is looked for under the names rotation gives.
    """

    live = True
    size = None

    def __init__(self, path: str, file: BinaryIO, *, from_end: bool = False) -> None:
        self._path = path
        self._file = file
        self.position = file.seek(0, os.SEEK_END) if from_end else 0
        self._newest = identity_of(os.fstat(file.fileno()))
        self._following: deque[BinaryIO] = deque()
        # Files that were read, are about to be, or were there before us: none of them is missed.
        self._known = {self._newest, *rotated_files(path)}

    def events(self, wait: Wait) -> Iterator[bytes | Pause]:
        """What the file holds, then what is added to it, until the command is to stop."""
        silent_seconds = 0.0
        while True:
            self._look_for_new_files()
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
            # Two files on, no program still writes to the old one.
            patience = QUIET_SECONDS if len(self._following) < 2 else POLL_SECONDS
            if self._following and silent_seconds >= patience:
                self._go_on()
                silent_seconds = 0.0
                yield Pause.NEXT_FILE
                continue
            yield Pause.QUIET if silent_seconds >= QUIET_SECONDS else Pause.WAITING
            if wait(POLL_SECONDS):
                break
            silent_seconds += POLL_SECONDS
        yield from self._what_is_there()
        while self._following:
            self._go_on()
            yield Pause.NEXT_FILE
            yield from self._what_is_there()
        self._file.close()

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

    def _look_for_new_files(self) -> None:
        """Open what has taken the name since the last look, and what had it in between."""
        try:
            if identity_of(Path(self._path).stat()) == self._newest:
                return
        except OSError:
            return  # renamed away, and no new one yet
        new = _opened(self._path)
        if new is None:
            return  # gone again, or not yet readable: the next look tries it
        opened = identity_of(os.fstat(new.fileno()))
        if opened == self._newest:  # renamed back meanwhile
            new.close()
            return
        beside = rotated_files(self._path)
        last_written = os.fstat((self._following or [self._file])[-1].fileno()).st_mtime_ns
        missed = [
            (written, path)
            for identity, (written, path) in beside.items()
            if identity not in self._known and identity != opened and written >= last_written
        ]
        for _, path in sorted(missed):
            if (file := _opened(str(path))) is not None:
                self._following.append(file)
        self._following.append(new)
        self._newest = opened
        self._known |= {*beside, opened}

    def _go_on(self) -> None:
        self._file.close()
        self._file = self._following.popleft()
        self.position = 0


def _opened(path: str) -> BinaryIO | None:
    try:
        return open_unbuffered(path)
    except READ_ERRORS:
        return None
