"""The whole table as a server reads it that is not ours: every record is valid and within Dynatrace's limits.

Sources: opentelemetry-proto (field comments), RFC 8259 (JSON), Dynatrace's limits and prefix table.
"""

import base64
import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from doubles.strict_server import STRICT_TOKEN, StrictServer, strict_server
from records.documented import ENVIRONMENTS, Environment
from records.row import KEY
from records.rows_levels import WORDS, by_table
from records.running import Route, Run, run
from records.tables import ROWS

GRAIL, CLASSIC = ENVIRONMENTS[0], ENVIRONMENTS[4]
CONTENT_BYTES = {"grail": 10_000_000, "classic": 8_192}
VALUE_BYTES = {"grail": 32_768, "classic": 250}
ATTRIBUTES = {"grail": 500, "classic": 50}
# Names whose meaning Dynatrace gives itself: as attributes they would replace it, or be replaced.
OWN = {"content", "timestamp", "loglevel", "status", "dt.auth.origin", "dt.openpipeline.source", "dt.ingest.format"}
NANOSECONDS_OF_A_DAY = 86_400 * 10**9


@cache
def served(environment: Environment, route: Route) -> tuple[StrictServer, Run]:
    with strict_server() as server:
        done = run(server.url, STRICT_TOKEN, ROWS, route, environment)
    return server, done


@pytest.mark.parametrize("environment", [GRAIL, CLASSIC], ids=["grail", "classic"])
@pytest.mark.parametrize("route", ["otlp", "json"])
def test_a_strict_server_takes_every_record_once(environment: Environment, route: Route) -> None:
    server, done = served(environment, route)
    assert server.errors == []
    assert done.flushed
    assert done.raised == {}
    assert len(server.stored) == done.stats.delivered == done.stats.accepted == len(ROWS)


def otlp_records(server: StrictServer) -> Iterator[tuple[Any, Any, Any]]:
    for request in server.stored_requests:
        message: Any = request.message
        for resource in message.resource_logs:
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    yield resource.resource, scope.scope, record


def text_of(value: Any) -> Any:
    """What an AnyValue comes to as one value, texts and bytes as they count at Dynatrace."""
    kind = value.WhichOneof("value")
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind) if kind in ("string_value", "bool_value", "int_value", "double_value") else None


def texts_in(value: Any) -> Iterator[str]:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        assert len(value.array_value.values) <= 32
        for element in value.array_value.values:
            yield from texts_in(element)
    elif kind == "kvlist_value":
        keys = [pair.key for pair in value.kvlist_value.values]
        assert len(keys) == len(set(keys))
        for pair in value.kvlist_value.values:
            yield from texts_in(pair.value)
    elif isinstance(text_of(value), str):
        yield text_of(value)


@pytest.mark.parametrize("environment", [GRAIL, CLASSIC], ids=["grail", "classic"])
def test_every_otlp_record_is_whole_and_within_the_limits(environment: Environment) -> None:
    server, _ = served(environment, "otlp")
    cases = Counter()
    for resource, scope, record in otlp_records(server):
        names = [pair.key for pair in record.attributes]
        common = {pair.key for pair in (*resource.attributes, *scope.attributes)} | {"otel.scope.name"}
        folded = {name.lower() for name in common} if environment.text_only else common
        case = next(pair.value.string_value for pair in record.attributes if pair.key == KEY)
        cases[case] += 1
        # Dynatrace drops what is older than a day.
        assert abs(record.time_unix_nano - time.time_ns()) < NANOSECONDS_OF_A_DAY, case
        assert len(record.trace_id) in (0, 16), case
        assert len(record.span_id) in (0, 8), case
        # Dynatrace reads the text by its beginning and prefers it to the number.
        text = record.severity_text
        assert not text or text in (*WORDS, "TRACE", "NONE"), case
        if record.severity_number and text:
            assert by_table(text)[1] == status_of(record.severity_number), case
        assert len(names) == len(set(names)), case
        assert not {name.lower() for name in names} & OWN, case
        assert not ({name.lower() for name in names} if environment.text_only else set(names)) & folded, case
        assert "" not in names, case
        assert max(len(name.encode()) for name in names) <= 100, case
        assert len(names) + len(common) <= ATTRIBUTES[environment.profile], case
        for pair in record.attributes:
            for value in texts_in(pair.value):
                assert len(value.encode()) <= VALUE_BYTES[environment.profile], (case, pair.key)
        assert len(record.body.string_value.encode()) <= CONTENT_BYTES[environment.profile], case
    assert cases == {row.id: 1 for row in ROWS}


def status_of(number: int) -> str:
    return "INFO" if number < 13 else "WARN" if number < 17 else "ERROR"


@pytest.mark.parametrize("environment", [GRAIL, CLASSIC], ids=["grail", "classic"])
def test_every_json_event_is_flat_valid_json_within_the_limits(environment: Environment) -> None:
    server, _ = served(environment, "json")
    cases = Counter()
    for request in server.stored_requests:
        # What json.loads takes and the RFC does not.
        assert json.dumps(request.message, allow_nan=False)
        for event in request.message:
            assert isinstance(event, dict)
            cases[event[KEY]] += 1
            assert isinstance(event["content"], str)
            assert "timestamp" in event
            for name, value in event.items():
                name.encode()
                assert 0 < len(name.encode()) <= 100
                for leaf in leaves(value):
                    assert not isinstance(leaf, int) or -(2**63) <= leaf < 2**63
                    assert not isinstance(leaf, float) or math.isfinite(leaf)
                    if isinstance(leaf, str):
                        size = len(leaf.encode())
                        assert name == "content" or size <= VALUE_BYTES[environment.profile], (event[KEY], name)
            assert len(event["content"].encode()) <= CONTENT_BYTES[environment.profile]
    assert cases == {row.id: 1 for row in ROWS}


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value
