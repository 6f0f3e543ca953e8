"""What `redact` matches is in no part of what Dynatrace stores, by either route.

Source: the README (`redact`: matches become `***`; `dynatrace-token` keeps the public part of access tokens).
"""

from functools import cache
from typing import Any

import pytest

from records.documented import ENVIRONMENTS
from records.row import Row, Source
from records.running import ROUTES, Route, Run, stored_by_emulator

SECRET = "secret-4242"
PUBLIC = "dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX"
TOKEN = f"{PUBLIC}.{'Z' * 64}"


def raising(source: Source, text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        source.log.exception("failed with %s", text, extra=source.extra())


class EventName(str):
    """As applications have that list their events."""

    __slots__ = ()


PLACES: dict[str, Any] = {
    "message": lambda source, text: source.log.info(f"a {text} b", extra=source.extra()),
    "argument": lambda source, text: source.log.info("a %s b", text, extra=source.extra()),
    "extra": lambda source, text: source.log.info("a", extra=source.extra(value=text)),
    "list": lambda source, text: source.log.info("a", extra=source.extra(value=["b", text])),
    "map": lambda source, text: source.log.info("a", extra=source.extra(value={"a": {"b": [text]}})),
    "object": lambda source, text: source.log.info("a", extra=source.extra(value=ValueError(text))),
    "bytes": lambda source, text: source.log.info("a", extra=source.extra(value=text.encode())),
    "dict-message": lambda source, text: source.log.info({"event": text, "a": {"b": text}}, extra=source.extra()),
    "dict-without-text": lambda source, text: source.log.info({"a": text}, extra=source.extra()),
    "exception": raising,
    "deep": lambda source, text: source.log.info("a", extra=source.extra(value=[[[[[[[[text]]]]]]]])),
    "body": lambda source, text: source.otel.emit(body=text, attributes=source.extra()),
    "body-map": lambda source, text: source.otel.emit(body={"message": text, "a": [text]}, attributes=source.extra()),
    "body-list": lambda source, text: source.otel.emit(body=[text], attributes=source.extra()),
    "attribute": lambda source, text: source.otel.emit(body="a", attributes=source.extra(value={"a": text})),
    "event-name": lambda source, text: source.otel.emit(body="a", event_name=text, attributes=source.extra()),
    "event-name-of-a-class": lambda source, text: source.otel.emit(
        body="a", event_name=EventName(text), attributes=source.extra()
    ),
    "event-name-that-is-no-text": lambda source, text: source.otel.emit(
        body="a", event_name=ValueError(text), attributes=source.extra()
    ),
    "long": lambda source, text: source.log.info("x" * 100_000 + text, extra=source.extra(value=text * 1000)),
    "raw-level": lambda source, text: source.otel.emit(body="a", severity_text=text, attributes=source.extra()),
}
TEXTS = {"pattern": SECRET, "token": TOKEN}
ROWS = [
    Row(f"{kind}-{place}", lambda source, call=call, text=text: call(source, text))
    for kind, text in TEXTS.items()
    for place, call in PLACES.items()
]


@cache
def redacted_run(route: Route) -> Run:
    return stored_by_emulator(ROWS, route, ENVIRONMENTS[0], redact="secret-[0-9]+\ndynatrace-token")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_no_part_of_the_record_shows_it(row: Row, route: Route) -> None:
    done = redacted_run(route)
    (record,) = done.records[row.id]
    assert "4242" not in str(record)
    assert "ZZZZ" not in str(record)
    assert "***" in str(record)
    assert row.id.startswith("pattern") or PUBLIC in str(record)
    assert done.stats.accepted == done.stats.delivered == len(ROWS)


BASIC = "Basic YWRtaW46aHVudGVyMnNlY3JldA=="
CARD = 4111_1111_1111_1111

# Secrets which only their surroundings tell, or that are no text in Python but are in Dynatrace.
SURROUNDED: dict[str, Any] = {
    "extra": lambda source: source.log.info("a", extra=source.extra(value={"password": "hunter2", "b": "c"})),
    "deep": lambda source: source.log.info("a", extra=source.extra(value=[{"b": {"password": "hunter2"}}])),
    "number": lambda source: source.log.info("a", extra=source.extra(value={"card": CARD, "cards": [CARD]})),
    "name": lambda source: source.log.info("a", extra=source.extra(value={"password=hunter2": {str(CARD): 1}})),
    "header": lambda source: source.log.info("a", extra=source.extra(value={"headers": {"Authorization": BASIC}})),
    "pairs": lambda source: source.log.info("a", extra=source.extra(value=[(b"authorization", BASIC.encode())])),
    "dict-message": lambda source: source.log.info(
        {"event": "request", "headers": {"Authorization": BASIC, "password": "hunter2"}}, extra=source.extra()
    ),
    "dict-without-text": lambda source: source.log.info(
        {"headers": {"Authorization": BASIC, "password": "hunter2"}}, extra=source.extra()
    ),
    "argument": lambda source: source.log.info("headers %s", {"Authorization": BASIC}, extra=source.extra()),
    "attribute": lambda source: source.otel.emit(
        body="a", attributes=source.extra(value={"Authorization": BASIC, "n": 1})
    ),
    "bytes": lambda source: source.otel.emit(body="a", attributes=source.extra(value=f"card {CARD}".encode())),
    "body-map": lambda source: source.otel.emit(body={"password": "hunter2", "n": CARD}, attributes=source.extra()),
    "body-map-with-content": lambda source: source.otel.emit(
        body={"message": "a", "headers": {"Authorization": BASIC}}, attributes=source.extra()
    ),
    "body-list": lambda source: source.otel.emit(body=["password", "hunter2", CARD], attributes=source.extra()),
    "body-int": lambda source: source.otel.emit(body=CARD, attributes=source.extra()),
    "body-float": lambda source: source.otel.emit(body=float(CARD), attributes=source.extra()),
    "body-bytes": lambda source: source.otel.emit(body=f"card {CARD}".encode(), attributes=source.extra()),
}
SURROUNDED_ROWS = [Row(place, call) for place, call in SURROUNDED.items()]


@cache
def surrounded_run(route: Route, environment: int) -> Run:
    redact = 'dynatrace-token\n\\d{16}\n"?password"?\\W+\\w+'
    return stored_by_emulator(SURROUNDED_ROWS, route, ENVIRONMENTS[environment], redact=redact)


@pytest.mark.parametrize("environment", range(len(ENVIRONMENTS)), ids=lambda number: ENVIRONMENTS[number].name)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("row", SURROUNDED_ROWS, ids=lambda row: row.id)
def test_what_is_stored_as_text_is_redacted_as_this_text(row: Row, route: Route, environment: int) -> None:
    done = surrounded_run(route, environment)
    (record,) = done.records[row.id]
    for secret in ("hunter2", "YWRtaW46", str(CARD), "NDExMTEx"):
        assert secret not in str(record)
    assert "***" in str(record)
    assert done.stats.accepted == done.stats.delivered == len(SURROUNDED_ROWS)


def test_nothing_else_is_touched() -> None:
    row = Row("other", lambda source: source.log.info("secret-", extra=source.extra(value="a***b", other=4242)))
    done = stored_by_emulator([row], "otlp", ENVIRONMENTS[0], redact="secret-[0-9]+")
    (record,) = done.records["other"]
    assert (record["content"], record["value"], record["other"]) == ("secret-", "a***b", 4242)
