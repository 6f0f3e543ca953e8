"""What the demo keeps an eye on: what the app has logged, and what of it the local Dynatrace has stored."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dt_otlp_logs.cli.demo_screen import Screen


class LoggingApp(Protocol):
    """What is asked of the app."""

    orders: int

    def logged(self) -> Mapping[str, int]:
        """How often it logged each content."""
        ...


class Watch:
    """Shows what has arrived since it last looked, and how it stands."""

    def __init__(self, screen: Screen, app: LoggingApp, records: Callable[[], list[dict[str, Any]]]) -> None:
        self._screen = screen
        self._app = app
        self._records = records
        self._shown = 0
        # After an outage: how many records have to be stored before all that was held has arrived.
        self._awaited: int | None = None
        self._held = 0

    def look(self) -> None:
        """Show what is new, in order of time: a request may hold records of several threads."""
        # First the log: what is stored by then has been logged.
        logged = self._logged()
        records = self._records()
        new = sorted(records[self._shown :], key=lambda record: str(record.get("timestamp", "")))
        self._shown = stored = len(records)
        on_the_way = max(logged - stored, 0)
        self._screen.show(
            new, f"{self._app.orders} orders, {logged} records logged: {stored} stored, {on_the_way} on their way"
        )
        if self._awaited is not None and stored >= self._awaited:
            self._awaited = None
            self._screen.event(f"the {self._held} records that were held have arrived")

    def outage_ended(self) -> None:
        """From now on records are accepted again; what was held comes when the exporter tries again."""
        self._screen.event("the outage is over")
        awaited = self._logged()
        self._held = awaited - len(self._records())
        self._awaited = awaited if self._held > 0 else None

    def _logged(self) -> int:
        return sum(self._app.logged().values())
