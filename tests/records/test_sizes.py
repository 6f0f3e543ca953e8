"""At each of Dynatrace's limits: what fits arrives whole, what does not is cut by us, says so, and is valid text.

Sources: "Log Management and Analytics default limits" and "Log Monitoring Classic limits", docs.dynatrace.com.
Sizes are UTF-8 bytes. Whether 32 kB are 32,000 or 32,768 bytes is not said: what lies in between may be cut or not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pytest

from dt_otlp_logs.emulator import EmulatorSettings, running_emulator
from records import running
from records.documented import ENVIRONMENTS, Environment
from records.row import KEEPS_MIXED_ARRAYS, KEY, Row, Source
from records.running import ROUTES, Route, Run, run, stored_by_emulator

RAW, FLATTENED, CLASSIC = ENVIRONMENTS[0], ENVIRONMENTS[3], ENVIRONMENTS[4]
CHARACTERS = {"1": "x", "2": "ä", "3": "€", "4": "🍵"}
# What the record and the server have of their own is not counted as an attribute.
FIELDS = ("timestamp", "content", "loglevel", "status", "trace_id", "span_id")
BY_SERVER = ("dt.auth.origin", "dt.openpipeline.source", "dt.ingest.format")


@dataclass(frozen=True, slots=True)
class Sized:
    """A text of so many bytes in some place of a record, and whether it fits there."""

    id: str
    environment: Environment
    call: Callable[[Source, str], object]
    found: Callable[[dict[str, Any], str], Any]
    limit: int
    text: str
    fits: bool
    place: Literal["text", "name"] = "text"


def of_bytes(count: int, character: str) -> str:
    width = len(character.encode())
    return "x" * (count % width) + character * (count // width)


def log_content(source: Source, text: str) -> None:
    source.log.info(text, extra=source.extra())


def emit_content(source: Source, text: str) -> None:
    source.otel.emit(body=text, attributes=source.extra())


def log_value(source: Source, text: str) -> None:
    source.log.info("kept", extra=source.extra(value=text))


def emit_value(source: Source, text: str) -> None:
    source.otel.emit(body="kept", attributes=source.extra(value=text))


def log_element(source: Source, text: str) -> None:
    source.log.info("kept", extra=source.extra(value=[text, "b"]))


def log_name(source: Source, text: str) -> None:
    source.log.info("kept", extra=source.extra(**{text: "named"}))


def emit_name(source: Source, text: str) -> None:
    source.otel.emit(body="kept", attributes=source.extra(**{text: "named"}))


def name_of(record: dict[str, Any], _: str) -> str:
    (name,) = [name for name, value in record.items() if value == "named"]
    return name


PLACES: list[tuple[str, Environment, Any, Any, tuple[int, ...], int]] = [
    # where, environment, call, what is looked at, sizes that fit, the limit
    ("content", CLASSIC, log_content, lambda record, _: record["content"], (8191, 8192), 8192),
    ("content-emitted", CLASSIC, emit_content, lambda record, _: record["content"], (8191, 8192), 8192),
    ("value", CLASSIC, log_value, lambda record, _: record["value"], (249, 250), 250),
    ("value-emitted", CLASSIC, emit_value, lambda record, _: record["value"], (249, 250), 250),
    ("element", CLASSIC, log_element, lambda record, _: record["value"][0], (249, 250), 250),
    ("value", RAW, log_value, lambda record, _: record["value"], (31_999, 32_000), 32_768),
    ("value-emitted", RAW, emit_value, lambda record, _: record["value"], (31_999, 32_000), 32_768),
    ("element", RAW, log_element, lambda record, _: record["value"][0], (31_999, 32_000), 32_768),
    ("name", RAW, log_name, name_of, (99, 100), 100),
    ("name-emitted", RAW, emit_name, name_of, (99, 100), 100),
    ("name", CLASSIC, log_name, name_of, (99, 100), 100),
]
SIZED = [
    Sized(
        f"{environment.name}-{where}-{size}-of-{width}",
        environment,
        call,
        found,
        limit,
        of_bytes(size, character),
        size in fitting,
        "name" if where.startswith("name") else "text",
    )
    for where, environment, call, found, fitting, limit in PLACES
    for size in (*fitting, limit + 1, limit * 3)
    for width, character in CHARACTERS.items()
]


@cache
def sized_run(environment: Environment, route: Route) -> Run:
    rows = [
        Row(sized.id, lambda source, sized=sized: sized.call(source, sized.text))
        for sized in SIZED
        if sized.environment is environment
    ]
    done = stored_by_emulator(rows, route, environment)
    assert done.flushed
    assert done.stats.accepted == done.stats.delivered == len(rows)
    assert done.stats.truncated >= sum(not sized.fits for sized in SIZED if sized.environment is environment)
    assert done.raised == {}
    return done


@pytest.mark.parametrize("sized", SIZED, ids=lambda sized: sized.id)
def test_what_fits_is_whole_and_what_does_not_says_so(sized: Sized) -> None:
    stored = []
    for route in ROUTES:
        (record,) = sized_run(sized.environment, route).records[sized.id]
        assert "dt.ingest.warnings" not in record
        found = sized.found(record, sized.text)
        stored.append((found, record.get("dt_otlp_logs.warnings")))
        assert len(found.encode()) <= sized.limit
        if sized.fits:
            assert found == sized.text
            assert "dt_otlp_logs.warnings" not in record
            continue
        assert record["dt_otlp_logs.warnings"]
        if sized.place == "name":
            assert sized.text.startswith(found)
            assert len(found.encode()) > sized.limit - 4
        else:
            # Most of it is there, and its end says that there was more.
            assert found[: len(found) // 2] == sized.text[: len(found) // 2]
            assert len(found.encode()) > sized.limit - 64
            assert not sized.text.startswith(found)
    assert stored[0] == stored[1]


def attributes_of(record: dict[str, Any]) -> list[str]:
    return [name for name in record if name not in (*FIELDS, *BY_SERVER)]


def counted(environment: Environment, route: Route, count: int, *, emitted: bool = False) -> dict[str, Any]:
    """The stored record of a call with so many further attributes."""

    def call(source: Source) -> None:
        extra = source.extra(**{f"n{number:03}": number for number in range(count)})
        if emitted:
            source.otel.emit(body="kept", attributes=extra)
        else:
            source.log.error("kept", exc_info=ValueError("boom"), extra=extra)

    done = stored_by_emulator([Row("counted", call)], route, environment)
    ((record,),) = done.records.values()
    assert done.stats.delivered == 1
    assert "dt.ingest.warnings" not in record
    return record


@pytest.mark.parametrize("emitted", [False, True], ids=["logged", "emitted"])
@pytest.mark.parametrize(("environment", "limit"), [(RAW, 500), (CLASSIC, 50)], ids=["grail", "classic"])
def test_the_count_of_attributes_is_kept_to_with_those_of_the_resource(
    environment: Environment, limit: int, emitted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The SDK's own limit of 128 is another matter.
    monkeypatch.setenv("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2000")
    own = len(attributes_of(counted(environment, "otlp", 0, emitted=emitted)))
    for beyond in (-1, 0, 1, 60):
        by_route = [counted(environment, route, limit - own + beyond, emitted=emitted) for route in ROUTES]
        assert attributes_of(by_route[0]) == attributes_of(by_route[1])
        for record in by_route:
            names = attributes_of(record)
            if beyond <= 0:
                assert len(names) == limit + beyond
                assert "dt_otlp_logs.warnings" not in names
            else:
                assert limit - 1 <= len(names) <= limit
                assert record["dt_otlp_logs.warnings"]
            identity = {"service.name": "shop", "exception.type": "ValueError", "exception.message": "boom"}
            for name, value in identity.items():
                assert (name.startswith("exception") and emitted) or record[name] == value


@pytest.mark.skipif(not KEEPS_MIXED_ARRAYS, reason="OpenTelemetry 1.44 lets nobody but its environment set it")
def test_the_sdks_limit_of_128_attributes_does_not_stand_in_the_way_of_dynatraces_500() -> None:
    record = counted(RAW, "otlp", 400)
    assert {f"n{number:03}" for number in range(400)} <= record.keys()


@pytest.mark.parametrize("emitted", [False, True], ids=["logged", "emitted"])
def test_the_record_says_how_many_attributes_it_lost_wherever_they_were_dropped(emitted: bool) -> None:
    """The SDK keeps the last so many of a record, whatever Dynatrace would take."""
    own = len(attributes_of(counted(RAW, "otlp", 0, emitted=emitted)))
    record = counted(RAW, "otlp", 700, emitted=emitted)
    (stated,) = record["dt_otlp_logs.warnings"]
    # The warning is an attribute itself.
    lost = own + 700 - (len(attributes_of(record)) - 1)
    assert stated == f"attr_count_trimmed: {lost}"


@pytest.mark.parametrize("levels", range(1, 16))
@pytest.mark.parametrize("kind", ["map", "list"])
def test_what_is_nested_deeper_than_dynatrace_takes_apart_is_still_to_be_read(kind: str, levels: int) -> None:
    """Dynatrace takes five levels apart; by OTLP it puts a marker for what is deeper, by JSON it leaves it out."""
    for environment in (RAW, FLATTENED, CLASSIC):
        by_route = [nested_run(environment, route).records[f"{kind}-{levels}"][0] for route in ROUTES]
        for record in by_route:
            assert "bottom" in str(record)
            assert "truncated due to nesting" not in str(record)
            assert record[KEY] == f"{kind}-{levels}"
        kept = [{name: value for name, value in record.items() if "value" in name} for record in by_route]
        assert kept[0] == kept[1]


@cache
def nested_run(environment: Environment, route: Route) -> Run:
    def nested(kind: str, levels: int) -> Any:
        value: Any = "bottom"
        for _ in range(levels):
            value = {"a": value} if kind == "map" else [value]
        return value

    rows = [
        Row(
            f"{kind}-{levels}",
            lambda source, kind=kind, levels=levels: source.log.info(
                "kept", extra=source.extra(value=nested(kind, levels))
            ),
        )
        for kind in ("map", "list")
        for levels in range(1, 16)
    ]
    return stored_by_emulator(rows, route, environment)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("character", ["x", "🍵"], ids=["1", "4"])
def test_a_record_larger_than_a_request_may_be_is_shortened_between_two_that_are_not(
    route: Route, character: str
) -> None:
    """Grail keeps 10 MB of content, which is what a whole request may have: the envelope does not fit any more."""
    texts = {"before": "kept", "large": of_bytes(9_900_000, character), "over": of_bytes(10_000_001, character)}
    rows = [Row(id_, lambda source, text=text: log_content(source, text)) for id_, text in texts.items()]
    rows.append(Row("after", lambda source: log_content(source, "kept")))
    done = stored_by_emulator(rows, route, RAW, timeout_seconds=30.0)
    assert done.stats.accepted == done.stats.delivered == 4
    stored = {id_: records[0]["content"] for id_, records in done.records.items()}
    assert stored["before"] == stored["after"] == "kept"
    assert stored["large"] == texts["large"]
    assert stored["over"][:1_000_000] == texts["over"][:1_000_000]
    assert not texts["over"].startswith(stored["over"])
    assert done.records["over"][0]["dt_otlp_logs.warnings"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_record_that_a_server_of_2_mb_refuses_keeps_what_identifies_it(route: Route) -> None:
    """Each value is within its limit of 32 kB, all of them are more than the 2 MB of "Access limits"."""
    ordinary = {f"a{number:02}": "y" * 32_000 for number in range(76)}
    error = ValueError("m" * 32_000)
    row = Row("large", lambda source: source.log.error("boom", exc_info=error, extra=source.extra(**ordinary)))
    settings = EmulatorSettings(otlp_max_request_bytes=2_000_000, json_max_request_bytes=2_000_000)
    with running_emulator(settings) as server:
        done = run(server.url, server.api_token, [row], route, RAW)
        (record,) = server.records()
    assert (done.stats.delivered, done.stats.rejected) == (1, 0)
    assert (record["content"], record["service.name"]) == ("boom", "shop")
    assert record["exception.message"] == "m" * 32_000
    assert len(record["exception.stacktrace"]) > 32_000
    cut = [name for name in ordinary if record[name] != ordinary[name]]
    assert all(record[name].startswith("y" * 500) and record[name].endswith(" bytes]") for name in cut)
    # No more than it takes, beside what a request as JSON has of its own.
    assert sum(map(len, map(str, record.values()))) > 1_800_000
    assert record["dt_otlp_logs.warnings"] == ["attr_val_size_trimmed"]
    assert "dt.ingest.warnings" not in record
    assert done.stats.truncated == len(cut)


@pytest.mark.parametrize("route", ROUTES)
def test_a_resource_larger_than_a_request_costs_no_record(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    fat = {f"r{number:03}": "x" * 32_768 for number in range(120)}
    for name, value in fat.items():
        monkeypatch.setitem(running.RESOURCE, name, value)
    rows = [Row(str(number), lambda source: log_content(source, "kept")) for number in range(3)]
    settings = EmulatorSettings(otlp_max_request_bytes=2_000_000, json_max_request_bytes=2_000_000)
    with running_emulator(settings) as server:
        done = run(server.url, server.api_token, rows, route, RAW)
        stored = server.records()
    assert (done.stats.delivered, done.stats.rejected, len(stored)) == (3, 0, 3)
    for record in stored:
        lost = [name for name in fat if name not in record]
        assert (record["content"], record["service.name"]) == ("kept", "shop")
        assert record["dt_otlp_logs.warnings"] == [f"attr_count_trimmed: {len(lost)}"]
