"""What is in a queue directory at this moment, from names and locks alone; nothing is changed."""

from dataclasses import dataclass
from pathlib import Path

from dt_otlp_logs.delivery.file_system import FileSystem
from dt_otlp_logs.delivery.kept_files import REASON_SUFFIX, REJECTED, SET_ASIDE, split_kept_name
from dt_otlp_logs.delivery.queue_directory import LOCK, parse_owner
from dt_otlp_logs.delivery.queue_file import parse_name


@dataclass(frozen=True, slots=True)
class Subdirectory:
    """What one process holds, or has left behind. `other`: files that are no queue files."""

    name: str
    destination: str
    pid: int
    is_running: bool
    files: int
    records: int
    bytes: int
    oldest_unix_nano: int | None
    other: int


@dataclass(frozen=True, slots=True)
class Kept:
    """So many files, with so many records by their names."""

    files: int = 0
    records: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Survey:
    """All of a queue directory."""

    subdirectories: tuple[Subdirectory, ...]
    rejected: Kept
    set_aside: Kept


def survey(directory: Path) -> Survey:
    """Look at a queue directory, also while processes are using it. Raises OSError."""
    return Survey(
        tuple(found for path in sorted(directory.iterdir()) if (found := _look_at(path)) is not None),
        kept_in(directory / REJECTED),
        kept_in(directory / SET_ASIDE),
    )


def _look_at(path: Path) -> Subdirectory | None:
    owner = parse_owner(path.name)
    if owner is None or path.is_symlink():
        return None
    try:
        held = _is_held(path)
        names = [child.name for child in path.iterdir() if child.name != LOCK]
    except (FileNotFoundError, NotADirectoryError):
        return None  # emptied and removed meanwhile
    files = [name for text in names if (name := parse_name(text)) is not None]
    return Subdirectory(
        name=path.name,
        destination=owner.destination,
        pid=owner.pid,
        is_running=held,
        files=len(files),
        records=sum(name.records for name in files),
        bytes=sum(name.body_bytes for name in files),
        oldest_unix_nano=min((name.oldest_unix_nano for name in files), default=None),
        other=len(names) - len(files),
    )


def _is_held(path: Path) -> bool:
    if not (path / LOCK).exists():
        return False
    file_system = FileSystem()
    lock = file_system.lock(f"{path}/{LOCK}")
    if lock is None:
        return True
    file_system.release(lock)
    return False


def kept_in(directory: Path) -> Kept:
    """What is in the rejected store, or among what was set aside."""
    return counted(kept_paths(directory))


def kept_paths(directory: Path) -> list[Path]:
    """The files in there, without the notes beside them, in the order of their names."""
    if not directory.is_dir() or directory.is_symlink():
        return []
    return sorted(path for path in directory.iterdir() if path.suffix != ".tmp" and not _is_note(path))


def _is_note(path: Path) -> bool:
    return path.name.endswith(REASON_SUFFIX)


def counted(paths: list[Path]) -> Kept:
    """These files, counted."""
    records = size = 0
    for path in paths:
        name = parse_name(split_kept_name(path.name)[1])
        records += name.records if name else 0
        try:
            size += path.lstat().st_size
        except FileNotFoundError:
            continue
    return Kept(len(paths), records, size)
