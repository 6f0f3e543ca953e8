"""A file that grows, is renamed, is emptied: every line arrives once, without real waiting."""

import gzip
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dt_otlp_logs.cli.failure import UsageError

from .conftest import Sender

Steps = list[Callable[[], object]]


def append(path: Path, text: str) -> Callable[[], object]:
    def write() -> None:
        with path.open("a") as file:
            file.write(text)

    return write


def pass_by() -> None:
    """Nothing happens during this wait of a fifth of a second."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("one\ntwo\n")
    return path


def follow(sender: Sender, path: Path, steps: Steps, *arguments: str) -> list[str]:
    sender.steps = iter(steps)
    sent = sender(path, "--follow", *arguments)
    assert sent.status == 0
    return sent.exporter.contents


def test_what_is_appended_arrives_until_the_user_stops_it(sender: Sender, log: Path) -> None:
    assert follow(sender, log, [append(log, "three\n"), append(log, "four\n")]) == ["one", "two", "three", "four"]


def test_it_can_begin_at_the_end(sender: Sender, log: Path) -> None:
    assert follow(sender, log, [append(log, "three\n")], "--from", "end") == ["three"]


def test_half_a_line_waits_for_its_other_half(sender: Sender, log: Path) -> None:
    steps: Steps = [append(log, "thr"), pass_by, append(log, "ee\n")]
    assert follow(sender, log, steps) == ["one", "two", "three"]


def test_after_a_quiet_second_half_a_line_is_sent_and_its_newline_is_no_line(sender: Sender, log: Path) -> None:
    steps: Steps = [append(log, "prompt> "), *[pass_by] * 6, append(log, "\nnext\n")]
    assert follow(sender, log, steps) == ["one", "two", "prompt> ", "next"]


def test_a_record_waits_for_its_stack_trace_no_longer_than_a_quiet_second(sender: Sender, log: Path) -> None:
    seen: list[list[str]] = []
    header = "2024-03-01 10:00:00 ERROR failed"
    steps: Steps = [
        append(log, f"{header}\n"),
        append(log, "  at once\n"),
        *[pass_by] * 6,
        lambda: seen.append(sender.exporter.contents[2:]),
        append(log, "  much later\n"),
    ]
    contents = follow(sender, log, steps)
    assert seen == [[f"{header}\n  at once"]]
    assert contents[2:] == [f"{header}\n  at once", "  much later"]


def test_a_slow_stream_is_not_held_back_until_a_batch_is_full(sender: Sender, log: Path) -> None:
    counts: list[int] = []
    steps: Steps = []
    for number in range(8):
        steps += [append(log, f"line {number}\n"), lambda: counts.append(len(sender.exporter.records))]
    follow(sender, log, steps)
    assert counts[-1] >= 6


def test_after_a_rename_the_old_file_is_read_to_its_end_and_then_the_new_one(sender: Sender, log: Path) -> None:
    old = log.with_suffix(".log.1")

    def rotate() -> None:
        append(log, "three\n")()
        log.rename(old)
        log.write_text("new one\n")

    steps: Steps = [rotate, append(old, "late\n"), *[pass_by] * 6, append(log, "new two\n")]
    assert follow(sender, log, steps) == ["one", "two", "three", "late", "new one", "new two"]


def rotate_and_write(log: Path, text: str) -> None:
    """As logrotate does: .1 becomes .2, the log becomes .1."""
    for number in range(9, 0, -1):
        kept = log.with_name(f"{log.name}.{number}")
        if kept.exists():
            kept.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))
    log.write_text(text)


def test_a_second_rotation_before_the_first_file_is_done_with_takes_nothing_away(sender: Sender, log: Path) -> None:
    steps: Steps = []
    for number in range(6):
        steps += [partial(rotate_and_write, log, f"file {number}\n"), *[pass_by] * 4]
    assert follow(sender, log, steps) == ["one", "two", *(f"file {number}" for number in range(6))]


def test_files_that_came_and_went_between_two_looks_are_read_oldest_first(sender: Sender, log: Path) -> None:
    older = log.with_name("app.log.1")
    older.write_text("was there before\n")

    def rotate_three_times() -> None:
        for number in range(3):
            rotate_and_write(log, f"file {number}\n")
            os.utime(log, (2_000_000_000 + number, 2_000_000_000 + number))
        log.with_name("app.log.err").write_text("another log\n")

    assert follow(sender, log, [rotate_three_times]) == ["one", "two", "file 0", "file 1", "file 2"]


def test_the_new_file_may_appear_much_later(sender: Sender, log: Path) -> None:
    steps: Steps = [
        lambda: log.rename(log.with_suffix(".1")),
        *[pass_by] * 20,
        lambda: log.write_text("new\n"),
        *[pass_by] * 6,
    ]
    assert follow(sender, log, steps) == ["one", "two", "new"]


def test_the_last_line_of_the_old_file_needs_no_newline(sender: Sender, log: Path) -> None:
    def rotate() -> None:
        append(log, "cut")()
        log.rename(log.with_suffix(".1"))
        log.write_text("new\n")

    assert follow(sender, log, [rotate, *[pass_by] * 6]) == ["one", "two", "cut", "new"]


def test_a_file_that_was_emptied_is_read_from_its_beginning(sender: Sender, log: Path) -> None:
    steps: Steps = [pass_by, lambda: log.write_text("new\n"), pass_by]
    assert follow(sender, log, steps) == ["one", "two", "new"]


def test_what_was_written_before_the_stop_still_arrives(sender: Sender, log: Path) -> None:
    def write_and_stop() -> None:
        append(log, "last words")()
        sender.steps = iter(())

    assert follow(sender, log, [write_and_stop]) == ["one", "two", "last words"]


def test_an_outage_is_waited_out_once_something_was_delivered(sender: Sender, log: Path) -> None:
    clock, exporter = sender.clock, sender.exporter
    exporter.held_up = "connection refused"
    first = {"one", "two"}
    exporter.fate = lambda record: "delivered" if record.log_record.body in first or clock.now > 500 else "queued"
    many = "".join(f"line {number}\n" for number in range(25_000))
    steps: Steps = [pass_by, append(log, many), pass_by, pass_by]
    contents = follow(sender, log, steps)
    assert len(contents) == 25_002
    assert clock.now > 500


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-", "--follow"], "--follow needs a file"),
        (["LOG", "--from", "end"], "--from end needs --follow"),
        (["LOG", "--follow", "--dry-run"], "exclude each other"),
        (["GZIP", "--follow"], "compressed"),
        (["FIFO", "--follow"], "no ordinary file"),
    ],
)
def test_what_cannot_be_followed_is_said(
    sender: Sender, log: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    packed, pipe = tmp_path / "x.gz", tmp_path / "pipe"
    packed.write_bytes(gzip.compress(b"one\n"))
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)  # so that opening it for reading does not wait
    names: dict[str, Any] = {"LOG": log, "GZIP": packed, "FIFO": pipe}
    with pytest.raises(UsageError, match=complaint):
        sender(*(names.get(argument, argument) for argument in arguments))
    os.close(writer)
