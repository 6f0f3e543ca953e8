"""The same record by OTLP and by JSON ingest is stored equally, and nothing is left for Dynatrace to trim."""

import http.client
import math
import re
import time
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from dt_otlp_logs.emulator import EmulatorSettings, RunningEmulator, running_emulator
from dt_otlp_logs.encoding.events import encode_json
from dt_otlp_logs.encoding.limits import PROFILES
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, seal

Profile = Literal["grail", "classic"]
Structure = Literal["raw", "flattened"] | None

PATHS = {"otlp": "/api/v2/otlp/v1/logs", "json": "/api/v2/logs/ingest"}
TYPES = {"otlp": "application/x-protobuf", "json": "application/json; charset=utf-8"}

# What names the route itself.
ROUTE = ("dt.openpipeline.source", "dt.ingest.format")

# OneAgent's ingest takes no more than milliseconds, so JSON has no more.
NOW = time.time_ns() // 1_000_000 * 1_000_000


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[Profile, RunningEmulator]]:
    with (
        running_emulator(EmulatorSettings(profile="grail")) as grail,
        running_emulator(EmulatorSettings(profile="classic")) as classic,
    ):
        yield {"grail": grail, "classic": classic}


def stored(server: RunningEmulator, route: str, body: bytes, structure: Structure) -> list[dict[str, Any]]:
    server.clear()
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    headers = {"content-type": TYPES[route], "authorization": f"Api-Token {server.api_token}"}
    if structure:
        headers["x-dynatrace-options"] = f"structure={structure}"
    connection.request("POST", PATHS[route], body, headers)
    response = connection.getresponse()
    assert (response.status, response.read()) in ((200, b""), (204, b""))
    connection.close()
    return server.records()


