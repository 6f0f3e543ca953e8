"""What a queue file says about itself; what happens to a truncated, corrupt, foreign or future-version one."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import payload_of
from doubles.disk import Process, owned_directories, queue_files
from dt_otlp_logs.delivery.queue_file import (
    HEADER_BYTES,
    DamagedFileError,
    FileName,
    from_bytes,
    name_for,
    parse_name,
    to_bytes,
)
from dt_otlp_logs.encoding.payload import Payload


def left_behind(directory: Path, payloads: int = 3) -> list[Path]:
    """The files of a process that was killed, in their order."""
    dying = Process(directory)
    dying.put(*(payload_of([n, n + 100]) for n in range(payloads)))
    dying.kill()
    return sorted(queue_files(directory))


def delivered_after_restart(directory: Path) -> tuple[list[int], Process]:
    process = Process(directory)
    process.queue.adopt()
    delivered = process.deliver_all()
    assert process.accepted == len(delivered) + process.lost
    assert process.queue.records() == 0
    process.queue.drain()
    assert owned_directories(directory) == []
    return delivered, process


@given(
    st.builds(
        Payload,
        body=st.binary(max_size=200),
        records=st.integers(1, 50_000),
        size_bytes=st.integers(0, 2**36),
        oldest_unix_nano=st.integers(0, 2**64 - 1),
        expanded_bytes=st.integers(0, 2**40),
    ),
    st.integers(1, 10**12),
)
def test_name_and_content_tell_the_same_and_give_back_the_payload(payload: Payload, sequence: int) -> None:
    name = name_for(payload, sequence)
    assert parse_name(name.text) == name
    assert from_bytes(to_bytes(payload, {"reason": "\u2028"}), name) == (payload, {"reason": "\u2028"})


@given(st.text(max_size=80) | st.from_regex(r"[0-9]{12}\.[0-9]-[0-9-]{10,40}\.dtq"))
def test_a_name_is_read_only_as_it_would_be_written(text: str) -> None:
    name = parse_name(text)
    assert name is None or name.text == text


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_a_whole_file_or_damaged(noise: bytes, cut: int) -> None:
    for data in (noise, to_bytes(payload_of([1]))[:cut] + noise):
        try:
            payload, _ = from_bytes(data)
        except DamagedFileError:
            continue
        assert to_bytes(payload) == data


def test_a_file_truncated_at_any_byte_is_set_aside_and_counted_and_stops_nothing(tmp_path: Path) -> None:
    content = left_behind(tmp_path / "original")[1].read_bytes()
    for length in range(len(content)):
        directory = tmp_path / str(length)
        (_, second, _) = left_behind(directory)
        second.write_bytes(content[:length])
        delivered, process = delivered_after_restart(directory)
        assert delivered == [0, 100, 2, 102]
        assert (process.lost, len(process.reasons)) == (2, 1)
        assert ("truncated" if length else "empty") in process.reasons[0]
        kept = sorted(path.name for path in (directory / "set-aside").iterdir())
        assert [name.endswith(".why.txt") for name in kept] == [False, True]


def test_a_changed_byte_anywhere_is_noticed(tmp_path: Path) -> None:
    payload = payload_of([1])
    name, content = name_for(payload, 1), to_bytes(payload)
    for place in range(len(content)):
        with pytest.raises(DamagedFileError):
            from_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :], name)


def future_version(content: bytes) -> bytes:
    return content[:8] + struct.pack("<H", 2) + content[10:]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (future_version, "format version 2, this is version 1"),
        (lambda _: b"#!/bin/sh\necho this is no queue file, whatever its name says\n", "not a queue file"),
        (lambda content: content + b"x", "longer than its header says"),
        (lambda _: to_bytes(payload_of([1, 2, 3])), "not what its name says"),
        (lambda content: content[: HEADER_BYTES - 1] + b"\0" + content[HEADER_BYTES:], "checksum"),
    ],
)
def test_a_file_that_cannot_be_used_is_set_aside_with_the_reason(tmp_path: Path, damage: object, reason: str) -> None:
    first, _, _ = left_behind(tmp_path)
    first.write_bytes(damage(first.read_bytes()))  # type: ignore[operator]
    delivered, process = delivered_after_restart(tmp_path)
    assert delivered == [1, 101, 2, 102]
    assert process.lost == 2
    assert reason in process.reasons[0]
    (why,) = (tmp_path / "set-aside").glob("*.why.txt")
    assert reason in why.read_text()


def test_what_is_no_queue_file_by_its_name_is_set_aside_uncounted(tmp_path: Path) -> None:
    place = left_behind(tmp_path)[0].parent
    (place / "notes.txt").write_text("mine")
    (place / "sub").mkdir()
    (place / "000000000009.0-0-1-1-1-1.dtq").write_text("no records by its name")
    delivered, process = delivered_after_restart(tmp_path)
    assert len(delivered) == 6
    assert process.lost == 0
    assert "3 are no queue files, set aside" in process.said[0]
    assert len(list((tmp_path / "set-aside").glob("*.why.txt"))) == 3


def test_a_file_half_written_when_the_process_was_killed_is_cleared_away(tmp_path: Path) -> None:
    place = left_behind(tmp_path)[0].parent
    (place / "000000000009.0-1-1-1-1-1.dtq.tmp").write_bytes(b"DTLO")
    delivered, process = delivered_after_restart(tmp_path)
    assert len(delivered) == 6
    assert not process.said
    assert not (tmp_path / "set-aside").exists()


def test_a_damaged_file_that_cannot_be_moved_is_skipped_and_counted_once(tmp_path: Path) -> None:
    first, _, _ = left_behind(tmp_path)
    first.write_bytes(b"")
    process = Process(tmp_path)
    process.queue.adopt()
    process.file_system.errors = {"rename": 30}
    assert process.deliver_all() == [1, 101, 2, 102]
    assert process.queue.adopt() == 0
    assert process.lost == 2
    assert "cannot be set aside" in process.said[0]
    process.kill()


def test_other_things_in_a_shared_directory_are_left_alone(tmp_path: Path) -> None:
    left_behind(tmp_path)
    (tmp_path / "README").write_text("mine")
    (tmp_path / "other-service").mkdir()
    process = Process(tmp_path)
    process.queue.adopt()
    process.deliver_all()
    process.queue.drain()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README", "other-service"]


def test_the_cost_of_a_file_is_what_it_takes_on_disk() -> None:
    assert FileName(1, 0, 1, 1, 1, 1, 1).cost_bytes == 4096
    assert FileName(1, 0, 1, 4096 - HEADER_BYTES, 1, 1, 1).cost_bytes == 4096
    assert FileName(1, 0, 1, 4097 - HEADER_BYTES, 1, 1, 1).cost_bytes == 8192
