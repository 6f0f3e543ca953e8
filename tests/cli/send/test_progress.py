"""The progress bar fits the terminal, and the reason for waiting is readable in full."""

import io
import re

import pytest
from rich.console import Console

from dt_otlp_logs.cli.progress import Progress


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_reason_for_waiting_is_not_cut_off(width: int) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=width, height=20, color_system=None)
    why = "http://127.0.0.1:14680/api/v2/otlp/v1/logs: HTTP 503: Service Unavailable"
    with Progress("/var/log/some/directory/access.log", 100, console=console) as progress:
        progress.advance(50, 12_345)
        progress.waits(why)
        progress.say("a line that stays [bold]")
    shown = re.sub(r"\s+", " ", output.getvalue())
    assert "12,345 delivered" in shown
    assert "access.log" in shown
    assert f"waiting: {why}".replace(" ", "") in shown.replace(" ", "")
    assert "a line that stays [bold]" in shown


def test_without_a_terminal_a_line_goes_to_stderr_and_a_bar_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("-", None) as progress:
        progress.advance(50, 1)
        progress.waits("why")
        progress.say("stays\x1b")
    assert capsys.readouterr().err == "dt-otlp-logs: stays\\x1b\n"
