"""What the disk queue keeps, in which order, within which bounds, and what it does when the disk fails."""

import contextlib
import errno
import os
import stat
from pathlib import Path

import pytest

from doubles import payload_of
from doubles.delivery import NOW_NS
from doubles.disk import DESTINATION, Killed, Process, first, numbers_of, owned_directories, queue_files
from dt_otlp_logs.delivery.memory_queue import Entry
from dt_otlp_logs.encoding.payload import halve

FILE_BYTES = 4096


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "var" / "queue"


def restarted(directory: Path, **options: object) -> Process:
    process = Process(directory, **options)
    process.queue.adopt()
    return process


def test_nothing_is_on_disk_before_the_first_payload(directory: Path) -> None:
    process = restarted(directory)
    assert process.take() == []
    assert process.queue.drain() == 0
    assert not directory.exists()


def test_payloads_come_back_in_order_and_leave_no_file(directory: Path) -> None:
    process = Process(directory)
    process.put(*(payload_of([n, n + 1]) for n in range(0, 40, 2)))
    assert len(queue_files(directory)) == 20
    assert process.deliver_all() == list(range(40))
    assert queue_files(directory) == []
    assert process.queue.records() == 0


def test_a_payload_comes_back_as_it_was_put(directory: Path) -> None:
    payload = payload_of(range(3), size=500, age_ns=5)
    process = Process(directory)
    process.put(payload)
    assert process.take()[0].payload == payload


def test_a_killed_process_loses_nothing_and_the_next_one_delivers_first_what_it_left(directory: Path) -> None:
    dying = Process(directory)
    dying.put(*(payload_of([n]) for n in range(5)))
    dying.take(2)
    dying.kill()
    process = Process(directory)
    process.put(payload_of([5]))
    assert process.queue.adopt() == 5
    assert process.accepted == 6
    assert process.deliver_all() == [0, 1, 2, 3, 4, 5]
    assert len(owned_directories(directory)) == 1
    process.queue.drain()
    assert owned_directories(directory) == []


def test_an_orderly_end_leaves_the_files_for_the_next_start(directory: Path) -> None:
    ending = Process(directory)
    ending.put(payload_of([1]), payload_of([2]))
    taken = ending.take(1)
    assert ending.queue.drain() == 0
    assert ending.queue.records() == 2
    ending.queue.done(taken)
    assert ending.queue.put(payload_of([3, 4])) == 2
    assert restarted(directory).deliver_all() == [1, 2]


def test_what_a_living_process_holds_is_not_taken_from_it(directory: Path) -> None:
    one, other = Process(directory), Process(directory)
    one.put(payload_of([1]))
    other.put(payload_of([2]))
    assert (one.queue.adopt(), other.queue.adopt()) == (0, 0)
    assert (one.deliver_all(), other.deliver_all()) == ([1], [2])


def test_records_for_another_environment_are_never_adopted(directory: Path) -> None:
    dying = Process(directory, destination="ba9876543210")
    dying.put(payload_of([1]))
    dying.kill()
    assert restarted(directory).queue.records() == 0
    assert restarted(directory, destination="ba9876543210").deliver_all() == [1]


def test_the_directories_and_files_are_for_this_user_alone(directory: Path) -> None:
    old = os.umask(0)
    try:
        process = Process(directory)
        process.put(payload_of([1]), payload_of([2]))
        process.queue.reject(process.take(1), "refused")
    finally:
        os.umask(old)
    found = [directory, *directory.rglob("*")]
    assert len(found) == 6
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def refused(directory: Path, why: str) -> None:
    process = Process(directory)
    process.queue.adopt()
    process.put(payload_of([1]))
    assert process.deliver_all() == [1], "records go through memory then"
    assert any(why in line for line in process.said)
    assert len(process.said) <= 2


def test_a_symbolic_link_is_no_queue_directory(directory: Path, tmp_path: Path) -> None:
    directory.parent.mkdir()
    directory.symlink_to(tmp_path)
    refused(directory, "symbolic link")


def test_a_directory_that_others_can_write_to_is_no_queue_directory(directory: Path) -> None:
    directory.mkdir(parents=True)
    directory.chmod(0o777)
    refused(directory, "can be written by others (mode 0777)")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
def test_a_directory_of_another_user_is_no_queue_directory(directory: Path) -> None:
    directory.mkdir(parents=True)
    os.chown(directory, 12345, 12345)
    refused(directory, "belongs to user 12345")


