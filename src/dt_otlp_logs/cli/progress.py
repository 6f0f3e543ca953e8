"""The progress bar of `send`: on a terminal and with rich installed, else nothing."""

import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from dt_otlp_logs.cli.standard_output import complain
from dt_otlp_logs.diagnostics import printable


class Progress:
    """Shows how far reading and delivery are, and on a line of its own why delivery waits if it does."""

    def __init__(self, file: str, total_bytes: int | None, *, quiet: bool = False, console: Any = None) -> None:
        # Of a path its end says most; a narrow terminal has no room for all of it.
        self._title = "standard input" if file == "-" else printable(Path(file).name)
        self._total_bytes = total_bytes
        wanted = not quiet and (console is not None or _on_terminal())
        self._task: Any = None
        self._why: str | None = None
        self._bar: Any = None
        self._live: Any = None
        if wanted:
            self._bar, self._live = _bar(self._shown, console)

    def advance(self, position: int, delivered: int) -> None:
        """So many bytes are read and so many records delivered."""
        if self._bar is not None:
            self._bar.update(self._task, completed=position, delivered=f"{delivered:,} delivered")

    def waits(self, why: str | None) -> None:
        """Delivery is held up for this reason; None: it goes on."""
        self._why = why

    def say(self, text: str) -> None:
        """A line on stderr that stays, above the bar."""
        if self._live is None:
            complain(printable(text))
        else:
            self._live.console.print(f"dt-otlp-logs: {printable(text)}", markup=False, highlight=False)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._task = self._bar.add_task(self._title, total=self._total_bytes, delivered="0 delivered")
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _shown(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        why = [Text(f"waiting: {printable(self._why)}")] if self._why else []
        return Group(*([self._bar] if self._bar is not None else []), *why)  # rich asks before there is a bar


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _bar(shown: Any, console: Any) -> tuple[Any, Any]:
    try:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column
    except ModuleNotFoundError:
        return None, None
    console = console or Console(stderr=True)
    # Names of files are text, not rich's markup, and give way when it gets narrow.
    bar = RichProgress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=20),
        DownloadColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[delivered]}", markup=False, table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
        console=console,
    )
    return bar, Live(get_renderable=shown, console=console, transient=True, refresh_per_second=8)
