"""`send --dry-run`: what is shown, how much of it, and that nothing is sent."""

from pathlib import Path

import pytest

from dt_otlp_logs.cli.entry import Entry
from dt_otlp_logs.cli.preview import preview

from .conftest import Sender


def test_a_dry_run_shows_what_was_understood_with_nothing_a_terminal_would_obey(
    sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.log"
    path.write_text("2024-03-01 10:00:00,5 ERROR a\x1b[31m\n  b\n2024-03-01 10:00:01 c\n")
    assert sender("--dry-run", path, "--timezone", "UTC").status == 0
    assert sender.exporter.records == []
    assert capsys.readouterr().out.splitlines() == [
        "time                           loglevel   content",
        r"2024-03-01T10:00:00.500Z       ERROR      2024-03-01 10:00:00,5 ERROR a\x1b[31m\n  b",
        "2024-03-01T10:00:01.000Z       NONE       2024-03-01 10:00:01 c",
        "nothing was sent",
    ]


def test_a_dry_run_shows_a_screenful_and_says_how_many_more_there_are(
    sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {number}\n" for number in range(2_500)))
    sender(path, "--dry-run")
    shown = capsys.readouterr().out.splitlines()
    assert shown[20].endswith("line 19")
    assert shown[21:] == ["... and 2,480 more", "nothing was sent"]


def test_a_dry_run_does_not_wait_for_the_end_of_a_pipe() -> None:
    entries = iter([Entry(f"line {number}") for number in range(25)])
    rows = list(preview(entries, live=True))
    assert rows[-2:] == ["... what follows was not looked at", "nothing was sent"]
    assert next(entries).content == "line 20"
