"""The progress bar of `send`: on a terminal and with rich installed, else nothing."""

import sys
from types import TracebackType
from typing import Any

from typing_extensions import Self

from dt_otlp_logs.diagnostics import printable


class Progress:
    """Shows how far reading and delivery are, and why delivery waits if it does."""

    def __init__(self, title: str, total_bytes: int | None, *, quiet: bool = False) -> None:
        self._title = printable(title)
        self._total_bytes = total_bytes
        self._bar = None if quiet or not _on_terminal() else _bar()
        self._task: Any = None
        self._why: str | None = None

    def advance(self, position: int, delivered: int) -> None:
        """So many bytes are read and so many records delivered."""
        if self._bar is not None:
            self._bar.update(self._task, completed=position, delivered=f"{delivered:,} delivered")

    def waits(self, why: str | None) -> None:
        """Delivery is held up for this reason; None: it goes on."""
        if self._bar is not None and why != self._why:
            self._why = why
            self._bar.update(self._task, why="" if why is None else f"waiting: {printable(why)}")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._task = self._bar.add_task(self._title, total=self._total_bytes, delivered="0 delivered", why="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _bar() -> Any:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress
    except ModuleNotFoundError:
        return None
    # Names of files and words of servers are text, not rich's markup.
    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[delivered]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[why]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
