"""The control API: what it shows and orders, how it refuses nonsense, and that no web page can use it."""

from collections.abc import Callable
from typing import Any

import pytest

from dt_otlp_logs.emulator import Fault

PAGES = ["records", "requests", "summary", "faults"]


def test_the_front_page_says_what_this_is_and_where_to_send(client) -> None:
    reply = client.get("/")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    for path in (b"/api/v2/otlp/v1/logs", b"/api/v2/logs/ingest", b"/emulator/records", b"/emulator/faults"):
        assert path in reply.body


def test_records_are_shown_filtered_and_in_pages(client) -> None:
    client.events(*({"content": f"line {number}", "level": "warn", "n": number % 2} for number in range(10)))
    reply = client.get("/emulator/records?attribute=n=1&loglevel=WARN&content=line&offset=1&limit=2").json
    assert (reply["total"], reply["offset"]) == (5, 1)
    assert [record["content"] for record in reply["records"]] == ["line 3", "line 5"]
    assert client.get("/emulator/records?attribute=n=1&attribute=loglevel=INFO").json["total"] == 0
    assert client.get("/emulator/records?limit=1&with_route=true").json["records"][0]["emulator.route"] == "json"


def test_what_a_record_says_is_data_only(client) -> None:
    client.events({"content": "<script>alert(1)</script>", "k\u2028": "\u0000"})
    reply = client.get("/emulator/records")
    assert reply.headers["content-type"] == "application/json"
    assert reply.json["records"][0]["content"] == "<script>alert(1)</script>"
    assert reply.json["records"][0]["k\u2028"] == "\u0000"


def test_requests_and_counts_are_shown(client, emulator) -> None:
    client.events({"content": "x", "service.name": "shop"}, user_agent="tester/1")
    client.events({"content": "x"}, authorization="")
    requests = client.get("/emulator/requests").json["requests"]
    assert requests == emulator.requests()
    assert (requests[0]["status"], requests[0]["user_agent"]) == (204, "tester/1")
    summary = client.get("/emulator/summary").json
    assert (summary["stored"], summary["stored_by_service"]) == (1, {"shop": 1})
    assert summary["requests_by_status"] == {"204": 1, "401": 1}
    assert client.get("/emulator/requests?offset=1&limit=5").json["requests"] == requests[1:]


def test_asking_the_control_api_is_not_a_request_to_dynatrace(client, emulator) -> None:
    for page in PAGES:
        assert client.get(f"/emulator/{page}").status == 200
    assert emulator.requests() == []


def test_records_can_be_deleted(client, emulator) -> None:
    client.events({"content": "x"})
    assert client.request("DELETE", "/emulator/records").status == 204
    assert client.get("/emulator/summary").json["stored"] == 0


def test_faults_are_ordered_shown_and_cleared(client, emulator) -> None:
    reply = client.request("POST", "/emulator/faults", b'{"status": 503, "retry_after": "2", "times": 3}')
    assert reply.status == 201
    answer = client.events({"content": "x"})
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert client.get("/emulator/faults").json == {"faults": [{"status": 503, "retry_after": "2", "times": 2}]}
    assert client.request("DELETE", "/emulator/faults").status == 204
    assert client.events({"content": "x"}).status == 204


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a fault"),
        (b"{", "not a fault"),
        (b"[]", "a fault is a JSON object"),
        (b"{}", "a fault needs"),
        (b'{"statuss": 503}', "unknown: statuss"),
        (b'{"status": "503"}', "status has the wrong type"),
        (b'{"status": 503, "times": -1}', "times must be at least 1"),
        (b'{"status": 503, "seconds": NaN}', "seconds must be more than 0"),
        (b'{"cut": "during"}', "cut must be"),
        (b'{"status": 503, "retry_after": "1\\r\\nSet-Cookie: a=b"}', "not a header value"),
        (b"[" * 50_000, "a fault is a small JSON object"),
        (b" " * 200_000, "a fault is a small JSON object"),
        (b"\xff\xfe\xff", "not a fault"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_the_reason(client, body: bytes, reason: str) -> None:
    reply = client.request("POST", "/emulator/faults", body)
    assert reply.status == 400
    assert reason in reply.error["message"]
    assert client.get("/emulator/faults").json == {"faults": []}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("limit=-1", "limit has to be"),
        ("limit=x", "limit has to be"),
        ("offset=1.5", "offset has to be"),
        ("limit=99999999999999999999", "limit has to be"),
        ("limit=%D9%A1", "limit has to be"),
        ("attribute=novalue", "key=value"),
        ("attribute==value", "key=value"),
        ("with_route=yes", "true or false"),
        ("contents=x", "unknown parameter: contents"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_with_the_reason(client, query: str, reason: str) -> None:
    reply = client.get(f"/emulator/records?{query}")
    assert reply.status == 400
    assert reason in reply.error["message"]


def test_an_unknown_page_is_not_found(client) -> None:
    assert client.get("/emulator/nothing").status == 404
    assert client.request("PUT", "/emulator/records").status == 405


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1", "127.1.2.3:80", "[::1]:80", "LOCALHOST"])
def test_it_answers_under_loopback_names(client, host: str) -> None:
    assert client.get("/emulator/summary", host=host).status == 200


@pytest.mark.parametrize("page", ["", *(f"emulator/{page}" for page in PAGES)])
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "192.168.0.7", "[::1", "127.0.0.1.evil.example"]
)
def test_a_rebound_name_gets_nothing(client, page: str, host: str) -> None:
    reply = client.get(f"/{page}", host=host)
    assert reply.status == 403


def test_a_host_name_can_be_allowed(start: Callable[..., Any]) -> None:
    client = start(control_hosts=("Emulator",))
    assert client.get("/emulator/summary", host="emulator:14680").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_a_page_of_another_site_gets_nothing_and_orders_nothing(client, emulator, headers: dict[str, str]) -> None:
    assert client.get("/emulator/records", **headers).status == 403
    assert client.request("POST", "/emulator/faults", b'{"status": 503}', **headers).status == 403
    assert client.request("DELETE", "/emulator/records", **headers).status == 403
    assert client.events({"content": "x"}).status == 204


def test_its_own_origin_is_served(client, emulator) -> None:
    assert client.get("/emulator/records", origin=emulator.url, sec_fetch_site="same-origin").status == 200


def test_a_fault_never_hits_the_control_api(client, emulator) -> None:
    emulator.order(Fault(status=503))
    assert client.get("/emulator/summary").status == 200
