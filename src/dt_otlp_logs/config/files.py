"""Files and directories named in settings: checked at start, so that no record has to find out."""

import os
from pathlib import Path

from dt_otlp_logs.config.masking import shown
from dt_otlp_logs.config.problem import BadValueError

_LARGEST_PEM = 4_000_000  # a system's whole CA bundle has a quarter of a megabyte


def readable_path(value: object) -> Path:
    """Answer *value* as an absolute path, `~` resolved; raises `BadValueError`."""
    if not isinstance(value, (str, os.PathLike)) or not str(value).strip() or "\0" in str(value):
        raise BadValueError("the path of a file")
    try:
        return Path(os.fspath(value)).expanduser().absolute()
    except RuntimeError:
        raise BadValueError("a path; there is no home directory for ~") from None


def pem_file(value: object, marks: tuple[str, ...], holds: str) -> Path:
    """Answer the path of a PEM file that holds one of *marks*; raises `BadValueError` saying what is wrong with it."""
    path = readable_path(value)
    text = _content(path, holds)
    if "ENCRYPTED PRIVATE KEY-----" in text or "Proc-Type: 4,ENCRYPTED" in text:
        # OpenSSL would ask for the pass phrase on the terminal, from a thread nobody looks at.
        raise BadValueError(f"{holds} without a pass phrase", shown(path))
    if not any(mark in text for mark in marks):
        raise BadValueError(f"{holds} in PEM form (-----BEGIN ...)", shown(path))
    return path


def has_private_key(path: Path) -> bool:
    """Tell whether a certificate file also holds its key."""
    return "PRIVATE KEY-----" in path.read_bytes()[:_LARGEST_PEM].decode("latin-1")


def writable_directory(value: object) -> Path:
    """Answer a directory that exists or can be made, and be written to; raises `BadValueError`."""
    path = readable_path(value)
    nearest = path
    try:
        while not nearest.exists() and nearest != nearest.parent:
            nearest = nearest.parent
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            return path
        reason = "is not a directory" if not nearest.is_dir() else "may not be written to"
    except OSError as error:
        reason = f"cannot be looked at: {error.strerror}"
    raise BadValueError(f"a directory to write to; {shown(nearest)} {reason}", shown(path))


def _content(path: Path, holds: str) -> str:
    try:
        if not path.exists():
            raise BadValueError(f"{holds}; there is no such file", shown(path))
        if not path.is_file():
            raise BadValueError(f"{holds}; this is not a regular file", shown(path))
        with path.open("rb") as file:
            return file.read(_LARGEST_PEM).decode("latin-1")
    except (OSError, ValueError) as error:
        if isinstance(error, BadValueError):
            raise
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise BadValueError(f"{holds}; it cannot be read: {reason}", shown(path)) from None
