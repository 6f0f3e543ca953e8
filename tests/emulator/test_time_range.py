"""Records that are too old or too far ahead, on both paths and under both readings of the documentation."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

SECOND = 10**9
DAY = 86_400 * SECOND
ALL_STALE = "All logs are out of correct time range."


def ago(**duration: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(**duration)).isoformat(timespec="milliseconds")


def test_records_that_are_all_too_old_are_refused_together(client, emulator, otlp_request) -> None:
    replies = [
        client.events(
            {"content": "old", "timestamp": ago(hours=24, seconds=5)}, {"content": "older", "timestamp": ago(days=99)}
        ),
        client.otlp(otlp_request({"time_unix_nano": time.time_ns() - DAY - 5 * SECOND})),
    ]
    assert [(reply.status, reply.error["message"]) for reply in replies] == [(400, ALL_STALE)] * 2
    assert emulator.records() == []
    assert emulator.summary()["rejected"] == 3


def test_a_record_just_within_a_day_is_kept(client, emulator, otlp_request) -> None:
    stamp = time.time_ns() - DAY + 5 * SECOND
    assert client.otlp(otlp_request({"time_unix_nano": stamp})).status == 200
    assert emulator.records()[0]["timestamp"].endswith(f"{stamp % SECOND:09d}Z")


def test_one_old_record_among_fresh_ones_is_a_partial_success_in_otlp(client, emulator, otlp_request) -> None:
    old, fresh = (
        {"time_unix_nano": time.time_ns() - 2 * DAY, "body": "old"},
        {"time_unix_nano": time.time_ns(), "body": "fresh"},
    )
    reply = client.otlp(otlp_request(old, fresh, old))
    assert reply.status == 200
    assert reply.otlp.partial_success.rejected_log_records == 2
    assert "out of correct time range" in reply.otlp.partial_success.error_message
    assert [record["content"] for record in emulator.records()] == ["fresh"]
    [request] = emulator.requests()
    assert (request["records"], request["stored"], request["rejected"]) == (3, 1, 2)


@pytest.mark.parametrize("key", ["details", "success"])
def test_one_old_record_among_fresh_ones_is_a_200_with_a_message_in_json(start: Callable[..., Any], key: str) -> None:
    client = start(partial_success_key=key)
    reply = client.events({"content": "old", "timestamp": ago(days=2)}, {"content": "fresh"})
    message = "1 events were not ingested because of timestamp out of correct time range."
    assert (reply.status, reply.json) == (200, {key: {"code": 200, "message": message}})
    assert [record["content"] for record in client.emulator.records()] == ["fresh"]


def test_one_old_record_can_cost_the_whole_request(start: Callable[..., Any], otlp_request) -> None:
    client = start(stale="whole_request")
    old, fresh = {"time_unix_nano": time.time_ns() - 2 * DAY}, {"time_unix_nano": time.time_ns()}
    assert client.otlp(otlp_request(old, fresh)).status == 400
    assert client.events({"content": "old", "timestamp": ago(days=2)}, {"content": "fresh"}).status == 400
    assert client.emulator.records() == []


@pytest.mark.parametrize(("settings", "later"), [({}, 0), ({"ahead": "ten_minutes_ahead"}, 600)])
def test_a_record_too_far_ahead_gets_another_time(
    start: Callable[..., Any], otlp_request, settings: dict, later: int
) -> None:
    client = start(**settings)
    before = datetime.now(timezone.utc)
    client.otlp(otlp_request({"time_unix_nano": time.time_ns() + 660 * SECOND}))
    [record] = client.emulator.records()
    stored = datetime.fromisoformat(record["timestamp"][:26] + "+00:00")
    assert abs((stored - before).total_seconds() - later) < 5
    assert record["dt.ingest.warnings"] == ["timestamp_corrected"]


def test_a_record_up_to_ten_minutes_ahead_is_kept_as_it_is(client, emulator, otlp_request) -> None:
    stamp = time.time_ns() + 590 * SECOND
    client.otlp(otlp_request({"time_unix_nano": stamp}))
    [record] = emulator.records()
    assert record["timestamp"].endswith(f"{stamp % SECOND:09d}Z")
    assert "dt.ingest.warnings" not in record