def test_a_symbolic_link_in_the_place_of_a_directory_or_file_is_not_followed(directory: Path, tmp_path: Path) -> None:
    dying = Process(directory)
    dying.put(payload_of([1]))
    dying.kill()
    (victim,) = owned_directories(directory)
    outside = victim.rename(tmp_path / "outside")
    victim.symlink_to(outside)
    assert restarted(directory).queue.records() == 0
    victim.unlink()
    outside.rename(victim)
    (file,) = queue_files(directory)
    file.rename(tmp_path / "file")
    file.symlink_to(tmp_path / "file")
    assert restarted(directory).deliver_all() == []
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize(("when_full", "kept"), [("drop_oldest", [3, 4]), ("drop_newest", [1, 2])])
def test_a_full_queue_drops_from_the_end_that_was_chosen(directory: Path, when_full: str, kept: list[int]) -> None:
    process = Process(directory, max_bytes=2 * FILE_BYTES, when_full=when_full)
    assert process.put(*(payload_of([n]) for n in range(1, 5))) == 2
    assert len(queue_files(directory)) == 2
    assert process.deliver_all() == kept


def test_what_was_adopted_counts_against_the_bound(directory: Path) -> None:
    dying = Process(directory)
    dying.put(payload_of([1]), payload_of([2]))
    dying.kill()
    process = restarted(directory, max_bytes=2 * FILE_BYTES)
    assert process.put(payload_of([3])) == 1
    assert process.deliver_all() == [2, 3]


def test_what_is_on_its_way_does_not_give_way(directory: Path) -> None:
    process = Process(directory, max_bytes=10)
    process.put(payload_of([1]))
    taken = process.take()
    assert process.put(payload_of([2]), payload_of([3])) == 1
    process.queue.give_back(taken)
    assert process.deliver_all() == [1, 3]


def test_bodies_stay_on_disk_while_they_wait(directory: Path) -> None:
    process = Process(directory)
    process.put(*(payload_of([n]) for n in range(10)))
    taken = process.take(3)
    assert process.file_system.count("read") == 3
    process.queue.give_back(taken)
    assert [slot.payload for slot in process.queue._line] == [None] * 10


def test_a_payload_that_no_longer_fits_a_request_is_read_once(directory: Path) -> None:
    process = Process(directory)
    process.put(*(payload_of([n]) for n in range(4)))

    def two(payloads: object) -> int:
        return min(2, sum(1 for _ in zip(range(3), payloads, strict=False)))  # type: ignore[call-overload]

    process.queue.done(process.queue.take(two))
    process.queue.done(process.queue.take(two))
    assert process.file_system.count("read") == 4


def test_ten_thousand_files_are_found_by_their_names_and_only_the_first_request_is_read(directory: Path) -> None:
    dying = Process(directory)
    dying.put(payload_of([7]))
    dying.kill()
    (file,) = queue_files(directory)
    for number in range(2, 10_001):
        (file.parent / f"{number:012d}{file.name[12:]}").hardlink_to(file)
    process = Process(directory)
    assert process.queue.adopt() == 10_000
    assert process.file_system.count("read") == 0
    assert process.file_system.count("status") == 0
    assert len(process.take(20)) == 20
    assert process.file_system.count("read") <= 21
    process.kill()


def halved(process: Process, taken: list[Entry]) -> None:
    process.queue.replace(taken, [Entry(half, suspect=True) for half in halve(taken[0].payload)])


def test_after_a_crash_only_what_is_left_of_a_request_taken_apart_is_sent_again(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of(range(8)), payload_of([8]))
    halved(process, process.take(1))
    halved(process, process.take())
    taken = process.take()
    assert numbers_of(taken) == [0, 1]
    process.queue.done(taken)
    assert len(queue_files(directory)) == 2
    process.kill()
    assert restarted(directory).deliver_all() == [2, 3, 4, 5, 6, 7, 8]


def test_files_wait_until_every_part_of_them_is_settled(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of(range(4)))
    halved(process, process.take())
    process.kill()
    assert restarted(directory).deliver_all() == [0, 1, 2, 3]
    assert queue_files(directory) == []


def test_a_crash_between_the_new_file_and_the_removal_of_the_old_sends_nothing_twice(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of(range(4)))
    halved(process, process.take())
    process.file_system.errors = {"remove": errno.EIO}
    process.queue.done(process.take())
    assert len(queue_files(directory)) == 2
    process.kill()
    assert restarted(directory).deliver_all() == [2, 3]


def test_a_damaged_file_of_what_is_left_gives_way_to_the_files_it_stands_for(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of(range(4)))
    halved(process, process.take())
    process.file_system.errors = {"remove": errno.EIO}
    process.queue.done(process.take())
    process.kill()
    left = max(queue_files(directory))
    left.write_bytes(left.read_bytes()[:-1])
    process = restarted(directory)
    assert process.deliver_all() == [0, 1, 2, 3], "sent again rather than lost"
    assert process.accepted == 4 + process.lost


