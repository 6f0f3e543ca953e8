"""`dt-otlp-logs queue`: what it lists, shows, replays and purges, beside a process that is using the directory."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from doubles import payload_of
from doubles.delivery import TOKEN
from doubles.disk import DESTINATION, Process, queue_files
from dt_otlp_logs.cli import queue as command
from dt_otlp_logs.cli.failure import CommandFailed, UsageError
from dt_otlp_logs.delivery.queue_directory import destination_of
from dt_otlp_logs.encoding.compression import compress
from dt_otlp_logs.encoding.payload import Payload

OTHER = "ba9876543210"


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return tmp_path / "queue"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)

    def run_command(*arguments: object) -> str:
        assert command.run(parser.parse_args([str(argument) for argument in arguments])) == 0
        return capsys.readouterr().out

    return run_command


def orphan(directory: Path, *payloads: Payload, destination: str = DESTINATION) -> None:
    dying = Process(directory, destination=destination)
    dying.put(*payloads)
    dying.kill()


def rejected(directory: Path, *payloads: Payload) -> None:
    process = Process(directory)
    process.put(*payloads)
    while taken := process.take(1):
        process.queue.reject(taken, "attribute names must not be empty")
    process.queue.drain()


def delivered(directory: Path, destination: str = DESTINATION) -> list[int]:
    process = Process(directory, destination=destination)
    process.queue.adopt()
    found = process.deliver_all()
    process.queue.drain()
    return found


def test_list_tells_what_runs_from_what_was_left_behind(queue: Path, run: Callable[..., str]) -> None:
    orphan(queue, payload_of([1, 2]), payload_of([3]))
    rejected(queue, payload_of([4]))
    running = Process(queue)
    running.put(payload_of([5]))
    text = run("list", queue)
    assert f"running {os.getpid():>8}  {DESTINATION}" in text.replace("  running ", "running ")
    assert "orphan" in text
    assert "rejected: 1 files, 1 records" in text
    found = json.loads(run("list", "--json", queue))
    by_state = {one["is_running"]: one for one in found["subdirectories"]}
    assert (by_state[False]["files"], by_state[False]["records"]) == (2, 3)
    assert (by_state[True]["files"], by_state[True]["records"]) == (1, 1)
    assert found["set_aside"]["files"] == 0
    assert running.deliver_all() == [5], "looking disturbs nobody"
    running.kill()


def test_list_of_a_directory_where_nothing_waits_says_so(queue: Path, run: Callable[..., str]) -> None:
    queue.mkdir()
    assert "nothing waits" in run("list", queue)


def test_the_directory_may_come_from_the_environment(
    queue: Path, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan(queue, payload_of([1]))
    monkeypatch.setenv("DT_OTLP_LOGS_QUEUE_DIRECTORY", str(queue))
    assert str(queue) in run("list")
    monkeypatch.delenv("DT_OTLP_LOGS_QUEUE_DIRECTORY")
    with pytest.raises(UsageError, match="DT_OTLP_LOGS_QUEUE_DIRECTORY"):
        run("list")


def test_a_directory_that_is_not_there_is_one_clear_line(queue: Path, run: Callable[..., str]) -> None:
    with pytest.raises(CommandFailed, match="no such directory"):
        run("list", queue)


def hostile_payload() -> Payload:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "checkout"
    record = resource.scope_logs.add().log_records.add(time_unix_nano=10**18, severity_text="ERROR")
    record.body.string_value = f"bad \x1b[2J\r\nwith {TOKEN}"
    record.attributes.add(key="order.id").value.int_value = 42
    record.attributes.add(key="tags").value.array_value.values.add().string_value = "\u202evil"
    data = request.SerializeToString()
    return Payload(compress(data), 1, len(data), 10**18, len(data))


def test_show_prints_header_and_records_with_nothing_a_terminal_obeys(queue: Path, run: Callable[..., str]) -> None:
    orphan(queue, hostile_payload())
    (file,) = queue_files(queue)
    for text in (run("show", file, queue), run("show", file.name, queue)):
        assert "records        1" in text
        assert 'service.name="checkout"' in text
        assert "order.id=42" in text
        assert "2001-09-09T01:46:40.000Z" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "S" * 64 not in text
        assert "dt0c01.PUBLICPARTPUBLICPARTPUB1.***" in text


def test_show_says_why_records_were_rejected(queue: Path, run: Callable[..., str]) -> None:
    rejected(queue, payload_of(range(30)))
    (file,) = (queue / "rejected").iterdir()
    text = run("show", "--records", 2, file, queue)
    assert "attribute names must not be empty" in text
    assert "record 1 " in text
    assert "record 2 " not in text
    assert "28 more" in text


def test_show_of_a_damaged_file_says_what_is_wrong_with_it(queue: Path, run: Callable[..., str]) -> None:
    orphan(queue, payload_of([1]))
    (file,) = queue_files(queue)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CommandFailed, match="truncated"):
        run("show", file, queue)


def test_replay_puts_rejected_records_back_in_their_order(queue: Path, run: Callable[..., str]) -> None:
    rejected(queue, *(payload_of([n]) for n in range(12)))
    assert "12 rejected records are back" in run("replay", queue)
    assert list((queue / "rejected").iterdir()) == []
    assert delivered(queue) == list(range(12))
    assert "0 rejected records" in run("replay", queue)


def test_a_running_app_takes_up_what_was_replayed(queue: Path, run: Callable[..., str]) -> None:
    rejected(queue, payload_of([1]))
    app = Process(queue)
    app.put(payload_of([2]))
    run("replay", "--rejected", queue)
    assert app.queue.adopt() == 1
    assert app.deliver_all() == [1, 2]
    app.kill()


def test_replay_puts_back_what_was_set_aside_if_it_is_readable_after_all(queue: Path, run: Callable[..., str]) -> None:
    orphan(queue, payload_of([1]), payload_of([2]))
    first, second = sorted(queue_files(queue))
    whole = first.read_bytes()
    first.write_bytes(whole[:-1])
    second.write_bytes(b"")
    assert delivered(queue) == []
    kept = next(path for path in (queue / "set-aside").iterdir() if path.name.endswith(first.name))
    kept.write_bytes(whole)
    assert "1 records that were set aside are back in the queue, 1 files remain" in run("replay", "--set-aside", queue)
    assert delivered(queue) == [1]


def test_replay_sends_orphans_of_another_destination_where_the_configuration_says(
    queue: Path, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DT_ENDPOINT", "https://abc12345.live.dynatrace.com")
    monkeypatch.setenv("DT_API_TOKEN", TOKEN)
    orphan(queue, payload_of([1]), payload_of([2]), destination=OTHER)
    running = Process(queue, destination="cccccccccccc")
    running.put(payload_of([3]))
    assert "2 records that waited" in run("replay", "--orphans", queue)
    base = "https://abc12345.live.dynatrace.com/api/v2"
    assert delivered(queue, destination_of([f"{base}/otlp/v1/logs", f"{base}/logs/ingest"])) == [1, 2]
    assert running.deliver_all() == [3]
    running.kill()


def test_purge_without_yes_removes_nothing_and_says_what_it_would(
    queue: Path, run: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    orphan(queue, payload_of([1]))
    rejected(queue, payload_of([2]))
    with pytest.raises(UsageError, match="--yes"):
        run("purge", "--orphans", "--rejected", queue)
    said = capsys.readouterr().out
    assert said.count("1 files, 1 records") == 2
    assert delivered(queue) == [1]


def test_purge_removes_what_is_asked_for_and_nothing_a_process_holds(queue: Path, run: Callable[..., str]) -> None:
    orphan(queue, payload_of([1]))
    rejected(queue, payload_of([2]))
    running = Process(queue)
    running.put(payload_of([3]))
    assert "orphans: 1 files, 1 records" in run("purge", "--orphans", "--yes", queue)
    assert len(list((queue / "rejected").iterdir())) == 1
    run("purge", "--rejected", "--set-aside", "--yes", queue)
    assert list((queue / "rejected").iterdir()) == []
    assert running.deliver_all() == [3]
    running.kill()


def test_purge_can_spare_what_is_young(queue: Path, run: Callable[..., str]) -> None:
    now = payload_of([1])
    orphan(queue, payload_of([2], age_ns=10**18), Payload(now.body, 1, now.size_bytes, 4 * 10**18, now.expanded_bytes))
    assert "orphans: 1 files" in run("purge", "--orphans", "--older-than", "3d", "--yes", queue)
    assert delivered(queue) == [1]
    rejected(queue, payload_of([3]))
    assert "rejected: 0 files" in run("purge", "--rejected", "--older-than", "1h", "--yes", queue)


def test_purge_must_be_told_what(queue: Path, run: Callable[..., str]) -> None:
    queue.mkdir()
    with pytest.raises(UsageError, match="purge what"):
        run("purge", "--yes", queue)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
def test_changes_are_refused_in_a_directory_of_another_user(queue: Path, run: Callable[..., str]) -> None:
    orphan(queue, payload_of([1]))
    os.chown(queue, 12345, 12345)
    assert "orphan" in run("list", queue)
    for arguments in (["purge", "--orphans", "--yes"], ["replay"]):
        with pytest.raises(CommandFailed, match="belongs to user 12345"):
            run(*arguments, queue)
