"""Fixtures for other people's tests: `dynatrace`, a local Dynatrace, and `dynatrace_logs`, what arrived in it.

pytest loads this in every session of every project that has dt-otlp-logs installed: until a fixture is asked for,
nothing but this package's own few modules is imported.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from dt_otlp_logs.pytest_plugin.arrived import ArrivedRecord
from dt_otlp_logs.pytest_plugin.logs import DynatraceLogs

if TYPE_CHECKING:
    from dt_otlp_logs.emulator import EmulatorSettings, RunningEmulator

__all__ = ["ArrivedRecord", "DynatraceLogs"]

_MARKER = "dynatrace(**settings): what kind of Dynatrace the fixture `dynatrace` is, by fields of EmulatorSettings"
_MISSING = "the fixture `dynatrace` needs: pip install 'dt-otlp-logs[pytest]'"
_OF_THE_EMULATOR = ("starlette", "uvicorn")


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest; makes the marker known, `--strict-markers` included."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def dynatrace(request: pytest.FixtureRequest) -> "Iterator[RunningEmulator]":
    """A local Dynatrace for this test, of its own: `url`, `api_token`, `order(Fault(...))`, `requests()`.

    DT_ENDPOINT and DT_API_TOKEN name it, in this process and in those it starts; the other variables of this
    package's settings are unset. A pipeline that runs, before or after the test, is shut down, and Python's logging
    and OpenTelemetry's global LoggerProvider are afterwards as the test found them.

    `@pytest.mark.dynatrace(profile="classic", structure="raw")` sets fields of `EmulatorSettings`.
    """
    _need_the_emulators_packages()
    from dt_otlp_logs.emulator import running_emulator
    from dt_otlp_logs.pytest_plugin import as_found

    settings = _settings(request.node)
    with (
        as_found.nothing_logged_by_the_emulator(),
        as_found.logging_as_found() as put_back,
        running_emulator(settings) as emulator,
    ):
        put_back()  # uvicorn has changed the levels of its loggers, which may be the application's, too
        with (
            as_found.environment(emulator.url, emulator.api_token),
            as_found.global_provider_as_found(),
            as_found.no_pipeline_around(),
        ):
            yield emulator
            request.node.add_report_section("teardown", "Dynatrace's records", DynatraceLogs(emulator).shown())
            emulator.clear_faults()


@pytest.fixture
def dynatrace_logs(dynatrace: "RunningEmulator") -> DynatraceLogs:
    """The records that arrived in `dynatrace`; to look at them needs no sleep."""
    return DynatraceLogs(dynatrace)


def _need_the_emulators_packages() -> None:
    missing = [package for package in _OF_THE_EMULATOR if find_spec(package) is None]
    if missing:
        pytest.fail(f"{_MISSING}: {' and '.join(missing)} not found", pytrace=False)


def _settings(node: pytest.Item) -> "EmulatorSettings":
    """What the markers say, the nearest one last."""
    from dataclasses import fields

    from dt_otlp_logs.emulator import EmulatorSettings

    markers = list(node.iter_markers("dynatrace"))[::-1]
    chosen = {name: value for marker in markers for name, value in marker.kwargs.items()}
    known = sorted(field.name for field in fields(EmulatorSettings))
    unknown = ", ".join(sorted(set(chosen) - set(known)))
    if unknown or any(marker.args for marker in markers):
        problem = f"does not know {unknown}" if unknown else "takes settings by name"
        pytest.fail(f"@pytest.mark.dynatrace {problem}; there are: {', '.join(known)}", pytrace=False)
    try:
        return EmulatorSettings(**chosen)
    except (TypeError, ValueError) as error:
        problem = str(error)
    pytest.fail(f"@pytest.mark.dynatrace: {problem}", pytrace=False)