def test_the_age_of_the_oldest_record_is_known(directory: Path) -> None:
    dying = Process(directory)
    dying.put(payload_of([1], age_ns=7))
    dying.kill()
    process = restarted(directory)
    assert process.queue.oldest_unix_nano() == NOW_NS - 7
    taken = process.take()
    process.put(payload_of([2]))
    assert process.queue.oldest_unix_nano() == NOW_NS - 7
    process.queue.done(taken)
    assert process.queue.oldest_unix_nano() == NOW_NS
    process.deliver_all()
    assert process.queue.oldest_unix_nano() is None


def test_records_that_became_stale_are_not_back_after_a_crash(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of(range(4)))
    process.queue.replace(process.take(), [Entry(payload_of([2, 3]))])
    process.kill()
    assert restarted(directory).deliver_all() == [2, 3]


def test_what_is_settled_once_stays_settled(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1]), payload_of([2]))
    taken = process.take(1)
    process.queue.done(taken)
    process.queue.done(taken)
    process.queue.give_back(taken)
    process.queue.replace(taken, [Entry(payload_of([1]))])
    assert process.queue.records() == 1
    assert process.deliver_all() == [2]


def test_a_suspect_payload_travels_alone(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1, 2]), payload_of([3]))
    halved(process, process.take(1))
    assert [numbers_of(process.take()) for _ in range(3)] == [[1], [2], [3]]


def test_adopted_and_own_records_do_not_share_a_request(directory: Path) -> None:
    dying = Process(directory)
    dying.put(payload_of([1]), payload_of([2]))
    dying.kill()
    process = restarted(directory)
    process.put(payload_of([3]))
    assert [numbers_of(process.take()) for _ in range(2)] == [[1, 2], [3]]


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EMFILE, errno.EIO])
@pytest.mark.parametrize("call", ["write", "rename"])
def test_a_disk_that_fails_leaves_the_records_in_memory_and_is_said_once(
    directory: Path, fault: int, call: str
) -> None:
    process = Process(directory)
    process.put(payload_of([1]))
    process.file_system.errors = {call: fault}
    process.put(payload_of([2]), payload_of([3]))
    process.seconds += 31
    process.put(payload_of([4]))
    assert len(process.said) == 1
    assert errno.errorcode[fault] in process.said[0]
    assert not list(directory.rglob("*.tmp"))
    assert process.deliver_all() == [1, 2, 3, 4]
    assert process.queue.records() == 0


def test_when_the_disk_works_again_what_waits_in_memory_goes_there_too(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1]))
    process.file_system.errors = {"write": errno.ENOSPC}
    process.put(payload_of([2]), payload_of([3]))
    process.file_system.errors = {}
    process.put(payload_of([4]))
    assert len(queue_files(directory)) == 1, "too early to try again"
    process.seconds += 31
    process.put(payload_of([5]))
    assert len(queue_files(directory)) == 5
    assert ["cannot be used" in line for line in process.said] == [True, False]
    process.kill()
    assert restarted(directory).deliver_all() == [1, 2, 3, 4, 5]


def test_while_the_disk_fails_memory_stays_bounded(directory: Path) -> None:
    process = Process(directory, memory_max_bytes=1200)
    process.put(payload_of([0]))
    process.file_system.errors = {"write": errno.ENOSPC}
    assert process.put(*(payload_of([n]) for n in range(1, 10))) == 7
    assert process.deliver_all() == [0, 8, 9]


def test_the_end_writes_down_what_it_can_and_counts_the_rest(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1]))
    process.file_system.errors = {"write": errno.ENOSPC}
    process.put(payload_of([2, 3]))
    assert process.queue.drain() == 2
    assert process.queue.records() == 1
    process = restarted(directory)
    process.file_system.errors = {"write": errno.ENOSPC}
    process.put(payload_of([4]))
    process.file_system.errors = {}
    process.seconds += 31
    assert process.queue.drain() == 0
    assert sorted(restarted(directory).deliver_all()) == [1, 4]


def test_a_file_that_cannot_be_removed_is_not_sent_twice_and_goes_later(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1]))
    process.file_system.errors = {"remove": errno.EROFS}
    assert process.deliver_all() == [1]
    assert process.queue.adopt() == 0
    assert len(queue_files(directory)) == 1
    process.file_system.errors = {}
    process.queue.adopt()
    assert queue_files(directory) == []


def test_too_many_open_files_is_no_damage(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1]))
    process.file_system.errors = {"read": errno.EMFILE}
    assert process.take() == []
    assert process.queue.retry_seconds() == 1.0
    process.file_system.errors = {}
    assert process.deliver_all() == [1]
    assert process.queue.retry_seconds() is None


