"""Faults: what a client sees of each, whether the request is stored, and how long a fault lasts."""

import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import urllib3

from dt_otlp_logs.emulator import DISK_QUEUE_FULL, Fault, running_emulator

EVENT = {"content": "x"}


def talk(url: str, token: str, body: bytes = b'{"content":"x"}', seconds: float = 5.0) -> bytes:
    """Everything the server says on one raw connection until it is closed."""
    parts = urlsplit(url)
    head = f"POST /api/v2/logs/ingest HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Api-Token {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    received = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
        connection.sendall(head.encode() + body)
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
    return received


@pytest.mark.parametrize("status", [400, 402, 403, 404, 408, 413, 429, 500, 501, 502, 503, 504, 599])
def test_a_status_answers_the_error_envelope_and_stores_nothing(client, emulator, otlp_request, status: int) -> None:
    emulator.order(Fault(status=status, times=2))
    replies = [client.events(EVENT), client.otlp(otlp_request({}, {}))]
    assert [(reply.status, reply.error["code"]) for reply in replies] == [(status, status)] * 2
    assert "retry-after" not in replies[0].headers
    assert emulator.records() == []
    assert [request["records"] for request in emulator.requests()] == [1, 2]
    assert client.events(EVENT).status == 204


@pytest.mark.parametrize("value", ["2", "Wed, 21 Oct 2026 07:28:00 GMT", "soon", ""])
def test_retry_after_is_sent_verbatim(client, emulator, value: str) -> None:
    emulator.order(Fault(status=429, retry_after=value))
    assert client.events(EVENT).headers["retry-after"] == value


def test_a_full_activegate_says_so(client, emulator) -> None:
    emulator.order(DISK_QUEUE_FULL)
    reply = client.events(EVENT)
    assert (reply.status, reply.error["message"]) == (503, "Usable space limit reached")


def test_a_cut_before_storing_closes_without_an_answer(client, emulator) -> None:
    emulator.order(Fault(cut="before"))
    assert talk(emulator.url, emulator.api_token) == b""
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.events(EVENT)
    assert emulator.records() == []
    assert [request["status"] for request in emulator.requests()] == [None, None]


def test_a_cut_after_storing_closes_without_an_answer_and_has_the_record(client, emulator) -> None:
    emulator.order(Fault(cut="after", times=1))
    assert talk(emulator.url, emulator.api_token) == b""
    assert len(emulator.records()) == 1
    assert emulator.summary()["requests_by_status"] == {"no answer": 1}
    assert client.events(EVENT).status == 204


def test_a_silent_server_accepts_and_never_answers(client, emulator) -> None:
    emulator.order(Fault(silent=True))
    with pytest.raises(TimeoutError):
        talk(emulator.url, emulator.api_token, seconds=0.2)
    assert emulator.records() == []
    assert emulator.requests()[0]["status"] is None


def test_a_delay_comes_before_the_ordinary_answer(client, emulator) -> None:
    emulator.order(Fault(delay_seconds=0.2, times=1))
    started = time.monotonic()
    assert client.events(EVENT).status == 204
    assert time.monotonic() - started >= 0.2
    assert len(emulator.records()) == 1


def test_a_delay_holds_up_no_other_request(client, emulator) -> None:
    emulator.order(Fault(delay_seconds=5.0, times=1))

    def send_slowly() -> None:
        with pytest.raises(urllib3.exceptions.HTTPError):
            client.events(EVENT, timeout=0.5)

    slow = threading.Thread(target=send_slowly)
    slow.start()
    while not emulator.requests():
        time.sleep(0.005)
    assert client.get("/emulator/summary").status == 200
    assert client.events(EVENT).status == 204
    assert emulator.requests()[0]["status"] is None, "the slow one is still waiting"
    slow.join()


def test_an_html_error_page_looks_like_a_gateways(client, emulator) -> None:
    emulator.order(Fault(status=400, html=True, message="Bad <Request>"))
    reply = client.events(EVENT)
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/html;charset=iso-8859-1"
    assert b"<title>Error 400 Bad &lt;Request&gt;</title>" in reply.body


