"""Whatever is sent, the answer is a decision (2xx or 4xx), never a failure of the emulator, and JSON can show it."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dt_otlp_logs.emulator import EmulatorSettings, running_emulator

MANY = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

KEYS = st.sampled_from(
    [
        "content",
        "Message",
        "log",
        "_raw",
        "timestamp",
        "@t",
        "ts",
        "loglevel",
        "status",
        "severity",
        "a",
        "a.b",
        "trace_id",
        "dt.ingest.warnings",
        "unparsed_timestamp",
        "overwritten1.a",
        "",
        "é",
        "service.name",
    ]
) | st.text(max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("1765281600.5"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
OTLP_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
OTLP_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | OTLP_TEXT | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS.filter(lambda key: key.isprintable()), inner, max_size=4)
    ),
    max_leaves=12,
)
ATTRIBUTES = st.dictionaries(KEYS.filter(lambda key: key.isprintable()), OTLP_VALUES, max_size=4)


@pytest.fixture(scope="module", params=["grail", "classic"])
def client(request: Any, client_class: Any) -> Iterator[Any]:
    with running_emulator(EmulatorSettings(profile=request.param, max_stored_records=20)) as emulator:
        yield client_class(emulator)


def check(client: Any, status: int) -> None:
    assert 200 <= status < 500
    shown = client.get("/emulator/records?limit=20")
    assert shown.status == 200
    for record in json.loads(shown.body, parse_constant=pytest.fail)["records"]:
        assert isinstance(record["content"], str)
        assert record["timestamp"].endswith("Z")
        assert record["status"] in ("ERROR", "WARN", "INFO", "NONE")


@MANY
@given(document=JSON_VALUES, structure=st.sampled_from(["raw", "flattened", "?"]), as_lines=st.booleans())
def test_any_json_value(client: Any, document: Any, structure: str, as_lines: bool) -> None:
    content_type = "application/x-ndjson" if as_lines else "application/json"
    reply = client.raw(
        json.dumps(document).encode(), path=f"/api/v2/logs/ingest?structure={structure}", content_type=content_type
    )
    check(client, reply.status)


@MANY
@given(event=st.dictionaries(KEYS, JSON_VALUES, max_size=6), local=st.booleans(), raw=st.booleans())
def test_any_json_event(client: Any, event: Any, local: bool, raw: bool) -> None:
    path = "/v2/logs/ingest" if local else "/api/v2/logs/ingest"
    reply = client.events(event, path=path + ("?structure=raw" if raw else ""))
    check(client, reply.status)


@MANY
@given(
    body=OTLP_VALUES,
    attributes=ATTRIBUTES,
    resource=ATTRIBUTES,
    severity=OTLP_TEXT,
    number=st.integers(-(2**31), 2**31 - 1),
    stamp=st.integers(0, 2**64 - 1) | st.just(0),
    trace=st.binary(max_size=20),
    raw=st.booleans(),
)
def test_any_otlp_message(
    client: Any,
    otlp_request: Any,
    body: Any,
    attributes: Any,
    resource: Any,
    severity: str,
    number: int,
    stamp: int,
    trace: bytes,
    raw: bool,
) -> None:
    record = {
        "body": body,
        "attributes": attributes,
        "severity_text": severity,
        "severity_number": number,
        "time_unix_nano": stamp,
        "trace_id": trace,
        "span_id": trace,
    }
    message = otlp_request(record, resource=resource)
    check(client, client.otlp(message, path="/api/v2/otlp/v1/logs" + ("?structure=raw" if raw else "")).status)


@MANY
@given(body=st.binary(max_size=60), encoding=st.sampled_from(["", "gzip"]), really=st.booleans(), otlp=st.booleans())
def test_any_bytes(client: Any, body: bytes, encoding: str, really: bool, otlp: bool) -> None:
    sent = gzip.compress(body) if encoding and really else body
    send = client.otlp if otlp else client.raw
    check(client, send(sent, content_encoding=encoding).status)


@MANY
@given(
    query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30),
    attributes=st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc"]), max_size=30),
    content_type=st.sampled_from(["application/json", "text/plain", ";", "a/b; charset=\xe9"]),
)
def test_any_query_and_headers(client: Any, query: str, attributes: str, content_type: str) -> None:
    reply = client.raw(
        b'{"content": "x", "a": 1}',
        path=f"/api/v2/logs/ingest?{query}",
        x_dynatrace_attr=attributes,
        x_dynatrace_options=attributes,
        content_type=content_type,
    )
    check(client, reply.status)
