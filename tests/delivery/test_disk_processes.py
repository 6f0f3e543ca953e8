"""Real processes on one queue directory: killed, restarted, side by side, forked."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from doubles import payload_of
from doubles.disk import DESTINATION, Process, owned_directories, queue_files
from dt_otlp_logs.delivery.disk_queue import DiskQueue

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and flock")

# Puts payloads of one record each, says each number once `put` has returned, and never ends by itself.
PUTTING = """
import sys
from pathlib import Path
from doubles import payload_of
from doubles.disk import DESTINATION
from dt_otlp_logs.delivery.disk_queue import DiskQueue

queue = DiskQueue(Path(sys.argv[1]), destination=DESTINATION, max_bytes=10**9, when_full="drop_oldest",
                  on_adopted=print, on_lost=print, say=print)
number = int(sys.argv[2])
payloads = {number + n: payload_of([number + n]) for n in range(int(sys.argv[3]))}
for number, payload in payloads.items():
    queue.put(payload)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
sys.stdin.read()
"""


def putting(directory: Path, first: int, count: int) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", PUTTING, str(directory), str(first), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def wait_for(process: "subprocess.Popen[str]", number: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == str(number):
            return
    raise AssertionError(f"the process ended before {number}")


def kill(process: "subprocess.Popen[str]") -> list[int]:
    """Kill it; answers the numbers it said since the last look."""
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    said = process.stdout.read()  # not communicate(), which misses what has been read ahead
    process.wait()
    return [int(line) for line in said.splitlines()]


def adopted(directory: Path) -> list[int]:
    process = Process(directory)
    process.queue.adopt()
    delivered = process.deliver_all()
    assert not process.lost
    process.queue.drain()
    return delivered


@pytest.mark.parametrize("after", [0, 7, 150])
def test_a_process_killed_in_the_middle_of_writing_loses_nothing_it_had_put(tmp_path: Path, after: int) -> None:
    dying = putting(tmp_path, 0, 3000)
    wait_for(dying, after)
    last = max([after, *kill(dying)])
    delivered = adopted(tmp_path)
    # One more may be there: put was killed before it could answer.
    assert delivered in (list(range(last + 1)), list(range(last + 2)))
    assert owned_directories(tmp_path) == []


def test_of_two_processes_the_living_one_adopts_what_the_killed_one_left(tmp_path: Path) -> None:
    dying, living = putting(tmp_path, 0, 20), putting(tmp_path, 100, 20)
    wait_for(dying, 19)
    wait_for(living, 119)
    assert adopted(tmp_path) == [], "both are alive"
    kill(dying)
    assert adopted(tmp_path) == list(range(20))
    kill(living)
    assert adopted(tmp_path) == list(range(100, 120))
    assert owned_directories(tmp_path) == []


def in_child(queue: DiskQueue, action: object) -> int:
    """Fork, run it in the child, and answer the child's exit status."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            queue.forget_in_child()
            status = int(action())  # type: ignore[operator]
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_begins_empty_and_leaves_the_parents_records_alone(tmp_path: Path) -> None:
    parent = Process(tmp_path)
    parent.put(payload_of([1]), payload_of([2]))

    def child() -> int:
        queue = parent.queue
        assert queue.records() == 0
        assert parent.take() == []
        assert queue.adopt() == 0
        parent.put(payload_of([3]))
        assert parent.deliver_all() == [3]
        queue.drain()
        return 7

    assert in_child(parent.queue, child) == 7
    assert parent.deliver_all() == [1, 2]


def test_a_child_killed_with_records_of_its_own_leaves_them_to_the_parent(tmp_path: Path) -> None:
    parent = Process(tmp_path)
    parent.put(payload_of([1]))
    assert in_child(parent.queue, lambda: parent.put(payload_of([2]))) == 0
    assert parent.queue.adopt() == 1
    assert sorted(parent.deliver_all()) == [1, 2]


def test_a_living_child_does_not_hold_the_lock_of_a_parent_that_died(tmp_path: Path) -> None:
    read, write = os.pipe()
    middle = os.fork()
    if middle == 0:
        parent = Process(tmp_path)
        parent.put(payload_of([1]))
        if os.fork() == 0:
            parent.queue.forget_in_child()
            os.read(read, 1)  # lives until the test is done
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(middle, 0)
    try:
        # The child lets go as soon as it runs, which on a busy machine may be a moment after its parent's end.
        deadline = time.monotonic() + 10
        while not (found := adopted(tmp_path)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert found == [1]
    finally:
        os.write(write, b"x")
        os.close(read)
        os.close(write)


def test_a_fork_while_another_thread_is_writing_leaves_a_child_that_works(tmp_path: Path) -> None:
    parent = Process(tmp_path)
    parent.put(payload_of([1]))
    with parent.queue._lock:

        def child() -> int:
            return parent.put(payload_of([2])) + len(parent.take())

        assert in_child(parent.queue, child) == 1


def mounted(directory: Path, options: str) -> bool:
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system to fill")
def test_a_disk_that_is_really_full_is_survived(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    if not mounted(disk, "size=64k,mode=0700"):
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        process = Process(disk / "queue")
        assert process.put(*(payload_of([n], size=3000) for n in range(30))) == 0
        assert len(process.said) == 1
        assert "No space left on device" in process.said[0]
        assert 5 < len(queue_files(disk / "queue")) < 30
        assert process.deliver_all() == list(range(30))
        process.seconds += 31
        process.put(payload_of([30]))
        assert "can be used again" in process.said[1]
        assert process.deliver_all() == [30]
        process.queue.drain()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_the_destination_of_the_doubles_is_one_the_queue_could_have_made() -> None:
    from dt_otlp_logs.delivery.queue_directory import destination_of, parse_owner

    assert len(destination_of(["https://abc12345.live.dynatrace.com"])) == len(DESTINATION)
    assert destination_of(["b", "a"]) == destination_of(["a", "b", "a"])
    assert parse_owner(f"{DESTINATION}-1-abcdef") is not None
