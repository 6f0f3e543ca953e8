"""The demo's table stays readable on narrow terminals, and never looks frozen."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from rich.console import Console

from dt_otlp_logs.cli.demo_screen import PaperScreen, TerminalScreen, columns
from dt_otlp_logs.cli.demo_watch import Watch

CONTENT = "order 1 received: kettle"


def record(second: int, content: str = CONTENT) -> dict[str, Any]:
    return {
        "timestamp": f"2026-11-25T20:00:{second:02}.000000000Z",
        "loglevel": "INFO",
        "service.name": "shop",
        "content": content,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }


class FakeScreen:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.contents: list[str] = []
        self.status = ""

    def event(self, text: str) -> None:
        self.events.append(text)

    def show(self, arrived: Sequence[Mapping[str, Any]], status: str) -> None:
        self.contents += [each["content"] for each in arrived]
        self.status = status

    def close(self) -> None:
        pass


class FakeApp:
    """Has logged as much as the test says."""

    def __init__(self) -> None:
        self.orders = 2
        self.number = 0

    def logged(self) -> Counter[str]:
        return Counter({CONTENT: self.number})


@pytest.mark.parametrize(
    ("width", "missing"),
    [(160, set()), (100, set()), (99, {"trace id"}), (70, {"trace id"}), (69, {"trace id", "service"})],
)
def test_narrow_terminals_lose_the_trace_id_first_then_the_service(width: int, missing: set[str]) -> None:
    assert {"time", "loglevel", "service", "content", "trace id"} - set(columns(width)) == missing


@pytest.mark.parametrize(("width", "height"), [(160, 40), (100, 30), (80, 24), (60, 20)])
def test_content_and_status_are_readable_at_every_size(width: int, height: int) -> None:
    output = io.StringIO()
    screen = TerminalScreen(Console(file=output, force_terminal=True, width=width, height=height, color_system=None))
    screen.event("outage")
    screen.show([record(second) for second in range(40)], "7 on their way")
    screen.close()
    table = output.getvalue().rpartition("Arrived in the local Dynatrace")[2]
    assert CONTENT in table
    assert "20:00:39.000" in table
    assert "7 on their way" in table
    assert table.count("\n") < height


def test_rows_that_arrive_together_are_in_order_of_time() -> None:
    screen, stored = FakeScreen(), [record(3, "c"), record(1, "a"), record(2, "b")]
    watch = Watch(screen, FakeApp(), lambda: stored)
    watch.look()
    stored += [record(0, "late")]
    watch.look()
    assert screen.contents == ["a", "b", "c", "late"]


def test_what_was_held_is_said_to_have_arrived_when_it_has() -> None:
    screen, app, stored = FakeScreen(), FakeApp(), [record(1)]
    watch = Watch(screen, app, lambda: stored)
    app.number = 4
    watch.look()
    assert screen.status == "2 orders, 4 records logged: 1 stored, 3 on their way"
    watch.outage_ended()
    app.number = 5
    watch.look()
    assert screen.events == ["the outage is over"]
    stored += [record(2)] * 3
    watch.look()
    watch.look()
    assert screen.events[1:] == ["the 3 records that were held have arrived"]


def test_on_paper_an_outage_shows_how_many_records_wait(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PaperScreen()
    for number in range(8):
        screen.show([], f"{number} on their way")
    assert capsys.readouterr().out.split("\n") == ["    3 on their way", "    7 on their way", ""]
