"""`send` as a user meets it: what arrives, what it says, and how it fails."""

import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber

from dt_otlp_logs.cli.entries import EntryReader
from dt_otlp_logs.cli.failure import CommandFailed
from dt_otlp_logs.cli.lines import LineSplitter
from dt_otlp_logs.cli.reading import BatchReader
from dt_otlp_logs.cli.source import PipeSource

from .conftest import Sender

ACCESS = "".join(
    f'10.0.0.{number % 9} - - [10/Oct/2024:13:55:{number % 60:02} +0000] "GET /{number} HTTP/1.1" 200 5\r\n'
    for number in range(300)
)


def resource(sender: Sender) -> Mapping[str, Any]:
    return sender.exporter.records[0].resource.attributes


def test_a_record_carries_time_level_content_and_the_file_it_came_from(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "shop-api.log.1"
    path.write_text("2024-03-01 10:00:00,123 WARNING shop slow\n")
    assert sender(path, "--timezone", "UTC").status == 0
    [record] = sender.exporter.records
    log_record = record.log_record
    assert log_record.body == "2024-03-01 10:00:00,123 WARNING shop slow"
    assert log_record.timestamp == 1_709_287_200_123_000_000
    assert (log_record.severity_text, log_record.severity_number) == ("WARN", SeverityNumber.WARN)
    assert log_record.attributes == {"log.file.path": str(path), "log.file.name": "shop-api.log.1"}
    assert record.resource.attributes == {"service.name": "shop-api"}
    assert record.instrumentation_scope is not None
    assert record.instrumentation_scope.name == "dt_otlp_logs.send"


def test_a_json_line_carries_its_trace_and_its_attributes(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "app.jsonl"
    path.write_text(
        '{"message": "m", "level": "info", "trace_id": "0af7651916cd43dd8448eb211c80319c",'
        ' "span_id": "b7ad6b7169203331", "order": {"id": 7}}\n'
    )
    sender(path)
    log_record = sender.exporter.records[0].log_record
    assert log_record.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert log_record.span_id == 0xB7AD6B7169203331
    assert log_record.attributes is not None
    assert log_record.attributes["order"] == {"id": 7}


def test_the_service_comes_from_the_argument_then_the_environment_then_the_file(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\n")
    sender(path)
    assert resource(sender)["service.name"] == "app"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-env,team=a")
    again = Sender()
    again(path, "--attribute", "team=b", "--attribute", "note=x=y")
    assert resource(again) == {"service.name": "from-env", "team": "b", "note": "x=y"}
    last = Sender()
    last(path, "--service-name", "mine")
    assert resource(last)["service.name"] == "mine"


def test_a_json_line_that_names_its_service_belongs_to_it_unless_the_user_said_otherwise(
    sender: Sender, tmp_path: Path
) -> None:
    path = tmp_path / "app.log"
    path.write_text('{"message": "m", "service.name": "checkout"}\nplain\n')
    sender(path)
    names = [record.resource.attributes["service.name"] for record in sender.exporter.records]
    assert names == ["checkout", "app"]
    named = Sender()
    named(path, "--service-name", "mine")
    assert resource(named)["service.name"] == "mine"


def test_standard_input_is_read_to_its_end(sender: Sender, capsys: pytest.CaptureFixture[str]) -> None:
    assert sender("-", stdin=b"one\ntwo").status == 0
    assert sender.exporter.contents == ["one", "two"]
    assert resource(sender)["service.name"] == "stdin"
    assert sender.exporter.records[0].log_record.attributes == {}
    assert capsys.readouterr().out.startswith("read 2 lines, 2 records: delivered 2, rejected 0, dropped 0 in ")


def test_a_pipe_is_sent_while_it_is_still_open(sender: Sender) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo")
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        source = PipeSource(pipe, quiet_seconds=0.02)
        entries = EntryReader("auto", None, sender.clock.time_ns, live=source.live)
        reader = BatchReader(source, entries, sender.clock.monotonic, LineSplitter())
        first = next(reader.batches(lambda _: False))
    os.close(writing)
    assert [entry.content for entry in first.entries] == ["one", "two"]


def test_a_gzip_file_is_read_as_what_it_holds(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "app.log.2"
    path.write_bytes(gzip.compress(ACCESS.encode()))
    assert sender(path).status == 0
    assert sender.exporter.contents == ACCESS.split("\r\n")[:-1]


def test_a_damaged_gzip_file_fails_after_what_could_be_read(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "app.gz"
    path.write_bytes(gzip.compress(os.urandom(400_000).hex().encode() + b"\nlast\n")[:-300_000])
    with pytest.raises(CommandFailed, match=r"reading .*app\.gz failed after line 1: "):
        sender(path)
    assert len(sender.exporter.records) == 1


def test_what_follows_the_compressed_data_is_a_failure_after_everything_before_was_sent(
    sender: Sender, tmp_path: Path
) -> None:
    path = tmp_path / "app.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n") + b"garbage")
    with pytest.raises(CommandFailed, match=r"failed after line 2: the rest is not gzip"):
        sender(path)
    assert sender.exporter.contents == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "warned"),
    [
        (b"\x7fELF\x02\x00\x00\nmore\x00\n", True),
        ("één\n".encode("utf-16"), False),
        ("één\n".encode("utf-32"), False),
        (b"x" * 2_000 + b"\0\n", False),
        (b"one\n", False),
    ],
)
def test_a_file_that_looks_binary_is_sent_with_one_warning(
    sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, warned: bool
) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(content)
    assert sender(path).status == 0
    assert sender.exporter.records
    assert capsys.readouterr().err.count("does not look like a log") == warned


def test_the_order_is_kept_over_many_batches(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    lines = [f"line {number}" for number in range(3_500)]
    path.write_text("\n".join(lines))
    sender(path)
    assert sender.exporter.contents == lines
    assert [len(batch) for batch in sender.exporter.batches] == [1_000, 1_000, 1_000, 500]


def test_ctrl_c_ends_at_a_whole_line_and_says_that_the_file_was_not_finished(
    sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.log"
    lines = [f"line number {number}" for number in range(60_000)]
    path.write_text("\n".join(lines))
    enqueue = sender.exporter.enqueue

    def interrupted(batch: Any, /) -> object:
        sender.signals.press_ctrl_c()
        return enqueue(batch)

    sender.exporter.enqueue = interrupted  # type: ignore[method-assign]
    assert sender(path).status == 130
    contents = sender.exporter.contents
    assert 0 < len(contents) < 60_000
    assert contents == lines[: len(contents)]
    out = capsys.readouterr().out
    assert f"{len(contents):,} records, not to the end: delivered {len(contents):,}, " in out


def test_an_empty_file_sends_nothing_and_is_no_failure(
    sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.log"
    path.touch()
    assert sender(path).status == 0
    assert capsys.readouterr().out.startswith("read 0 lines, 0 records: delivered 0")


def test_the_summary_mentions_what_was_unusual(
    sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.log"
    path.write_text('{"message": "one"}\noops\n{"message": "two"}\n\n')
    sender(path, "--format", "json")
    assert "read 4 lines (1 blank, 1 not JSON), 3 records" in capsys.readouterr().out


def test_the_summary_can_be_json_or_nothing(sender: Sender, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\ntwo\n")
    sender(path, "--json")
    summary = json.loads(capsys.readouterr().out)
    assert (summary["lines"], summary["records"], summary["delivered"], summary["dropped"]) == (2, 2, 2, 0)
    Sender()(path, "--quiet")
    assert capsys.readouterr().out == ""


def test_only_what_the_command_line_says_becomes_a_setting(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\n")
    assert sender(path).settings == {}
    sent = Sender()(path, "--endpoint", "http://localhost:1", "--api-token-file", "token")
    assert sent.settings == {"endpoint": "http://localhost:1", "api_token_file": "token"}
