"""Each input of the table is stored as the documentation says, by either route and in each kind of environment."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from records.documented import ENVIRONMENTS, Environment, stored
from records.row import Row
from records.running import ROUTES, Route, Run, stored_by_emulator
from records.tables import HUGE, ROWS, rows_for

# What names the route or the request, and what differs from call to call.
OF_THE_CALL = ("dt.openpipeline.source", "dt.ingest.format", "timestamp", "service.instance.id", "thread.id")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
ABSENT = "nothing"


@cache
def table_run(environment: Environment, route: Route) -> Run:
    """Once for all tests that look at it."""
    return stored_by_emulator(rows_for(environment), route, environment)


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    """Without what names the route, and with the type of each value, since 1, 1.0 and True are equal."""
    return {name: ADDRESS.sub("0x", repr(value)) for name, value in record.items() if name not in OF_THE_CALL}


def differences(row: Row, environment: Environment) -> Iterator[str]:
    """Where what was stored is not what is documented, in words."""
    wanted = stored(dict(row.expected), environment)
    by_route: dict[Route, dict[str, Any]] = {}
    for route in ROUTES:
        where = f"{environment.name} by {route}:"
        records = table_run(environment, route).records[row.id]
        if len(records) != 1:
            yield f"{where} {len(records)} records"
            return
        record = by_route[route] = records[0]
        for name, value in wanted.items():
            if name not in record or record[name] != value:
                yield f"{where} {name!a} is {record.get(name, ABSENT)!a:.200}, not {value!a:.200}"
        for name in row.absent:
            if name in record:
                yield f"{where} {name!a} is {record[name]!a:.200}, not absent"
        # Nothing is left for Dynatrace to trim, which it would do without a word in the text.
        if "dt.ingest.warnings" in record:
            yield f"{where} trimmed by Dynatrace: {record['dt.ingest.warnings']}"
        if row.holds is not None and not row.holds(record):
            yield f"{where} {row.holds.__name__} does not hold of {record!a:.1500}"
    otlp, json = (comparable(record) for record in by_route.values())
    for name in sorted(otlp.keys() | json.keys()):
        if otlp.get(name) != json.get(name):
            otlp_value, json_value = otlp.get(name, ABSENT), json.get(name, ABSENT)
            yield f"{environment.name}: {name!a} is {otlp_value!a:.200} by otlp, {json_value!a:.200} by json"


@pytest.mark.parametrize("row", ROWS + HUGE, ids=lambda row: row.id)
def test_the_record_is_stored_as_documented(row: Row) -> None:
    found = [
        difference
        for environment in ENVIRONMENTS
        if row in rows_for(environment)
        for difference in differences(row, environment)
    ]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda environment: environment.name)
def test_no_call_raises_or_warns_and_stderr_has_no_more_than_loggings_own_words(
    environment: Environment, route: Route
) -> None:
    done = table_run(environment, route)
    assert done.raised == {}
    assert {id_: texts for id_, texts in done.warned.items() if texts} == {}
    printed = {id_: text for id_, text in done.printed.items() if text}
    assert {row.id for row in rows_for(environment) if row.prints} == printed.keys()
    assert [text for text in printed.values() if not text.startswith("--- Logging error ---")] == []
    assert done.printed_by_delivery == ""


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda environment: environment.name)
def test_every_call_is_one_record_and_the_accounts_add_up(environment: Environment, route: Route) -> None:
    done, rows = table_run(environment, route), rows_for(environment)
    assert done.flushed
    assert {id_: len(records) for id_, records in done.records.items()} == {row.id: 1 for row in rows}
    assert done.stats.accepted == done.stats.delivered == len(rows)
    assert (done.stats.queued, done.stats.rejected, done.stats.dropped) == (0, 0, 0)


def test_the_rows_are_several_hundred_and_each_has_a_name_of_its_own() -> None:
    assert len({row.id for row in ROWS + HUGE}) == len(ROWS + HUGE) > 500
