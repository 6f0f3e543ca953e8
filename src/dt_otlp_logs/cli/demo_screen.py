"""What the demo shows: a live table on a terminal, plain lines elsewhere. Nothing from a record is interpreted."""

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from dt_otlp_logs.diagnostics import printable

_COLUMNS = ("time", "loglevel", "service", "content", "trace id")
_MOST_ROWS_ON_SCREEN = 14
# Title, header and the table's lines.
_LINES_AROUND_ROWS = 6
# Narrower than this a column's room is the content's: (columns of the terminal, name).
_ONLY_FROM_WIDTH = {"trace id": 100, "service": 70}
# On paper (a pipe, CI) a few rows of each half second are enough to see what is going on.
_ROWS_PER_ROUND_ON_PAPER = 2
_ROUNDS_OF_SILENCE_ON_PAPER = 4
_STYLES = {"ERROR": "red", "WARN": "yellow"}


class Screen(Protocol):
    """Where the demo shows what happens."""

    def event(self, text: str) -> None:
        """Something happened that is worth a line of its own."""
        ...

    def show(self, arrived: Sequence[Mapping[str, Any]], status: str) -> None:
        """These records are new; `status` is how it stands."""
        ...

    def close(self) -> None:
        """No more records; what follows is ordinary printing."""
        ...


def row(record: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """One record as the five cells of the table."""
    return (
        str(record.get("timestamp", ""))[11:23],
        str(record.get("loglevel", "")),
        printable(str(record.get("service.name", ""))),
        printable(str(record.get("content", "")).split("\n", 1)[0]),
        str(record.get("trace_id", "")),
    )


class PaperScreen:
    """Plain lines."""

    def __init__(self) -> None:
        self._heading_said = False
        self._silent_rounds = 0

    def event(self, text: str) -> None:
        print(f"--- {text}", flush=True)

    def show(self, arrived: Sequence[Mapping[str, Any]], status: str) -> None:
        if arrived and not self._heading_said:
            self._heading_said = True
            self._line(_COLUMNS)
        for record in arrived[:_ROWS_PER_ROUND_ON_PAPER]:
            self._line(row(record))
        if len(arrived) > _ROWS_PER_ROUND_ON_PAPER:
            print(f"    ... and {len(arrived) - _ROWS_PER_ROUND_ON_PAPER} more ({status})", flush=True)
        self._silent_rounds = 0 if arrived else self._silent_rounds + 1
        if self._silent_rounds >= _ROUNDS_OF_SILENCE_ON_PAPER:
            self._silent_rounds = 0
            print(f"    {status}", flush=True)

    def close(self) -> None:
        pass

    def _line(self, cells: Sequence[str]) -> None:
        time, loglevel, service, content, trace_id = cells
        print(f"{time:12}  {loglevel:8}  {service:8}  {content[:60]:60}  {trace_id}", flush=True)


class TerminalScreen:
    """A table that follows what arrives, with the events below it."""

    def __init__(self, console: Any = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._rows: deque[tuple[str, str, str, str, str]] = deque(maxlen=_MOST_ROWS_ON_SCREEN)
        self._events: list[str] = []
        self._status = ""
        self._console = console or Console()
        self._live = Live(console=self._console, refresh_per_second=8, transient=False)
        self._live.start()

    def event(self, text: str) -> None:
        self._events.append(text)
        self._draw()

    def show(self, arrived: Sequence[Mapping[str, Any]], status: str) -> None:
        self._rows.extend(row(record) for record in arrived)
        self._status = status
        self._draw()

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> None:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        width, height = self._console.size
        below = [*(Text(f"  {text}", style="bold") for text in self._events), Text(f"  {self._status}")]
        # A line that is too long takes several.
        room = height - _LINES_AROUND_ROWS - sum(1 + len(text) // width for text in below)
        names = columns(width)
        table = Table(title="Arrived in the local Dynatrace", expand=True)
        for name in names:
            table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1 if name == "content" else None)
        for cells in list(self._rows)[-max(room, 1) :]:
            by_name = dict(zip(_COLUMNS, cells, strict=True))
            # Text, not markup: a log line may contain [brackets].
            shown = {name: Text(cell) for name, cell in by_name.items()}
            shown["loglevel"].stylize(_STYLES.get(by_name["loglevel"], ""))
            shown["trace id"].truncate(16)
            table.add_row(*(shown[name] for name in names))
        self._live.update(Group(table, *below))


def columns(width: int) -> list[str]:
    """The columns that a terminal of this width has room for beside a readable content."""
    return [name for name in _COLUMNS if width >= _ONLY_FROM_WIDTH.get(name, 0)]


def screen_for(stream: Any = None) -> Screen:
    """The terminal's table where there is a terminal and rich, else plain lines."""
    if (stream or sys.stdout).isatty():
        try:
            return TerminalScreen()
        except ModuleNotFoundError:
            pass  # without the extra `cli` plain lines do
    return PaperScreen()
