"""Whatever is logged or emitted: nothing is raised, one record is stored for each call, alike by both routes."""

import itertools
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from dt_otlp_logs import DynatraceJsonLogExporter, DynatraceLogExporter, DynatraceLoggingHandler
from dt_otlp_logs.emulator import EmulatorSettings, RunningEmulator, running_emulator
from records.row import KEY
from records.rows_hostile import Endless, EndlessMapping, EndlessSequence, NoText, OddDict, Raising, RaisingMapping
from records.running import LOGGER
from records.test_table import comparable


@dataclass
class BothRoutes:
    """One logger whose records go by OTLP and by JSON ingest to the same environment."""

    emulator: RunningEmulator
    log: logging.Logger
    providers: list[LoggerProvider]
    exporters: list[DynatraceLogExporter]
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def call(self, make: Callable[[dict[str, Any]], object]) -> None:
        """Make a call with an attribute to find it by, and look at what both routes have brought of it."""
        self.emulator.clear()
        number = next(self.numbers)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            make({KEY: number})
        for provider, exporter in zip(self.providers, self.exporters, strict=True):
            assert provider.force_flush()
            assert exporter.force_flush()
        stored = self.emulator.records(with_route=True)
        assert sorted(record["emulator.route"] for record in stored) == ["json", "otlp"]
        for record in stored:
            del record["emulator.route"], record["emulator.request"]
            assert str(record[KEY]) == str(number)
            assert "dt.ingest.warnings" not in record
        assert comparable(stored[0]) == comparable(stored[1])

    def accounts(self) -> set[tuple[int, int, int]]:
        all_stats = [exporter.stats() for exporter in self.exporters]
        return {(stats.accepted - stats.delivered, stats.rejected, stats.dropped) for stats in all_stats}


@pytest.fixture(scope="module", params=["raw", "flattened", "classic"])
def both(request: pytest.FixtureRequest) -> Iterator[BothRoutes]:
    profile = "classic" if request.param == "classic" else "grail"
    structure = "raw" if request.param == "raw" else "flattened"
    with running_emulator(EmulatorSettings(profile=profile, structure=structure)) as emulator:
        # One that pytest does not know: its own handlers raise at what they cannot format.
        log = logging.Logger(LOGGER, 1)  # noqa: LOG001
        exporters = [
            exporter(endpoint=emulator.url, api_token=emulator.api_token, limits=profile, structure=structure)
            for exporter in (DynatraceLogExporter, DynatraceJsonLogExporter)
        ]
        providers = [LoggerProvider(shutdown_on_exit=False) for _ in exporters]
        for provider, exporter in zip(providers, exporters, strict=True):
            provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
            log.addHandler(DynatraceLoggingHandler(logger_provider=provider))
        yield BothRoutes(emulator, log, providers, exporters)
        for provider in providers:
            provider.shutdown()


TEXTS = st.text(st.characters(), max_size=40) | st.sampled_from(["\ud800", "x" * 251, "ä" * 126, "€" * 20_000])
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | TEXTS | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
NAMES = TEXTS.filter(bool)


@dataclass(frozen=True)
class Made:
    """What Hypothesis could not print, to be made at the call."""

    kind: type


def made(value: Any) -> Any:
    if isinstance(value, Made):
        return value.kind()
    if isinstance(value, dict):
        return type(value)((key, made(value[key])) for key in value)
    return type(value)(map(made, value)) if isinstance(value, (list, tuple)) else value


OBJECTS = st.builds(
    Made, st.sampled_from([Raising, NoText, Endless, EndlessSequence, EndlessMapping, RaisingMapping, OddDict, object])
)
PYTHON = st.recursive(
    ANY_VALUE
    | st.integers()
    | st.complex_numbers()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
    | st.fractions()
    | st.sampled_from([int, Exception, len, ...])
    | st.builds(ValueError, TEXTS)
    | st.just(PurePosixPath("/a"))
    | OBJECTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.none() | TEXTS | st.tuples(TEXTS), inner, max_size=3)
        | st.frozensets(st.integers() | TEXTS, max_size=3)
    ),
    max_leaves=6,
)
FREE = st.text(min_size=1, max_size=20).filter(
    lambda name: name not in vars(logging.makeLogRecord({})) and name not in ("message", "asctime", KEY)
)
LEVELS = st.integers(1, 60)


@settings(max_examples=15)
@given(values=st.dictionaries(FREE, PYTHON, max_size=4), text=TEXTS, level=LEVELS)
def test_any_value_as_extra(both: BothRoutes, values: dict[str, Any], text: str, level: int) -> None:
    both.call(lambda key: both.log.log(level, text, extra=made(values) | key))


@settings(max_examples=15)
@given(message=st.dictionaries(TEXTS | st.integers(), PYTHON, max_size=5))
def test_any_dict_as_message(both: BothRoutes, message: dict[Any, Any]) -> None:
    message.pop(KEY, None)
    both.call(lambda key: both.log.info(made(message), extra=key))


@settings(max_examples=15)
@given(text=TEXTS, error=st.builds(ValueError, TEXTS) | st.builds(OSError, st.integers(), TEXTS))
def test_any_text_as_message_and_in_an_exception(both: BothRoutes, text: str, error: Exception) -> None:
    both.call(lambda key: both.log.error(text, exc_info=error, extra=key))


@settings(max_examples=20)
@given(
    body=ANY_VALUE,
    attributes=st.dictionaries(NAMES, ANY_VALUE, max_size=5),
    number=st.none() | st.sampled_from(SeverityNumber),
    text=st.none() | TEXTS | st.sampled_from(["SUCCESS", "NOTSET", "warn", "fatal"]),
    event_name=st.none() | TEXTS,
)
def test_any_record_of_another_source(
    both: BothRoutes, body: Any, attributes: Any, number: Any, text: Any, event_name: Any
) -> None:
    def emit(key: dict[str, Any]) -> None:
        for provider in both.providers:
            provider.get_logger(LOGGER).emit(
                body=body,
                severity_number=number,
                severity_text=text,
                event_name=event_name,
                attributes=attributes | key,
            )

    both.call(emit)


def test_the_accounts_add_up_after_all_of_them(both: BothRoutes) -> None:
    both.call(lambda key: both.log.info("last", extra=key))
    assert both.accounts() == {(0, 0, 0)}