def test_a_login_page_is_a_200_that_stores_nothing(client, emulator, otlp_request) -> None:
    emulator.order(Fault(status=200, html=True))
    reply = client.otlp(otlp_request({}))
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html;charset=iso-8859-1")
    assert emulator.records() == []


@pytest.mark.parametrize(("status", "expected"), [(None, 302), (301, 301), (307, 307)])
def test_a_redirect_names_its_target_and_stores_nothing(client, emulator, status: int | None, expected: int) -> None:
    emulator.order(Fault(redirect_to="https://sso.example.com/login", status=status))
    reply = client.events(EVENT)
    assert (reply.status, reply.headers["location"]) == (expected, "https://sso.example.com/login")
    assert emulator.records() == []


def test_another_success_status_still_stores(client, emulator, otlp_request) -> None:
    emulator.order(Fault(status=204))
    assert client.otlp(otlp_request({"body": "x"})).status == 204
    assert len(emulator.records()) == 1
    assert client.otlp(b"", authorization="Api-Token wrong").status == 401


def test_a_partial_success_refuses_the_last_records(client, emulator, otlp_request) -> None:
    emulator.order(Fault(rejected_records=2))
    reply = client.otlp(otlp_request({"body": "1"}, {"body": "2"}, {"body": "3"}))
    assert reply.status == 200
    assert reply.otlp.partial_success.rejected_log_records == 2
    assert reply.otlp.partial_success.error_message
    reply = client.events({"content": "4"}, {"content": "5"}, {"content": "6"})
    assert (reply.status, reply.json["details"]["code"]) == (200, 200)
    assert [record["content"] for record in emulator.records()] == ["1", "4"]


def test_a_fault_of_one_path_leaves_the_other_alone(client, emulator) -> None:
    emulator.order(Fault(status=404, path="otlp"))
    assert client.events(EVENT).status == 204
    assert client.otlp(b"").status == 404
    emulator.clear_faults()
    emulator.order(Fault(status=503, path="json"))
    assert client.events(EVENT).status == 503
    assert client.otlp(b"").status == 200


def test_faults_happen_in_the_order_they_were_ordered(client, emulator) -> None:
    emulator.order(Fault(status=503, times=2))
    emulator.order(Fault(status=429, times=1))
    assert [client.events(EVENT).status for _ in range(4)] == [503, 503, 429, 204]


def test_a_fault_without_an_end_lasts_until_it_is_cleared(client, emulator) -> None:
    emulator.order(Fault(status=503))
    assert [client.events(EVENT).status for _ in range(5)] == [503] * 5
    emulator.clear_faults()
    assert client.events(EVENT).status == 204


def test_stopping_closes_the_port_and_every_connection_at_once() -> None:
    with running_emulator() as emulator:
        emulator.order(Fault(silent=True, times=1))
        emulator.order(Fault(delay_seconds=60.0))
        port = urlsplit(emulator.url).port
        hanging = [threading.Thread(target=talk, args=(emulator.url, emulator.api_token)) for _ in range(2)]
        for thread in hanging:
            thread.start()
        while len(emulator.requests()) < 2:
            time.sleep(0.005)
        started = time.monotonic()
    for thread in hanging:
        thread.join()
    # The faults would keep them for a minute and longer.
    assert time.monotonic() - started < 30
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    with running_emulator(port=port) as again:
        assert urlsplit(again.url).port == port


def test_a_port_that_is_taken_is_an_error_of_the_caller() -> None:
    with running_emulator() as emulator:
        port = urlsplit(emulator.url).port
        with pytest.raises(OSError, match="in use"), running_emulator(port=port):
            pass


def test_one_connection_serves_many_requests(client, emulator) -> None:
    for _ in range(3):
        client.events(EVENT)
    assert len({request["client_port"] for request in emulator.requests()}) == 1
