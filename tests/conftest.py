"""What every test starts from: an environment without our variables, and no pipeline left over from another test."""

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from dt_otlp_logs.emulator import RunningEmulator, running_emulator

# How fast a shared machine happens to be says nothing about the code.
# CI says the same of the same code each time; runs elsewhere look further.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("any machine")

# A run in the background of a shell ignores these, and so would every program that a test starts.
for _signal in (signal.SIGINT, signal.SIGHUP) if hasattr(signal, "SIGHUP") else ():
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.default_int_handler if _signal is signal.SIGINT else signal.SIG_DFL)

_LEVEL_NAMES, _LEVELS = dict(logging._levelToName), dict(logging._nameToLevel)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "DT_")) or name.upper() in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def logging_as_in_a_fresh_process() -> None:
    logging.root.setLevel(logging.WARNING)
    logging._levelToName.clear()
    logging._levelToName.update(_LEVEL_NAMES)
    logging._nameToLevel.clear()
    logging._nameToLevel.update(_LEVELS)


@pytest.fixture(scope="session")
def one_emulator() -> Iterator[RunningEmulator]:
    with running_emulator() as running:
        yield running


@pytest.fixture
def emulator(one_emulator: RunningEmulator) -> RunningEmulator:
    """A local Dynatrace that has received nothing yet and in which nothing goes wrong."""
    one_emulator.clear()
    one_emulator.clear_faults()
    return one_emulator


@pytest.fixture(autouse=True)
def no_pipeline_left_running() -> Iterator[None]:
    yield
    import sys

    pipeline = sys.modules.get("dt_otlp_logs.pipeline")
    if pipeline is not None and pipeline._running is not None:
        pipeline._running.shutdown(0.1)
