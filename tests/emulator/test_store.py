"""What is kept: bounded memory, exact counts, and no record that changes under its reader."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest


def test_only_the_newest_records_are_kept_and_all_are_counted(start: Callable[..., Any]) -> None:
    client = start(max_stored_records=5)
    client.events(*({"content": str(number), "service.name": "s"} for number in range(12)))
    assert [record["content"] for record in client.emulator.records()] == ["7", "8", "9", "10", "11"]
    summary = client.emulator.summary()
    assert (summary["stored"], summary["kept"], summary["stored_by_service"]) == (12, 5, {"s": 12})


def test_records_are_kept_within_so_many_bytes(start: Callable[..., Any]) -> None:
    client = start(max_stored_bytes=1_000_000)
    for number in range(30):
        client.events({"content": str(number) + "x" * 100_000})
    summary = client.emulator.summary()
    assert summary["stored"] == 30
    assert 5 <= summary["kept"] <= 10
    assert summary["kept_bytes_estimated"] <= 1_000_000
    assert client.emulator.records()[-1]["content"].startswith("29x")


def test_only_the_newest_requests_are_kept(start: Callable[..., Any]) -> None:
    client = start(max_kept_requests=3)
    for _ in range(5):
        client.events({"content": "x"})
    assert [request["number"] for request in client.emulator.requests()] == [3, 4, 5]
    assert client.emulator.summary()["requests"] == 5


def test_what_is_noted_of_a_request_is_short(client, emulator) -> None:
    client.events({"content": "x"}, path="/" + "p" * 9_000, user_agent="u" * 9_000)
    [request] = emulator.requests()
    assert (len(request["path"]), len(request["user_agent"])) == (500, 500)


def test_a_reader_cannot_change_what_is_stored(client, emulator) -> None:
    client.events({"content": "x", "list": [1, 2]})
    record = emulator.records()[0]
    record["list"].append(3)
    record["content"] = "y"
    emulator.requests()[0]["status"] = 500
    assert emulator.records()[0]["list"] == [1, 2]
    assert emulator.records()[0]["content"] == "x"
    assert emulator.requests()[0]["status"] == 204


def test_records_are_found_by_content_level_and_attribute(client, emulator) -> None:
    client.events(
        {"content": "card declined", "level": "warn", "n": 1, "ok": True},
        {"content": "card accepted", "level": "info", "n": 2, "ok": True, "a=b": "c=d"},
    )
    found = [
        emulator.records(content="declined"),
        emulator.records(loglevel="warn"),
        emulator.records(attribute="n=1"),
        emulator.records(attribute={"ok": True, "n": 1}),
        emulator.records(limit=1),
    ]
    assert [[record["n"] for record in records] for records in found] == [[1]] * 5
    assert len(emulator.records(content="card", attribute="ok=true")) == 2
    assert emulator.records(attribute="missing=null") == []
    with pytest.raises(ValueError, match="key=value"):
        emulator.records(attribute="n")


def test_the_route_and_the_request_of_a_record_are_told_when_asked(client, emulator, otlp_request) -> None:
    client.events({"content": "json"})
    client.otlp(otlp_request({"body": "otlp"}))
    records = emulator.records(with_route=True)
    assert [(record["emulator.route"], record["emulator.request"]) for record in records] == [("json", 1), ("otlp", 2)]
    assert "emulator.route" not in emulator.records()[0]


def test_wait_for_returns_as_soon_as_the_records_are_there(client, emulator) -> None:
    sender = threading.Timer(0.1, lambda: client.events({"content": "1"}, {"content": "2"}))
    sender.start()
    started = time.monotonic()
    assert [record["content"] for record in emulator.wait_for(2, timeout_seconds=60.0)] == ["1", "2"]
    assert time.monotonic() - started < 30
    assert emulator.requests()[0]["status"] == 204
    sender.join()


def test_wait_for_says_what_came_instead(client, emulator) -> None:
    client.events({"content": "x"})
    client.events({"content": "x"}, authorization="Api-Token wrong")
    with pytest.raises(TimeoutError) as raised:
        emulator.wait_for(2, timeout_seconds=0.05)
    text = str(raised.value)
    assert "waited 0.05 s for 2 records, 1 are stored" in text
    assert "POST /api/v2/logs/ingest -> 401" in text


def test_clear_forgets_everything(client, emulator) -> None:
    client.events({"content": "x"})
    emulator.clear()
    assert (emulator.records(), emulator.requests(), emulator.summary()["stored"]) == ([], [], 0)


def test_what_is_being_read_at_once_is_bounded(start: Callable[..., Any]) -> None:
    client = start(max_bytes_in_flight=1_000)
    assert client.events({"content": "x" * 2_000}).status == 429
    assert client.events({"content": "x" * 500}).status == 204


def test_senders_in_parallel_lose_nothing(client, emulator) -> None:
    def send(sender: int) -> None:
        for number in range(20):
            assert client.events({"content": f"{sender} {number}"}).status == 204

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record["content"] for record in emulator.records()) == sorted(
        f"{sender} {number}" for sender in range(8) for number in range(20)
    )
