"""Where the token comes from: given once, or read from a file that may be replaced while the app runs."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from dt_otlp_logs.config.masking import escape, mask
from dt_otlp_logs.config.problem import BadValueError
from dt_otlp_logs.config.token import ApiToken

_LARGEST_FILE = 65_536  # a token has about 100 bytes: whatever is larger is another file


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the file held when it was last read. Replaced as a whole, so threads and forks need no lock."""

    identity: tuple[int, ...] | None = None
    token: ApiToken | None = None
    problem: str | None = None


class TokenSource:
    """The token to send with the next request; `None` where no token is sent.

    Made by `TokenSource.fixed`, `.from_file` or `.none`. Nothing here raises once it is made: a file that has
    gone or become empty leaves the last good token in use and says so in `problem`.
    """

    __slots__ = ("_path", "_reading", "where")

    def __init__(self, where: str, token: ApiToken | None = None, path: Path | None = None) -> None:
        self.where = where
        self._path = path
        self._reading = _Reading(token=token)

    @classmethod
    def fixed(cls, token: ApiToken, where: str = "argument") -> "TokenSource":
        """Use one token for good; *where* names its source in messages, such as `DT_API_TOKEN`."""
        return cls(where, token)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "TokenSource":
        """Read the token from a file, and again whenever the file has changed."""
        file = Path(path).expanduser().absolute()
        source = cls(f"file {escape(mask(str(file)))}", path=file)
        source.reload()
        return source

    @classmethod
    def none(cls) -> "TokenSource":
        """Send no token: OneAgent's local ingest and OTLP receivers need none."""
        return cls("nowhere")

    @property
    def problem(self) -> str | None:
        """Why the file gave no token when it was last read; `None` when all is well."""
        return self._reading.problem

    def current(self) -> ApiToken | None:
        """Answer the token to use now; a file is looked at each time and read only when it has changed."""
        if self._path is not None and self._identity(self._path) != self._reading.identity:
            self.reload()
        return self._reading.token

    def reload(self) -> bool:
        """Read the file again, changed or not; True when the token is another one than before."""
        if self._path is None:
            return False
        before = self._reading.token
        self._reading = self._read(self._path, before)
        return self._reading.token != before

    @staticmethod
    def _identity(path: Path) -> tuple[int, ...] | None:
        # stat() follows symbolic links: Kubernetes replaces a mounted secret by swapping one.
        try:
            return _identity_of(path.stat())
        except (OSError, ValueError):
            return None

    @staticmethod
    def _read(path: Path, last_good: ApiToken | None) -> _Reading:
        name = escape(mask(str(path)))
        try:
            # Looked at before it is opened: opening a named pipe would wait for its writer.
            if not stat.S_ISREG(path.stat().st_mode):
                return _Reading(None, last_good, f"{name}, which is not a regular file")
            with path.open("rb") as file:
                identity = _identity_of(os.fstat(file.fileno()))
                content = file.read(_LARGEST_FILE + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a usable path"
            return _Reading(None, last_good, f"{name}, which cannot be read: {reason}")
        if len(content) > _LARGEST_FILE:
            return _Reading(identity, last_good, f"{name}, which is too large to be a token file")
        try:
            return _Reading(identity, ApiToken(content.decode("utf-8-sig", errors="replace")))
        except BadValueError as bad:
            return _Reading(identity, last_good, f"{name}, which holds no usable token: {bad.found}")

    def __copy__(self) -> "TokenSource":
        return self

    def __deepcopy__(self, memo: object) -> "TokenSource":
        return self

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("a TokenSource is not pickled: its token would be stored in the clear")

    def __repr__(self) -> str:
        return f"TokenSource({self._reading.token or 'no token'}, from {self.where})"


def _identity_of(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
