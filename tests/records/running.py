"""Runs a whole table through one pipeline and one environment, and keeps what was stored, printed and counted."""

import io
import logging
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from dt_otlp_logs import DeliveryStats, configure
from dt_otlp_logs.emulator import EmulatorSettings, running_emulator
from records.documented import Environment
from records.row import KEY, Row, Source

Route = Literal["otlp", "json"]
ROUTES: tuple[Route, ...] = ("otlp", "json")
LOGGER = "records of the table"
RESOURCE = {"service.name": "shop", "Team": "tea", "shared": "resource"}


@dataclass
class Run:
    """What became of a table."""

    records: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    raised: dict[str, BaseException] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    warned: dict[str, list[str]] = field(default_factory=dict)
    printed_by_delivery: str = ""
    flushed: bool = False
    stats: DeliveryStats = field(default_factory=DeliveryStats)


def run(url: str, token: str, rows: Iterable[Row], route: Route, environment: Environment, **settings: Any) -> Run:
    """Make the call of each row, deliver all in as few requests as it takes, and say what happened beside it."""
    done = Run()
    with quiet_logger() as log, stderr() as printed:
        pipeline = configure(
            url,
            token,
            set_global=False,
            logger=log,
            resource_attributes=RESOURCE,
            exporter="dynatrace" if route == "otlp" else "dynatrace_json",
            limits=environment.profile,
            **({"structure": environment.told} if environment.told else {}),
            **settings,
        )
        try:
            assert pipeline.provider is not None
            otel = pipeline.provider.get_logger(LOGGER)
            for row in rows:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    try:
                        row.call(Source(log, otel, pipeline.provider, row.id))
                    except Exception as error:  # noqa: BLE001  # which is what must not happen
                        done.raised[row.id] = error
                done.warned[row.id] = [str(warning.message) for warning in caught]
                done.printed[row.id] = take(printed)
            done.flushed = pipeline.flush(60)
            done.stats = pipeline.stats()
        finally:
            pipeline.shutdown(5)
        done.printed_by_delivery = take(printed)
    return done


def stored_by_emulator(rows: list[Row], route: Route, environment: Environment, **settings: Any) -> Run:
    """The table as our local Dynatrace keeps it."""
    with running_emulator(EmulatorSettings(profile=environment.profile, structure=environment.structure)) as emulator:
        done = run(emulator.url, emulator.api_token, rows, route, environment, **settings)
        for record in emulator.records(with_route=True):
            assert record.pop("emulator.route") == route
            record.pop("emulator.request")
            done.records[str(record.get(KEY))].append(record)
    return done


@contextmanager
def quiet_logger() -> Iterator[logging.Logger]:
    """A logger that lets everything through, to our handler alone."""
    log = logging.getLogger(LOGGER)
    log.propagate = False
    log.setLevel(1)
    # pytest's own handlers are on loggers that do not propagate, too, and raise at what they cannot format.
    others, log.handlers = log.handlers, []
    try:
        yield log
    finally:
        log.handlers = others


@contextmanager
def stderr() -> Iterator[io.StringIO]:
    """What is written to stderr meanwhile."""
    before, sys.stderr = sys.stderr, io.StringIO()
    try:
        yield sys.stderr
    finally:
        sys.stderr = before


def take(printed: io.StringIO) -> str:
    text = printed.getvalue()
    printed.seek(0)
    printed.truncate()
    return text
