"""The OTLP path: what becomes of a log record. Expectations are the OTLP logs page's rules and examples."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

NOW = time.time_ns
SERVER = {"dt.openpipeline.source", "dt.ingest.format", "dt.auth.origin"}


def attributes(record: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in record.items() if k not in SERVER | {"timestamp", "content", "loglevel", "status"}}


def test_a_record_is_mapped_with_all_its_fields(client, emulator, otlp_request) -> None:
    stamp = NOW()
    reply = client.otlp(
        otlp_request(
            {
                "time_unix_nano": stamp,
                "severity_text": "WARNING",
                "severity_number": 9,
                "body": "card declined",
                "attributes": {"order.id": 42},
                "trace_id": bytes(range(16)),
                "span_id": bytes(range(8, 16)),
            },
            resource={"service.name": "checkout"},
            scope={"scope.attribute": True},
            scope_name="shop.payment",
            scope_version="1.2",
        )
    )
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-type"] == "application/x-protobuf"
    [record] = emulator.records()
    assert record.pop("timestamp").endswith(f".{stamp % 10**9:09d}Z")
    assert record == {
        "content": "card declined",
        "loglevel": "WARN",
        "status": "WARN",
        "order.id": 42,
        "service.name": "checkout",
        "scope.attribute": True,
        "otel.scope.name": "shop.payment",
        "otel.scope.version": "1.2",
        "trace_id": "000102030405060708090a0b0c0d0e0f",
        "span_id": "08090a0b0c0d0e0f",
        "dt.auth.origin": emulator.api_token.rpartition(".")[0],
        "dt.openpipeline.source": "/api/v2/otlp/v1/logs",
        "dt.ingest.format": "otlp/protobuf",
    }


def test_the_same_name_on_three_levels_is_kept_three_times(client, emulator, otlp_request) -> None:
    record = {"attributes": {"my.attribute": "log"}}
    client.otlp(otlp_request(record, resource={"my.attribute": "resource"}, scope={"my.attribute": "scope"}))
    assert attributes(emulator.records()[0]) == {
        "my.attribute": "resource",
        "overwritten1.my.attribute": "scope",
        "overwritten2.my.attribute": "log",
    }


def test_a_record_attribute_loses_to_the_resource(client, emulator, otlp_request) -> None:
    client.otlp(otlp_request({"attributes": {"k": 1}}, {"attributes": {"k": 2}}, resource={"k": 0}))
    assert [attributes(record) for record in emulator.records()] == [
        {"k": 0, "overwritten1.k": 1},
        {"k": 0, "overwritten1.k": 2},
    ]


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (None, ""),
        ("text", "text"),
        (42, "42"),
        (1.5, "1.5"),
        (True, "true"),
        (b"hello world", "aGVsbG8gd29ybGQ="),
        (["a", 1, b"hello world", {"k": None}], '["a",1,"aGVsbG8gd29ybGQ=",{"k":null}]'),
        (float("nan"), "NaN"),
    ],
)
def test_a_body_becomes_content(client, emulator, otlp_request, body: Any, content: str) -> None:
    client.otlp(otlp_request({} if body is None else {"body": body}))
    assert emulator.records()[0]["content"] == content


def test_a_map_as_body_is_json_text_when_raw(client, emulator, otlp_request) -> None:
    request = otlp_request({"body": {"message": "m", "n": {"a": 1}}})
    client.otlp(request, path="/api/v2/otlp/v1/logs?structure=raw")
    [record] = emulator.records()
    assert record["content"] == '{"message":"m","n":{"a":1}}'
    assert attributes(record) == {}


def test_a_map_as_body_becomes_attributes_when_flattened(client, emulator, otlp_request) -> None:
    body = {"message": "m", "level": "error", "n": {"a": 1}, "k": "body", "ts": "2001-01-01"}
    client.otlp(otlp_request({"time_unix_nano": NOW(), "body": body, "attributes": {"k": "record"}}))
    [record] = emulator.records()
    assert (record["content"], record["loglevel"]) == ("m", "ERROR")
    assert attributes(record) == {"n.a": 1, "k": "record", "overwritten1.k": "body", "ts": "2001-01-01"}


def test_a_map_as_body_without_content_key_gives_empty_content(client, emulator, otlp_request) -> None:
    client.otlp(otlp_request({"body": {"a": 1}}))
    assert emulator.records()[0]["content"] == ""


def test_without_a_time_the_attributes_are_searched(client, emulator, otlp_request) -> None:
    seconds = NOW() // 10**9
    client.otlp(otlp_request({"attributes": {"Time": "x", "@timestamp": f"{seconds}.123456789"}}))
    [record] = emulator.records()
    assert record["timestamp"].endswith(".123456789Z")
    assert attributes(record) == {"Time": "x"}


def test_without_severity_the_attributes_are_searched(client, emulator, otlp_request) -> None:
    client.otlp(otlp_request({"attributes": {"Severity": "alert"}}, {"severity_text": "17", "severity_number": 17}))
    assert [record["loglevel"] for record in emulator.records()] == ["ALERT", "ERROR"]


def test_a_level_in_the_record_can_come_first(start: Callable[..., Any], otlp_request) -> None:
    client = start(severity_order="record_first")
    client.otlp(otlp_request({"severity_text": "INFO", "attributes": {"level": "error"}}, {"severity_text": "INFO"}))
    assert [record["loglevel"] for record in client.emulator.records()] == ["ERROR", "INFO"]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (b"hello world", "aGVsbG8gd29ybGQ="),
        ([1, 2.5, None], [1, 2.5, None]),
        (["a", None, 1, True, b"hello world"], ["a", None, "1", "true", "aGVsbG8gd29ybGQ="]),
        ([[1], {"a": 1}], ["[1]", '{"a":1}']),
        ([True, False], [True, False]),
        (float("inf"), "Infinity"),
        (None, None),
        ([], []),
    ],
)
def test_attribute_values(client, emulator, otlp_request, value: Any, stored: Any) -> None:
    client.otlp(otlp_request({"attributes": {"value": value}}))
    assert attributes(emulator.records()[0]) == {"value": stored}


def test_deeper_than_five_levels_is_replaced_by_a_marker(client, emulator, otlp_request) -> None:
    deep = {"a": {"b": {"c": {"d": {"e": {"f": 1}, "g": 2}}}}}
    reply = client.otlp(otlp_request({"attributes": deep}))
    assert (reply.status, reply.body) == (200, b"")
    expected = {"a.b.c.d.e": "<truncated due to nesting limit>", "a.b.c.d.g": 2}
    assert attributes(emulator.records()[0]) == expected


def test_maps_are_json_text_when_raw(client, emulator, otlp_request) -> None:
    request = otlp_request({"attributes": {"a": {"b": {"c": b"hello world"}}}})
    client.otlp(request, path="/api/v2/otlp/v1/logs", x_dynatrace_options="structure=raw")
    assert attributes(emulator.records()[0]) == {"a": '{"b":{"c":"aGVsbG8gd29ybGQ="}}'}


def test_classic_lowers_keys_before_names_collide(start: Callable[..., Any], otlp_request) -> None:
    client = start(profile="classic")
    client.otlp(otlp_request({"attributes": {"KEY": 1}}, resource={"key": 2}))
    assert attributes(client.emulator.records()[0]) == {"key": "2", "overwritten1.key": "1"}


def test_names_the_server_fills_are_kept_beside(client, emulator, otlp_request) -> None:
    record = {
        "body": "b",
        "severity_text": "INFO",
        "time_unix_nano": NOW(),
        "attributes": {"content": "c", "status": 1},
    }
    client.otlp(otlp_request(record))
    assert attributes(emulator.records()[0]) == {"overwritten1.content": "c", "overwritten1.status": 1}


def test_ids_of_zeros_are_no_ids(client, emulator, otlp_request) -> None:
    client.otlp(otlp_request({"trace_id": bytes(16), "span_id": bytes(8)}))
    assert attributes(emulator.records()[0]) == {}


def test_two_requests_back_to_back_are_one(client, emulator, otlp_request) -> None:
    one, two = (otlp_request({"body": text}).SerializeToString() for text in ("one", "two"))
    client.otlp(one + two)
    client.otlp(gzip.compress(one) + gzip.compress(two), content_encoding="gzip")
    assert [record["content"] for record in emulator.records()] == ["one", "two"] * 2


def test_a_request_without_records_is_accepted(client, emulator) -> None:
    assert client.otlp(b"").status == 200
    assert emulator.requests()[0]["records"] == 0


@pytest.mark.parametrize("body", [b"\xff", b"not protobuf", b"\x0a\x05ab", b'{"resourceLogs":[]}'])
def test_broken_protobuf_is_refused_with_the_error_envelope(client, body: bytes) -> None:
    reply = client.otlp(body)
    assert (reply.status, reply.error["code"]) == (400, 400)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "application/grpc"])
@pytest.mark.parametrize(("settings", "status"), [({}, 415), ({"wrong_content_type_status": 400}, 400)])
def test_only_protobuf_is_accepted(start: Callable[..., Any], content_type: str, settings: dict, status: int) -> None:
    assert start(**settings).otlp(b"", content_type=content_type).status == status


def test_otlp_in_json_can_be_accepted(start: Callable[..., Any]) -> None:
    client = start(accept_otlp_json=True)
    record = {
        "timeUnixNano": str(NOW()),
        "body": {"stringValue": "json"},
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
    }
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    assert client.otlp(json.dumps(document).encode(), content_type="application/json").status == 200
    [stored] = client.emulator.records()
    assert (stored["content"], stored["dt.ingest.format"]) == ("json", "otlp/json")
    assert (stored["trace_id"], stored["span_id"]) == (record["traceId"], record["spanId"])
    assert client.otlp(b"{", content_type="application/json").status == 400