def test_a_directory_removed_while_in_use_costs_what_was_in_it_and_nothing_else(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1, 2]))
    (own,) = owned_directories(directory)
    for path in own.iterdir():
        path.unlink()
    own.rmdir()
    process.put(payload_of([3]))
    assert process.deliver_all() == [3]
    assert (process.lost, process.queue.records()) == (2, 0)
    assert "removed by someone else" in process.reasons[0]


def test_without_flock_records_wait_in_memory(directory: Path) -> None:
    process = Process(directory)
    process.file_system.can_lock = False  # type: ignore[misc]
    assert process.queue.adopt() == 0
    process.put(payload_of([1]))
    process.queue.reject(process.take(), "refused")
    process.put(payload_of([2]))
    assert process.deliver_all() == [2]
    assert not directory.exists()
    assert len(process.said) == 1


def test_rejected_records_are_kept_and_leave_the_queue(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1]), payload_of([2]))
    process.queue.reject(process.take(1), "attribute names must not be empty")
    (kept,) = (directory / "rejected").iterdir()
    assert kept.name.startswith(DESTINATION)
    assert b"attribute names must not be empty" in kept.read_bytes()
    assert process.deliver_all() == [2]


def test_the_rejected_store_is_bounded_and_keeps_the_newest(directory: Path) -> None:
    process = Process(directory, kept_max_bytes=50 * FILE_BYTES)
    for number in range(400):
        process.put(payload_of([number]))
        process.queue.reject(process.take(), "refused")
    kept = sorted((directory / "rejected").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert 50 <= len(kept) <= 151
    process.put(payload_of([1]))
    process.kill()


def test_hundreds_of_orphans_do_not_take_all_file_descriptors(directory: Path) -> None:
    for number in range(120):
        dying = Process(directory)
        dying.put(payload_of([number]))
        dying.kill()
    process = restarted(directory)
    assert len(process.file_system.locks) <= 50
    found = process.deliver_all()
    while process.queue.adopt():
        found += process.deliver_all()
    assert sorted(found) == list(range(120))
    process.queue.drain()
    assert owned_directories(directory) == []


def test_a_directory_left_half_made_is_cleared_away(directory: Path) -> None:
    for kill_at in range(8):
        dying = Process(directory)
        dying.file_system.kill_at = kill_at
        with contextlib.suppress(Killed):
            dying.put(payload_of([1]))
        dying.kill()
    process = restarted(directory)
    process.deliver_all()
    assert owned_directories(directory) == []


def test_first_takes_no_more_than_there_is(directory: Path) -> None:
    process = Process(directory)
    process.put(payload_of([1]))
    assert len(process.queue.take(first(5))) == 1


def test_of_many_orphans_only_as_many_are_adopted_as_there_is_room_for(directory: Path) -> None:
    dead = [Process(directory, max_bytes=10 * FILE_BYTES) for _ in range(8)]
    for number, process in enumerate(dead):
        process.put(*(payload_of([10 * number + n]) for n in range(10)))
    for process in dead:
        process.kill()
    first_up = Process(directory, max_bytes=10 * FILE_BYTES)
    assert first_up.queue.adopt() == 10, "the other directories are for other processes"
    assert first_up.put(payload_of([999])) == 1, "one comes, one goes"
    second_up = Process(directory, max_bytes=10 * FILE_BYTES)
    assert second_up.queue.adopt() == 10


def test_what_was_adopted_beyond_the_bound_is_not_thrown_away_for_one_payload(directory: Path) -> None:
    dead = Process(directory)
    dead.put(*(payload_of([n]) for n in range(30)))
    dead.kill()
    process = Process(directory, max_bytes=10 * FILE_BYTES)
    assert process.queue.adopt() == 30
    assert process.put(payload_of([30])) == 1


def test_files_that_cannot_be_removed_for_a_while_are_neither_sent_again_nor_let_go(directory: Path) -> None:
    dead = Process(directory)
    dead.put(*(payload_of([n]) for n in range(6)))
    dead.kill()
    process = restarted(directory)
    process.file_system.errors["remove"] = errno.EROFS
    taken = process.take(1)
    process.queue.done(taken)
    for _ in range(8):
        process.seconds += 30
        process.queue.adopt()
    process.file_system.errors.clear()
    process.seconds += 30
    process.queue.adopt()
    other = Process(directory)
    assert other.queue.adopt() == 0, "the directory is still held by a process that is alive"
    assert numbers_of(taken) + process.deliver_all() == list(range(6))
    assert process.accepted == 6
