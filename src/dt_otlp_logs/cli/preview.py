"""`send --dry-run`: what would be sent, as a table."""

import sys
from collections.abc import Iterable
from datetime import datetime, timezone

from dt_otlp_logs.cli.entry import Entry
from dt_otlp_logs.diagnostics import printable

_CONTENT_CHARACTERS = 100


def preview_rows(entries: Iterable[Entry]) -> Iterable[str]:
    """Time, level and content of each entry, one line each, with nothing in it a terminal would obey."""
    yield f"{'time':<31}{'loglevel':<11}content"
    for entry in entries:
        level = entry.level.text if entry.level else "NONE"
        yield f"{_time(entry.time_unix_nano):<31}{level:<11}{_cut(printable(entry.content))}"


def show(line: str) -> None:
    """Print a line on any terminal: what its encoding lacks is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding))


def _time(unix_nano: int | None) -> str:
    if unix_nano is None:
        return "-"
    seconds, nanos = divmod(unix_nano, 10**9)
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    fraction = f"{nanos:09d}".rstrip("0").ljust(3, "0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def _cut(text: str) -> str:
    return text if len(text) <= _CONTENT_CHARACTERS else text[: _CONTENT_CHARACTERS - 3] + "..."
