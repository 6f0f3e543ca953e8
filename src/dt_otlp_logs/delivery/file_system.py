"""What the disk queue asks of the operating system, in one place: a test can fail or kill it at every call."""

import os
import stat
from pathlib import Path
from typing import Any

try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None  # type: ignore[assignment]

# Absent on Windows, where there is no disk queue.
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_CLOSE_ON_EXEC: int = getattr(os, "O_CLOEXEC", 0)
# A FIFO put in the place of a file must not make the reader wait for a writer.
_NON_BLOCKING: int = getattr(os, "O_NONBLOCK", 0)

_GROUP_OR_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class RefusedDirectoryError(PermissionError):
    """A directory that someone else could use to read, change or inject log records."""


def words(error: OSError) -> str:
    """What is wrong, for a person."""
    return error.strerror or str(error)


class FileSystem:
    """Plain files, never through a symbolic link. All methods raise OSError."""

    can_lock = _fcntl is not None

    def make_directory(self, path: str) -> None:
        """One new directory, for this user alone."""
        Path(path).mkdir(0o700)

    def make_directories(self, path: str) -> None:
        """A directory and its parents, unless it is there."""
        Path(path).mkdir(0o700, parents=True, exist_ok=True)

    def check_private(self, path: str) -> None:
        """RefusedDirectoryError unless it is a directory of this user that no other user may write to."""
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            raise RefusedDirectoryError(f"{path} is a symbolic link")
        if not stat.S_ISDIR(found.st_mode):
            raise RefusedDirectoryError(f"{path} is not a directory")
        if found.st_uid != os.geteuid():
            raise RefusedDirectoryError(f"{path} belongs to user {found.st_uid}, this process is {os.geteuid()}")
        if found.st_mode & _GROUP_OR_OTHERS_WRITE:
            raise RefusedDirectoryError(f"{path} can be written by others (mode {stat.S_IMODE(found.st_mode):04o})")

    def entries(self, path: str) -> list[tuple[str, bool]]:
        """Names in a directory, and whether each is a plain file; without a look at the files themselves."""
        with os.scandir(path) as found:
            return [(entry.name, entry.is_file(follow_symlinks=False)) for entry in found]

    def status(self, path: str) -> os.stat_result:
        """Size and times."""
        return os.lstat(path)

    def write(self, path: str, data: bytes) -> None:
        """A new file, for this user alone."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _CLOSE_ON_EXEC, 0o600)
        try:
            written = os.write(file, data)
            while written < len(data):
                written += os.write(file, data[written:])
        finally:
            os.close(file)

    def read(self, path: str, at_most: int) -> bytes:
        """The first bytes of a plain file."""
        file = os.open(path, os.O_RDONLY | _NO_FOLLOW | _CLOSE_ON_EXEC | _NON_BLOCKING)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(f"{path} is not a plain file")
            data = os.read(file, at_most)
            while len(data) < at_most and (more := os.read(file, at_most - len(data))):
                data += more
            return data
        finally:
            os.close(file)

    def rename(self, source: str, target: str) -> None:
        """Move a file or directory, replacing a file of that name."""
        Path(source).rename(target)

    def remove(self, path: str) -> None:
        """Remove a file."""
        Path(path).unlink()

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        Path(path).rmdir()

    def lock(self, path: str) -> int | None:
        """Hold this lock file until `release`; None if another holds it, or it was removed in the meantime."""
        fcntl: Any = _fcntl
        file = os.open(path, os.O_RDWR | os.O_CREAT | _NO_FOLLOW | _CLOSE_ON_EXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_nlink:
                return file
        except BlockingIOError:
            pass
        except OSError:
            os.close(file)
            raise
        os.close(file)
        return None

    def release(self, lock: int) -> None:
        """Let go of a lock. A forked child's copy of it goes without the parent losing it."""
        # Never LOCK_UN: a lock belongs to the open file, which parent and child share.
        os.close(lock)
