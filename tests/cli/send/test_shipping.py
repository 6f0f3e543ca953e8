"""Sending waits for room, gives up when that is pointless, and counts what is left."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dt_otlp_logs.cli.entries import ReadCounts
from dt_otlp_logs.cli.failure import CommandFailed
from dt_otlp_logs.cli.summary import Outcome, summary_line
from dt_otlp_logs.delivery.ledger import DeliveryStats

from .conftest import Sender


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {number}\n" for number in range(30_000)))
    return path


def test_reading_waits_while_the_queue_is_long(sender: Sender, log: Path) -> None:
    exporter, clock = sender.exporter, sender.clock
    longest = 0
    stats = exporter.stats

    def delivers_in_time(record: Any) -> str:
        return "delivered" if sum(exporter.settled.values()) < clock.now * 10_000 else "queued"

    def look() -> Any:
        nonlocal longest
        seen = stats()
        longest = max(longest, seen.queued)
        return seen

    exporter.fate = delivers_in_time
    exporter.stats = look  # type: ignore[method-assign]
    assert sender(log, "--quiet").status == 0
    assert 20_000 <= longest <= 21_000
    assert exporter.contents == log.read_text().splitlines()


def test_a_small_queue_is_never_filled_with_long_lines(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    path.write_text(("x" * 1_000_000 + "\n") * 20)
    exporter, clock = sender.exporter, sender.clock
    sender.queue_bytes = 8_000_000
    most = 0

    def fate(record: Any) -> str:
        return "delivered" if sum(exporter.settled.values()) < clock.now * 10 else "queued"

    stats = exporter.stats

    def look() -> Any:
        nonlocal most
        seen = stats()
        most = max(most, seen.queued)
        return seen

    exporter.fate = fate
    exporter.stats = look  # type: ignore[method-assign]
    assert sender(path, "--quiet").status == 0
    assert most <= 4


def test_when_nothing_was_ever_delivered_ten_seconds_are_enough(
    sender: Sender, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sender.exporter.fate = lambda _: "queued"
    sender.exporter.held_up = "POST http://127.0.0.1:1: connection refused"
    with pytest.raises(CommandFailed, match="refused: 22,000 records not delivered, and the rest was not read"):
        sender(log)
    assert 10 <= sender.clock.now < 11
    assert capsys.readouterr().out.startswith(
        "read 22,001 lines, 22,000 records, not to the end: delivered 0, rejected 0, dropped 21,000, not sent 1,000 in"
    )


@pytest.mark.parametrize("fate", ["delivered", "rejected", "queued"])
def test_every_record_that_was_read_is_in_one_number(
    sender: Sender, log: Path, capsys: pytest.CaptureFixture[str], fate: str
) -> None:
    sender.exporter.fate = lambda _: fate
    with contextlib.suppress(CommandFailed):
        sender(log, "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["records"] > 20_000
    assert said["records"] == sum(said[key] for key in ("delivered", "rejected", "dropped", "queued", "not_sent"))
    assert said["read_to_end"] == (fate != "queued")


def test_what_an_earlier_process_left_in_the_queue_directory_is_not_taken_for_the_file_s() -> None:
    stats = DeliveryStats(accepted=5, delivered=5)
    outcome = Outcome(ReadCounts(lines=3, records=3), stats, handed_over=3, read_to_end=True, seconds=0.1)
    assert summary_line(outcome).startswith("read 3 lines, 3 records and 2 from the queue directory: delivered 5, ")
    assert (outcome.adopted, outcome.not_sent, outcome.missing) == (2, 0, 0)


def test_ctrl_c_during_an_outage_says_what_is_waited_for_and_a_second_one_ends_it(
    sender: Sender, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sender.exporter.fate = lambda _: "queued"
    sender.exporter.held_up = "connection refused"
    clock_sleep = sender.clock.sleep

    def press_when_due(seconds: float) -> bool:
        if sender.clock.now > 2:
            sender.signals.press_ctrl_c()
        if sender.clock.now > 4:
            sender.signals._hurry.set()
        return clock_sleep(seconds)

    sender.clock.sleep = press_when_due  # type: ignore[method-assign]
    with pytest.raises(CommandFailed, match=r"ended before all was delivered \(connection refused\): 22,000 records"):
        sender(log)
    assert sender.clock.now < 5
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("dt-otlp-logs: stopping: 21,000 records to be delivered before that (connection refused); ")
    assert "another Ctrl-C" in said


def test_ctrl_c_twice_is_no_failure_once_everything_has_arrived(
    sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\n")
    sender.exporter.fate = lambda _: "delivered" if sender.exporter.closed else "queued"
    clock_sleep = sender.clock.sleep

    def press_twice(seconds: float) -> bool:
        sender.signals.press_ctrl_c()
        sender.signals._hurry.set()
        return clock_sleep(seconds)

    sender.clock.sleep = press_twice  # type: ignore[method-assign]
    assert sender(path).status == 0
    assert "delivered 1, rejected 0, dropped 0 in" in capsys.readouterr().out


def test_after_a_delivery_it_gives_up_when_nothing_moved_for_so_long_as_was_said(sender: Sender, log: Path) -> None:
    sender.exporter.fate = lambda record: "delivered" if record.log_record.body == "line 0" else "queued"
    sender.exporter.held_up = "timed out"
    with pytest.raises(CommandFailed, match="timed out"):
        sender(log, "--give-up-after", "60")
    assert 60 <= sender.clock.now < 61


def test_as_long_as_something_moves_it_goes_on(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {number}\n" for number in range(100)))
    clock = sender.clock
    sender.exporter.fate = lambda record: (
        "delivered" if int(str(record.log_record.body).split()[1]) * 5 < clock.now else "queued"
    )
    assert sender(path).status == 0
    assert clock.now > 450


def test_a_rejected_or_dropped_record_is_a_failure_with_its_reason(
    sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\ntwo\nthree\n")
    sender.exporter.fate = lambda record: {"two": "rejected", "three": "dropped"}.get(
        str(record.log_record.body), "delivered"
    )
    with pytest.raises(CommandFailed, match="2 records not delivered: 1 rejected by the test; 1 dropped by the test"):
        sender(path)
    out = capsys.readouterr().out
    assert re.fullmatch(r"read 3 lines, 3 records: delivered 1, rejected 1, dropped 1 in \d+\.\d s\n", out)


def test_a_server_s_words_cannot_play_with_the_terminal(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\n")
    sender.exporter.fate = lambda _: "queued"
    sender.exporter.held_up = "500 \x1b[2Jboo\nfake line"
    with pytest.raises(CommandFailed) as failure:
        sender(path)
    assert "\x1b" not in str(failure.value)
    assert "\n" not in str(failure.value)
