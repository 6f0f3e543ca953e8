"""Limits on a request (413) and on a record (trimmed, with dt.ingest.warnings); numbers from the limits pages."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from dt_otlp_logs.emulator import EmulatorSettings


def warnings(record: dict[str, Any]) -> list[str]:
    return record.get("dt.ingest.warnings", [])


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_request_over_the_limit_is_refused_and_one_at_the_limit_is_not(
    start: Callable[..., Any], otlp_request, encoding: str
) -> None:
    at_limit = otlp_request({"body": "x" * 2_000}).SerializeToString()
    client = start(otlp_max_request_bytes=len(at_limit), json_max_request_bytes=len(at_limit))
    over = otlp_request({"body": "x" * 2_001}).SerializeToString()
    packed = (lambda body: gzip.compress(body)) if encoding else (lambda body: body)
    assert client.otlp(packed(at_limit), content_encoding=encoding).status == 200
    replies = [
        client.otlp(packed(over), content_encoding=encoding),
        client.raw(packed(b"[" + b" " * len(at_limit)), content_encoding=encoding),
    ]
    assert [(reply.status, reply.error["code"]) for reply in replies] == [(413, 413)] * 2


def test_the_limit_can_count_compressed_bytes(start: Callable[..., Any], otlp_request) -> None:
    client = start(otlp_max_request_bytes=1_000, request_limit_counts="compressed")
    body = otlp_request({"body": "x" * 50_000}).SerializeToString()
    assert client.otlp(gzip.compress(body), content_encoding="gzip").status == 200
    assert client.otlp(body).status == 413


def test_by_default_both_paths_take_ten_megabytes(client, otlp_request) -> None:
    assert client.otlp(otlp_request({"body": "x" * 9_999_000})).status == 200
    assert client.otlp(otlp_request({"body": "x" * 10_000_000})).status == 413


def test_a_gzip_bomb_is_refused_without_being_inflated(client) -> None:
    import tracemalloc

    compressor = zlib.compressobj(wbits=31)
    megabyte = b"\0" * 1_000_000
    bomb = b"".join(compressor.compress(megabyte) for _ in range(200)) + compressor.flush()
    tracemalloc.start()
    reply = client.raw(bomb, content_encoding="gzip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reply.status == 413
    assert peak < 50_000_000


@pytest.mark.parametrize("settings", [{}, {"request_limit_counts": "compressed"}])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"plain",
        b"\x1f\x8b",
        gzip.compress(b"[]", mtime=0)[:-4],
        gzip.compress(b"[]", mtime=0) + b"rest",
        gzip.compress(b"x" * 99, mtime=0)[:20],
    ],
)
def test_broken_gzip_is_refused(start: Callable[..., Any], body: bytes, settings: dict) -> None:
    reply = start(**settings).raw(body, content_encoding="gzip")
    assert (reply.status, reply.error["code"]) == (400, 400)


@pytest.mark.parametrize("encoding", ["zstd", "deflate", "br", "gzip, gzip"])
def test_other_encodings_are_refused(client, encoding: str) -> None:
    assert client.raw(b"[]", content_encoding=encoding).status == 415


def test_more_records_than_allowed_are_refused(start: Callable[..., Any], otlp_request) -> None:
    client = start(max_records_per_request=100)
    assert client.raw(b"[" + b"{}," * 99 + b"{}]").status == 204
    assert client.otlp(otlp_request(*[{}] * 100)).status == 200
    assert client.raw(b"[" + b"{}," * 100 + b"{}]").status == 413
    assert client.otlp(otlp_request(*[{}] * 101)).status == 413
    assert client.emulator.summary()["stored"] == 200


def test_by_default_fifty_thousand_records_are_allowed(client) -> None:
    assert client.raw(b"[" + b"{}," * 50_000 + b"{}]").status == 413
    assert EmulatorSettings().max_records_per_request == 50_000


def test_a_request_that_grows_too_large_when_attributes_are_copied_is_refused(client, otlp_request) -> None:
    reply = client.otlp(otlp_request(*[{"body": "x"}] * 1_000, resource={"big": "x" * 16_000}))
    assert reply.status == 413
    assert reply.error["message"] == "Message size limit exceeded after preprocessing on ingest endpoint"
    assert client.otlp(otlp_request(*[{"body": "x"}] * 1_000, resource={"big": "x" * 15_000})).status == 200
    many = json.dumps([{}] * 1_000).encode()
    assert client.raw(many, path="/api/v2/logs/ingest?big=" + "x" * 16_000).status == 413


@pytest.mark.parametrize(
    ("profile", "limit"), [("grail_classic_pipeline", 524_288), ("classic", 8_192), ("grail", 10_000_000)]
)
def test_content_is_cut_to_bytes_and_never_through_a_character(
    start: Callable[..., Any], profile: str, limit: int
) -> None:
    client = start(profile=profile, json_max_request_bytes=11_000_000)
    client.raw(("ä" * (limit // 2)).encode(), content_type="text/plain")
    client.raw(("x" + "ä" * (limit // 2)).encode(), content_type="text/plain")
    whole, trimmed = client.emulator.records()
    assert (len(whole["content"].encode()), warnings(whole)) == (limit, [])
    assert (len(trimmed["content"].encode()), warnings(trimmed)) == (limit - 1, ["content_trimmed"])


def test_the_content_limit_can_be_set(start: Callable[..., Any]) -> None:
    client = start(max_content_bytes=10)
    client.events({"content": "12345678901"})
    assert client.emulator.records()[0]["content"] == "1234567890"


@pytest.mark.parametrize(("profile", "value_limit", "count_limit"), [("grail", 32_768, 500), ("classic", 250, 50)])
def test_attributes_are_trimmed_not_refused(
    start: Callable[..., Any], profile: str, value_limit: int, count_limit: int
) -> None:
    client = start(profile=profile)
    client.events(
        {"content": "value", "long": "x" * (value_limit + 1), "right": "x" * value_limit},
        {"content": "key", "k" * 101: 1, "l" * 100: 1},
        {"content": "array", "a": list(range(33)), "b": list(range(32))},
        {"content": "count", **{f"k{number}": "v" for number in range(count_limit + 1)}},
        {"content": "fits", **{f"k{number}": "v" for number in range(count_limit)}},
    )
    value, key, array, count, fits = client.emulator.records()
    assert (len(value["long"]), len(value["right"]), warnings(value)) == (
        value_limit,
        value_limit,
        ["attr_val_size_trimmed"],
    )
    assert ("k" * 100 in key, "l" * 100 in key, warnings(key)) == (True, True, ["attr_key_trimmed"])
    assert (len(array["a"]), len(array["b"]), warnings(array)) == (32, 32, ["attr_val_count_trimmed"])
    assert (f"k{count_limit - 1}" in count, f"k{count_limit}" in count) == (True, False)
    assert (warnings(count), warnings(fits)) == (["attr_count_trimmed"], [])


def test_what_is_trimmed_on_the_resource_is_said_on_every_record(client, emulator, otlp_request) -> None:
    client.otlp(otlp_request({}, {}, resource={"long": "x" * 40_000}))
    assert [warnings(record) for record in emulator.records()] == [["attr_val_size_trimmed"]] * 2
