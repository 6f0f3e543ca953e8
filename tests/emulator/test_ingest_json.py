"""The JSON path: content types, special keys, broken input. Expectations are the ingest pages' examples."""

import gzip
import json
import shutil
import subprocess
from typing import Any

import pytest

JSON_LINES = ["jsonl", "jsonlines", "jsonlines+json", "x-ndjson", "x-jsonlines"]

# What the server adds to every record, and tests about attributes leave out.
SERVER = {"timestamp", "loglevel", "status", "dt.openpipeline.source", "dt.ingest.format", "dt.auth.origin"}


def own(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in SERVER}


def test_the_curl_example_of_the_documentation_is_stored(emulator) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    command = [curl, "-sS", "-o", "-", "-w", "%{http_code}", "-X", "POST"]
    command += [f"{emulator.url}/e/abc123a/api/v2/logs/ingest", "-H", "Content-Type: application/json; charset=utf-8"]
    command += ["-H", "Authorization: Api-Token dt0c01.abc123.abcdefjhij1234567890", "-d"]
    command += [
        """[
  {
    "content": "Exception: Custom error log sent via Log ingestion API",
    "status": "error",
    "service.name": "log-monitoring-tenant",
    "service.namespace": "dev-stage-cluster"
  }
]"""
    ]
    assert subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout == "204"
    [record] = emulator.records()
    assert own(record) == {
        "content": "Exception: Custom error log sent via Log ingestion API",
        "service.name": "log-monitoring-tenant",
        "service.namespace": "dev-stage-cluster",
    }
    assert (record["status"], record["loglevel"]) == ("ERROR", "ERROR")
    assert record["dt.auth.origin"] == "dt0c01.abc123"
    assert record["dt.openpipeline.source"] == "/api/v2/logs/ingest"


def test_a_text_is_one_event(client, emulator) -> None:
    assert client.raw("zwei\nZeilen ä".encode(), content_type="text/plain; charset=utf-8").status == 204
    assert [own(record) for record in emulator.records()] == [{"content": "zwei\nZeilen ä"}]


@pytest.mark.parametrize("subtype", JSON_LINES)
def test_json_lines_are_accepted_under_each_of_their_names(client, emulator, subtype: str) -> None:
    body = b'{"content":"one"}\n\n{"content":"two"}\r\n'
    assert client.raw(body, content_type=f"application/{subtype}").status == 204
    assert [record["content"] for record in emulator.records()] == ["one", "two"]


def test_one_object_need_not_be_in_an_array(client, emulator) -> None:
    assert client.raw(b'{"content":"alone"}').status == 204
    assert emulator.records()[0]["content"] == "alone"


def test_the_content_type_parameter_wins_over_the_header(client, emulator) -> None:
    reply = client.raw(b"plain", path="/api/v2/logs/ingest?content-type=text/plain", content_type="application/json")
    assert reply.status == 204
    assert own(emulator.records()[0]) == {"content": "plain"}


@pytest.mark.parametrize("content_type", ["", "application/xml", "application/x-www-form-urlencoded", "text/html"])
def test_other_content_types_are_refused(client, content_type: str) -> None:
    reply = client.raw(b"[]", content_type=content_type)
    assert (reply.status, reply.error["code"]) == (415, 415)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b'"text"',
        b'[{"content":"a"}, 7]',
        b'{"a": NaN}',
        b"\xff\xfe",
        b"[" * 100000,
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b'{"n": ' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_not_json_events_is_refused_with_the_error_envelope(client, emulator, body: bytes) -> None:
    reply = client.raw(body)
    assert reply.status == 400
    assert reply.error["code"] == 400
    assert emulator.records() == []


@pytest.mark.parametrize(
    ("body", "content_type"), [(b"[]", "application/json"), (b"", "text/plain"), (b"\n", "application/jsonl")]
)
def test_an_empty_batch_is_refused(client, body: bytes, content_type: str) -> None:
    reply = client.raw(body, content_type=content_type)
    assert reply.status == 400
    assert "empty_messages" in reply.error["message"]


def test_the_first_key_of_the_list_is_the_content_whatever_its_case(client, emulator) -> None:
    client.events({"log": "3", "Message": "1", "payload": "2"}, {"body": "b", "log": "l"})
    first, second = emulator.records()
    assert own(first) == {"content": "1", "log": "3", "payload": "2"}
    assert own(second) == {"content": "b", "log": "l"}


def test_the_first_key_of_the_list_is_the_level_and_is_no_attribute_any_more(client, emulator) -> None:
    client.events({"content": "", "severity": "warning", "level": "error"}, {"content": "", "Syslog.Severity": "crit"})
    first, second = emulator.records()
    assert (first["loglevel"], first["status"], own(first)) == ("WARN", "WARN", {"content": "", "level": "error"})
    assert (second["loglevel"], own(second)) == ("CRITICAL", {"content": ""})


def test_a_record_without_level_and_time_gets_none_and_now(client, emulator) -> None:
    client.events({"content": "x"})
    [record] = emulator.records()
    assert (record["loglevel"], record["status"]) == ("NONE", "NONE")


def test_an_unreadable_time_stamp_is_kept_as_an_attribute(client, emulator) -> None:
    client.events({"content": "x", "@timestamp": "soon"})
    assert own(emulator.records()[0]) == {"content": "x", "unparsed_timestamp": "soon"}


def test_half_a_surrogate_is_replaced(client, emulator) -> None:
    assert client.raw(rb'{"content": "a\ud800b", "k\udfff": "\ud83d\ude00", "n": [{"x": "\ud800"}]}').status == 204
    assert own(emulator.records()[0]) == {"content": "a�b", "k�": "😀", "n": ['{"x":"�"}']}


def test_numbers_beyond_json_become_text(client, emulator) -> None:
    assert client.raw(b'{"content": "c", "n": 1e999, "m": {"n": -1e999}}').status == 204
    assert own(emulator.records()[0]) == {"content": "c", "n": "Infinity", "m.n": "-Infinity"}
    assert client.get("/emulator/records").json["records"][0]["n"] == "Infinity"


def test_gzip_is_accepted(client, emulator) -> None:
    body = json.dumps([{"content": "zipped"}]).encode()
    assert client.raw(gzip.compress(body), content_encoding="gzip").status == 204
    assert emulator.records()[0]["content"] == "zipped"
    [request] = emulator.requests()
    assert (request["bytes"], request["uncompressed_bytes"]) == (len(gzip.compress(body)), len(body))


def test_oneagents_local_path_takes_events_without_a_token(client, emulator) -> None:
    assert client.events({"content": "local"}, path="/v2/logs/ingest", authorization="").status == 204
    [record] = emulator.records()
    assert own(record) == {"content": "local"}
    assert "dt.auth.origin" not in record


@pytest.mark.parametrize("digits", ["1234567", "123456"])
def test_oneagent_refuses_finer_than_milliseconds(client, emulator, digits: str) -> None:
    stamp = emulator_time(client)
    reply = client.events({"content": "x", "timestamp": f"{stamp}.{digits}Z"}, path="/v2/logs/ingest")
    assert (reply.status, reply.error["message"]) == (400, "One or all logs are out of correct time range.")
    assert client.events({"content": "x", "timestamp": f"{stamp}.123Z"}, path="/v2/logs/ingest").status == 204


def emulator_time(client: Any) -> str:
    """Now, by the emulator's own clock: the time stamp of a record that brought none."""
    client.events({"content": "clock"})
    stamp = client.emulator.records(content="clock")[-1]["timestamp"]
    client.emulator.clear()
    return stamp.partition(".")[0]
