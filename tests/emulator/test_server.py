"""The server: where it listens, how fast it answers, and that it starts and stops without a trace."""

import socket
import threading
import time
from typing import Any

import pytest

from dt_otlp_logs.emulator import EmulatorSettings, running_emulator


def test_an_answer_with_a_body_does_not_wait_for_an_acknowledgement(client) -> None:
    client.get("/emulator/summary")
    durations = []
    for _ in range(20):
        started = time.perf_counter()
        client.get("/emulator/summary")
        durations.append(time.perf_counter() - started)
    assert min(durations) < 0.03


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_it_listens_on_each_form_of_loopback(client_class: Any, host: str) -> None:
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"{host} is not available on this machine")
    with running_emulator(host=host) as emulator:
        client = client_class(emulator)
        assert client.events({"content": "x"}).status == 204
        assert client.get("/emulator/summary").json["stored"] == 1


def test_it_is_reachable_from_this_machine_only_by_default(emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")


def test_many_can_run_side_by_side_and_none_leaves_a_thread() -> None:
    before = threading.active_count()
    for _ in range(10):
        with running_emulator() as one, running_emulator(EmulatorSettings(profile="classic")) as other:
            assert one.url != other.url
    assert threading.active_count() == before


def test_a_body_that_comes_in_pieces_is_one_request(client, emulator) -> None:
    host, _, port = emulator.url.removeprefix("http://").rpartition(":")
    head = f"POST /api/v2/logs/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Api-Token {emulator.api_token}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(head.encode())
        for piece in (b'{"content":', b'"in pieces"}'):
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            time.sleep(0.01)
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 204 ")
    assert emulator.records()[0]["content"] == "in pieces"


def test_a_client_that_leaves_within_its_request_stores_nothing(client, emulator) -> None:
    host, _, port = emulator.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"POST /api/v2/logs/ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    deadline = time.monotonic() + 5
    while emulator.summary()["requests_by_status"] != {"no answer": 1}:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert emulator.records() == []
