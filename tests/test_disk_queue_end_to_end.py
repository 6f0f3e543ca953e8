"""With a queue directory nothing is lost by the end of a process, however it ends: against a strict server."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from doubles.strict_server import STRICT_TOKEN, Reply, Request, StrictServer, strict_server

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the queue on disk needs flock")

APP = """
    import logging, os, sys, time
    import dt_otlp_logs
    name, records, then = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    pipeline = dt_otlp_logs.configure(service_name=name, level=logging.INFO, shutdown_timeout_seconds=0.3)
    log = logging.getLogger("app")
    for number in range(records):
        log.info("%s %d", name, number)
    if records:
        pipeline.flush(0.3)
    if then == "fork":
        if os.fork() == 0:
            for number in range(records, records + 10):
                log.info("%s %d", name, number)
            pipeline.flush(0.3)
            os._exit(0)
        os.wait()
    print("ready", pipeline.stats().queued, flush=True)
    if then in ("wait", "fork"):
        time.sleep(60)
    if then == "deliver":
        deadline = time.monotonic() + 20
        while not pipeline.flush(1.0) and time.monotonic() < deadline:
            pass
"""


class Switch:
    """503 while `down`, success while up."""

    def __init__(self) -> None:
        self.down = True

    def __call__(self, _: Request) -> Reply:
        return Reply(503) if self.down else Reply()


def app(server: StrictServer, tmp_path: Path, name: str, records: int, then: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(APP), name, str(records), then],
        env={
            **os.environ,
            "DT_ENDPOINT": server.url,
            "DT_API_TOKEN": STRICT_TOKEN,
            "DT_OTLP_LOGS_QUEUE_DIRECTORY": str(tmp_path / "queue"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ready(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    word, queued = process.stdout.readline().split()
    assert word == "ready"
    return int(queued)


def end(process: "subprocess.Popen[str]", with_signal: int | None = None) -> str:
    if with_signal is not None:
        process.send_signal(with_signal)
    _, err = process.communicate(timeout=60)
    return err


def arrived(server: StrictServer) -> Counter[str]:
    return Counter(server.stored)


def expected(name: str, records: int) -> Counter[str]:
    return Counter(f"{name} {number}" for number in range(records))


def test_records_of_a_process_killed_in_an_outage_arrive_after_a_restart(tmp_path: Path) -> None:
    switch = Switch()
    with strict_server(switch) as server:
        first = app(server, tmp_path, "first", 3000, "wait")
        assert ready(first) == 3000
        end(first, signal.SIGKILL)
        switch.down = False
        end(app(server, tmp_path, "second", 10, "deliver"))
    assert not server.errors
    assert arrived(server) == expected("first", 3000) + expected("second", 10)


def test_an_orderly_end_in_an_outage_leaves_the_records_for_the_next_start_and_says_so(tmp_path: Path) -> None:
    switch = Switch()
    with strict_server(switch) as server:
        first = app(server, tmp_path, "first", 100, "exit")
        assert "100 records not delivered yet: they wait on disk" in end(first)
        switch.down = False
        end(app(server, tmp_path, "second", 0, "deliver"))
    assert arrived(server) == expected("first", 100)


def test_of_two_processes_that_share_a_directory_one_takes_over_what_the_killed_one_left(tmp_path: Path) -> None:
    switch = Switch()
    with strict_server(switch) as server:
        killed = app(server, tmp_path, "killed", 500, "wait")
        ready(killed)
        alive = app(server, tmp_path, "alive", 500, "wait")
        ready(alive)
        end(killed, signal.SIGKILL)
        switch.down = False
        end(app(server, tmp_path, "third", 0, "deliver"))
        end(alive, signal.SIGINT)
    assert arrived(server) == expected("killed", 500) + expected("alive", 500)


def test_parent_and_child_of_a_fork_during_an_outage_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    switch = Switch()
    with strict_server(switch) as server:
        forked = app(server, tmp_path, "forked", 200, "fork")
        ready(forked)
        end(forked, signal.SIGKILL)
        switch.down = False
        end(app(server, tmp_path, "next", 0, "deliver"))
    assert arrived(server) == expected("forked", 210)


def test_a_service_with_another_endpoint_does_not_touch_them(tmp_path: Path) -> None:
    switch = Switch()
    with strict_server(switch) as server, strict_server() as other:
        first = app(server, tmp_path, "first", 50, "wait")
        ready(first)
        end(first, signal.SIGKILL)
        end(app(other, tmp_path, "other", 5, "deliver"))
        assert arrived(other) == expected("other", 5)
        switch.down = False
        end(app(server, tmp_path, "second", 0, "deliver"))
    assert arrived(server) == expected("first", 50)


def test_nothing_readable_by_others_and_no_token_is_left_on_disk(tmp_path: Path) -> None:
    with strict_server(Switch()) as server:
        process = app(server, tmp_path, "private", 100, "wait")
        ready(process)
        end(process, signal.SIGKILL)
    found = list((tmp_path / "queue").rglob("*"))
    assert any(path.is_file() for path in found)
    for path in [tmp_path / "queue", *found]:
        assert path.stat().st_mode & 0o077 == 0, path
        if path.is_file():
            assert b"TTTTTTTT" not in path.read_bytes()


@pytest.mark.slow
def test_killed_at_any_moment_of_a_busy_outage_nothing_that_was_queued_is_lost(tmp_path: Path) -> None:
    script = """
        import sys, time
        from opentelemetry._logs import LogRecord
        from opentelemetry.sdk._logs import ReadableLogRecord
        from opentelemetry.sdk.resources import Resource
        import dt_otlp_logs
        exporter, resource = dt_otlp_logs.DynatraceLogExporter(), Resource({})
        for number in range(10_000):
            exporter.enqueue([ReadableLogRecord(LogRecord(timestamp=time.time_ns(), body=f"busy {number}"), resource)])
            sys.stdout.write(f"{number}\\n")
            sys.stdout.flush()
    """
    switch = Switch()
    environment = {"DT_API_TOKEN": STRICT_TOKEN, "DT_OTLP_LOGS_QUEUE_DIRECTORY": str(tmp_path / "queue")}
    with strict_server(switch) as server:
        acknowledged = []
        for delay in (0.05, 0.15, 0.3):
            process = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(script).replace("busy", f"busy {delay}")],
                env={**os.environ, "DT_ENDPOINT": server.url, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert process.stdout is not None
            first = process.stdout.readline()
            killer = threading.Timer(delay, process.kill)
            killer.start()
            numbers = [first, *process.stdout]
            process.wait()
            # The last line may be half written.
            acknowledged += [f"busy {delay} {int(number)}" for number in numbers if number.endswith("\n")]
            time.sleep(0.01)
        switch.down = False
        end(app(server, tmp_path, "after", 0, "deliver"))
    stored = arrived(server)
    assert acknowledged
    assert not [content for content in acknowledged if content not in stored]
    assert max(stored.values()) == 1
