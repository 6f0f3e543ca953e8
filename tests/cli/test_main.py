"""How commands end, whatever becomes of their output: one line at most, and an honest exit status."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from dt_otlp_logs.cli import __main__ as command_line
from dt_otlp_logs.config import ConfigError, Problem


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], int]], int]:
    """Run `work` as if it were a command."""

    def run(work: Callable[[], int]) -> int:
        command = SimpleNamespace(HELP="", add_arguments=lambda _: None, run=lambda _: work())
        monkeypatch.setattr(command_line, "COMMANDS", ("stub",))
        monkeypatch.setitem(sys.modules, "dt_otlp_logs.cli.stub", command)  # type: ignore[arg-type]
        return command_line.main(["stub"])

    return run


Running = Callable[[Callable[[], Any]], int]


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


def test_every_line_of_a_problem_bears_our_name(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    problems = tuple(Problem(key, "DT_X", "'y'", "z") for key in ("one", "two"))
    assert running(raising(ConfigError(problems))) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" is ")[0] for line in lines] == ["dt-otlp-logs: one", "dt-otlp-logs: two"]


@pytest.mark.parametrize(
    ("package", "extra"),
    [("starlette.routing", "emulator"), ("uvicorn", "emulator"), ("rich", "cli"), ("flask", "demo"), ("other", "all")],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    running: Running, capsys: pytest.CaptureFixture[str], package: str, extra: str
) -> None:
    assert running(raising(ModuleNotFoundError(name=package))) == 1
    assert f"needs the package {package}: pip install 'dt-otlp-logs[{extra}]'" in capsys.readouterr().err


def test_ctrl_c_while_commands_are_still_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        def __iter__(self) -> Iterator[str]:
            raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "COMMANDS", Interrupted())
    assert command_line.main(["send", "x"]) == 130
    assert capsys.readouterr().err == "dt-otlp-logs: stopped\n"


def test_a_reader_that_went_away_is_told_nothing(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert running(raising(BrokenPipeError(32, "Broken pipe"))) == 1
    assert capsys.readouterr().err == ""


@contextmanager
def full_disk() -> Iterator[int]:
    number = os.open("/dev/full", os.O_WRONLY)
    try:
        yield number
    finally:
        os.close(number)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written_is_one_line_and_a_failure(unbuffered: str) -> None:
    with full_disk() as number:
        done = subprocess.run(
            [sys.executable, "-m", "dt_otlp_logs.cli", "config"],
            stdout=number,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "DT_ENDPOINT": "http://127.0.0.1:1", "DT_API_TOKEN": "", "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "dt-otlp-logs: cannot write to standard output: No space left on device\n"


def test_closed_output_is_one_line_if_there_was_something_to_say(
    running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert running(lambda: print("summary") or 0) == 1
    assert capsys.readouterr().err == "dt-otlp-logs: standard output is closed\n"
    assert running(lambda: 0) == 0
    assert sys.stdout is None


def test_with_stderr_closed_a_failure_goes_nowhere_else(
    running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert running(raising(ConfigError((Problem("one", "DT_X", "'y'", "z"),)))) == 2
    assert capsys.readouterr().out == ""


def test_help_speaks_one_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--help"]) == 0
    assert capsys.readouterr().out
    for name in command_line.COMMANDS:
        text = __import__(f"dt_otlp_logs.cli.{name}", fromlist=["HELP"]).HELP
        assert text[0].islower(), name
        assert not text.endswith("."), name
