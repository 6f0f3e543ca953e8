"""What a log's rotation leaves beside it: the files that came and went between two looks at its name."""

import os
import re
import stat
from pathlib import Path

# Such as .1, -20261125 and .2026-11-25_12; not .gz, which is a copy, nor .err, which is another log.
_SUFFIX = re.compile(r"[.-]\d[\d._-]*", re.ASCII)

Identity = tuple[int, int]
"""Device and inode: what stays the same when a file is renamed."""


def identity_of(status: os.stat_result) -> Identity:
    """Which file this is."""
    return status.st_dev, status.st_ino


def rotated_files(path: str) -> dict[Identity, tuple[int, Path]]:
    """The files that seem to have been called `path` before: when each was last written to, and its name now."""
    log = Path(path)
    found = {}
    try:
        with os.scandir(log.parent) as entries:
            for entry in entries:
                if not entry.name.startswith(log.name) or not _SUFFIX.fullmatch(entry.name[len(log.name) :]):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # renamed at this moment: what is not found stays lost
                if stat.S_ISREG(status.st_mode):
                    found[identity_of(status)] = (status.st_mtime_ns, Path(entry.path))
    except OSError:
        return {}
    return found