def both(
    server: RunningEmulator, batch: list[ReadableLogRecord], structure: Structure, told: Structure
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is stored by OTLP and by JSON; `told` is the structure that the exporter is configured with."""
    profile = PROFILES[server.settings.profile]
    request = decompress(seal(OtlpEncoder(profile, structure=told, json_ingest=True).encode(batch).groups))
    events = encode_json(request, structure=told, classic=profile.classic)
    return stored(server, "otlp", request, structure), stored(server, "json", events, structure)


def assert_equal(by_otlp: list[dict[str, Any]], by_json: list[dict[str, Any]]) -> None:
    for record in (*by_otlp, *by_json):
        for name in ROUTE:
            assert record.pop(name)
        # Nothing is left for the server to trim.
        assert "dt.ingest.warnings" not in record
    assert [typed(record) for record in by_otlp] == [typed(record) for record in by_json]


def typed(value: Any) -> Any:
    """With the type of each value, since 1, 1.0 and True are equal."""
    if isinstance(value, dict):
        return {key: typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    return type(value).__name__, value


TEXTS = st.text(max_size=6) | st.sampled_from(
    ["ä" * 130, "x" * 251, "x" * 250, "INFO", "success", "\ud800", "€" * 11_000]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 1e16, 5e-324])
    | st.binary(max_size=4)
    | st.just(b"\xff" * 200)
    | TEXTS
)
KEYS = (
    st.sampled_from(["a", "b", "A", "a.b", "message", "content", "k" * 60])
    | st.sampled_from(["Content", "Timestamp", "loglevel", "LogLevel", "level", "status", "overwritten1.a"])
    | st.text(max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.integers(), min_size=32, max_size=34)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("a", "A", "a.b", "overwritten1.a", "overwritten1.status", "message", "order.id", "k" * 99, "k" * 101),
        *("k" * 120, "K" * 120, "ä" * 60, "content", "Content", "timestamp", "TimeStamp", "time", "@timestamp"),
        *("loglevel", "LogLevel", "level", "Level", "severity", "status", "syslog.severity", "log.raw_level"),
        *("trace_id", "span_id", "event.name", "otel.scope.name", "otel.scope.version", "service.name"),
        *("dt.auth.origin", "dt.ingest.warnings", "dt_otlp_logs.warnings", "dt.entity.host", "exception.type"),
    ]
) | st.text(max_size=4)
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=5)
MANY = st.integers(40, 60).map(lambda count: {f"n{number}": number for number in range(count)})
SCOPES = st.none() | st.builds(InstrumentationScope, st.text(max_size=4), TEXTS, st.none(), ATTRIBUTES)


@st.composite
def records(draw: st.DrawFn) -> ReadableLogRecord:
    record = LogRecord(
        timestamp=NOW,
        severity_text=draw(st.none() | st.sampled_from(["INFO", "WARNING", "FATAL", "SUCCESS", "NOTSET"]) | TEXTS),
        severity_number=draw(st.none() | st.sampled_from(SeverityNumber)),
        body=draw(VALUES),
        event_name=draw(st.none() | TEXTS),
    )
    # Past the SDK's own cleaning, as a processor can.
    record.attributes = draw(ATTRIBUTES | MANY)  # type: ignore[assignment]
    record.trace_id = draw(st.sampled_from([0, 1]) | st.integers(1, 2**128 - 1))
    record.span_id = draw(st.sampled_from([0, 1]) | st.integers(1, 2**64 - 1))
    resource: Any = draw(st.builds(Resource, ATTRIBUTES | MANY))
    return ReadableLogRecord(record, resource, draw(SCOPES))


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["grail", "classic"])
@pytest.mark.parametrize("structure", ["raw", "flattened"])
@pytest.mark.parametrize("known", [True, False], ids=["structure set", "structure not set"])
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(records(), min_size=1, max_size=4))
def test_any_record_is_stored_equally(
    servers: dict[Profile, RunningEmulator],
    profile: Profile,
    structure: Structure,
    known: bool,
    batch: list[ReadableLogRecord],
) -> None:
    flattened = profile == "classic" or structure == "flattened"
    told = ("flattened" if flattened else structure) if known else None
    assert_equal(*both(servers[profile], batch, structure, told))


def parts(body: Any, attributes: dict[str, Any], resource: dict[str, Any]) -> ReadableLogRecord:
    record = LogRecord(timestamp=NOW, body=body)
    record.attributes = attributes
    return ReadableLogRecord(record, Resource(resource), None)


@pytest.mark.parametrize("profile", ["grail", "classic"])
@pytest.mark.parametrize(
    "record",
    [
        parts({"a": None, "A": None}, {}, {"A": None}),
        parts("x", {"LogLevel": "warn", "loglevel": "error"}, {}),
        parts({"level": "warn"}, {"LogLevel": "error"}, {}),
        parts({"severity": {}}, {"LogLevel": "error"}, {}),
        parts({"Content": "paid", "content": {"a": 1}}, {}, {}),
    ],
    ids=lambda each: f"{each.log_record.body} {each.log_record.attributes}",
)
def test_names_that_differ_only_in_case_are_stored_equally(
    servers: dict[Profile, RunningEmulator], profile: Profile, record: ReadableLogRecord
) -> None:
    assert_equal(*both(servers[profile], [record], "flattened", "flattened"))


@pytest.mark.parametrize("profile", ["grail", "classic"])
@pytest.mark.parametrize("key", ["Timestamp", "LogLevel", "Content", "CONTENT"])
def test_a_key_of_a_map_body_in_another_case_is_not_taken_for_a_field_of_the_record(
    servers: dict[Profile, RunningEmulator], profile: Profile, key: str
) -> None:
    record = LogRecord(timestamp=NOW, severity_number=SeverityNumber.INFO, body={"content": "paid", key: "warn"})
    by_otlp, by_json = both(servers[profile], [ReadableLogRecord(record, Resource({}), None)], "flattened", "flattened")
    assert_equal(by_otlp, by_json)
    assert (by_json[0]["loglevel"], by_json[0]["timestamp"][:19]) == ("INFO", by_otlp[0]["timestamp"][:19])
    assert "warn" in str(by_json)


@pytest.mark.parametrize("profile", ["grail", "classic"])
@pytest.mark.parametrize("structure", ["raw", "flattened"])
@pytest.mark.parametrize(
    ("body", "attributes", "loglevel"),
    [
        ("x", {"level": "v-12"}, "NONE"),
        ("x", {"Level": {"n": "v-1"}}, "NONE"),
        ("x", {"severity": "sev-2", "level": "v-boss", "syslog.severity": "v-3"}, "NONE"),
        ("x", {"severity": "v-2", "level": "Error"}, "ERROR"),
        ("x", {"loglevel": "v-7", "level": "success"}, "INFO"),
        ("x", {"loglevel": "success"}, "INFO"),
        ("x", {"status": "v-404", "LEVEL": "warn"}, "WARN"),
        ({"message": "m", "level": "v-12", "status": "shipped"}, {}, "NONE"),
        ({"message": "m", "loglevel": "v-12"}, {"loglevel": "warn"}, "WARN"),
    ],
)
def test_what_a_record_without_severity_says_of_a_level_is_neither_misread_nor_lost(
    servers: dict[Profile, RunningEmulator],
    profile: Profile,
    structure: Structure,
    body: Any,
    attributes: dict[str, Any],
    loglevel: str,
) -> None:
    told: Structure = "flattened" if profile == "classic" else structure
    by_otlp, by_json = both(servers[profile], [parts(body, attributes, {})], structure, told)
    assert_equal(by_otlp, by_json)
    (record,) = by_otlp
    assert record["loglevel"] == loglevel
    said = {name: value for name, value in record.items() if name != "loglevel"}
    words = re.findall(r"v-\w+|sev-2|shipped|success", str(body) + str(attributes))
    assert words == [word for word in words if word in str(said)]
