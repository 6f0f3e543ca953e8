"""`send --dry-run`: what would be sent, as a table."""

import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import islice

from dt_otlp_logs.cli.entry import Entry
from dt_otlp_logs.diagnostics import printable

# A screenful.
_ROWS = 20
_CONTENT_CHARACTERS = 100


def preview(entries: Iterator[Entry], *, live: bool) -> Iterator[str]:
    """The first records, one line each, and how many more there are; live input is not waited for to its end."""
    yield f"{'time':<31}{'loglevel':<11}content"
    shown = 0
    for entry in islice(entries, _ROWS):
        shown += 1
        yield _row(entry)
    if not live and (more := sum(1 for _ in entries)):
        yield f"... and {more:,} more"
    elif live and shown == _ROWS:
        yield "... what follows was not looked at"
    yield "nothing was sent"


def show(line: str) -> None:
    """Print a line on any terminal: what its encoding lacks is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding))


def _row(entry: Entry) -> str:
    """Time, level and content, with nothing in it a terminal would obey."""
    level = entry.level.text if entry.level else "NONE"
    return f"{_time(entry.time_unix_nano):<31}{level:<11}{_cut(printable(entry.content))}"


def _time(unix_nano: int | None) -> str:
    if unix_nano is None:
        return "-"
    seconds, nanos = divmod(unix_nano, 10**9)
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    fraction = f"{nanos:09d}".rstrip("0").ljust(3, "0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def _cut(text: str) -> str:
    return text if len(text) <= _CONTENT_CHARACTERS else text[: _CONTENT_CHARACTERS - 3] + "..."
