"""Where the lines come from: a file read to its end, or a pipe read until it is closed."""

import gzip
import io
import os
import select
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from dt_otlp_logs.cli.failure import UsageError
from dt_otlp_logs.diagnostics import printable

CHUNK_BYTES = 256 * 1024
QUIET_SECONDS = 1.0
_GZIP = b"\x1f\x8b"

# What reading can run into half way: a disk or network error, a damaged gzip file.
READ_ERRORS = (OSError, EOFError, zlib.error)

Wait = Callable[[float], bool]
"""Waits so many seconds, or until the command is to stop; answers whether it is."""


class Pause(Enum):
    """What a source says between its bytes."""

    WAITING = "nothing new at the moment"
    QUIET = "nothing new for a second: what is half read may be all there is"
    NEXT_FILE = "what follows is another file's content"


class Source(Protocol):
    """Bytes, and the pauses between them; ends by itself or when told to stop."""

    live: bool
    """Whether lines are read as they are written, rather than long after."""

    @property
    def size(self) -> int | None:
        """Bytes in all, if that can be known."""
        ...

    @property
    def position(self) -> int:
        """Bytes read so far."""
        ...

    def events(self, wait: Wait) -> Iterator[bytes | Pause]:
        """Everything there is to read."""
        ...


def open_unbuffered(path: str) -> BinaryIO:
    """The file, read as it is on disk at that moment."""
    return cast("BinaryIO", Path(path).open("rb", buffering=0))


def open_file(path: str, opener: Callable[[str], BinaryIO] = open_unbuffered, *, grows: bool = False) -> BinaryIO:
    """The file opened for reading; whatever keeps it from being opened is a `UsageError` of one line.

    `grows`: it is to be followed, which only makes sense for an ordinary, uncompressed file.
    """
    shown = printable(path)
    if not path:
        raise UsageError("the file's name is empty: name a file, or - for standard input")
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise UsageError(f"{shown} is a directory: name a file, or - for standard input")
        if grows and not stat.S_ISREG(mode):  # asked before opening: a pipe that nobody writes to would block
            raise UsageError(f"{shown} is no ordinary file: it is read until it is closed, without --follow")
        file = opener(path)
    except FileNotFoundError:
        raise UsageError(f"{shown} does not exist") from None
    except PermissionError:
        raise UsageError(f"{shown} may not be read by this user") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{shown} cannot be opened: {reason}") from None
    if grows and file.read(len(_GZIP)) == _GZIP:
        file.close()
        raise UsageError(f"{shown} is compressed and cannot grow: send it without --follow")
    if grows:
        file.seek(0)
    return file


def source_of(file: BinaryIO) -> Source:
    """The file as a source: regular files are read to their end, pipes and devices as they come."""
    try:
        regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, io.UnsupportedOperation):
        regular = True
    return FileSource(file) if regular else PipeSource(file)


class FileSource:
    """A file read to its end; a gzip file is known by its first bytes and read as what it holds."""

    live = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = _size(file)
        self.position = 0

    def events(self, wait: Wait) -> Iterator[bytes | Pause]:
        """The content in chunks."""
        with self._file:
            data = self._file.read(CHUNK_BYTES)
            if data.startswith(_GZIP) and self._file.seekable():
                self._file.seek(0)
                yield from self._unpacked(wait)
                return
            while data and not wait(0):
                self.position += len(data)
                yield data
                data = self._file.read(CHUNK_BYTES)

    def _unpacked(self, wait: Wait) -> Iterator[bytes]:
        with gzip.GzipFile(fileobj=self._file) as unpacked:
            while not wait(0):
                # Not read(): when it runs into damage it keeps to itself what it had unpacked before.
                try:
                    data = unpacked.read1(CHUNK_BYTES)
                except gzip.BadGzipFile as damage:
                    raise OSError(f"the rest is not gzip, or is damaged ({damage})") from damage
                if not data:
                    return
                self.position = self._file.tell()
                yield data


class PipeSource:
    """Standard input or a named pipe: read as it comes, with a word when it is quiet."""

    live = True
    size = None

    def __init__(self, file: BinaryIO, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._file = file
        self._quiet_seconds = quiet_seconds
        self.position = 0

    def events(self, wait: Wait) -> Iterator[bytes | Pause]:
        """The content as it arrives."""
        number = self._file.fileno()
        while not wait(0):
            if not self._ready(number):
                yield Pause.QUIET
                continue
            data = os.read(number, CHUNK_BYTES)
            if not data:
                return
            self.position += len(data)
            yield data

    def _ready(self, number: int) -> bool:
        # select() on Windows knows sockets only; there reading simply waits.
        return sys.platform == "win32" or bool(select.select([number], [], [], self._quiet_seconds)[0])


def _size(file: BinaryIO) -> int | None:
    try:
        return os.fstat(file.fileno()).st_size
    except (OSError, io.UnsupportedOperation):
        return None
