"""A reader of our output that goes away (`| head`) is no failure of reading, and none of the address."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from dt_otlp_logs.cli import emulate

from .conftest import Sender


def broken(*_: Any, **__: Any) -> None:
    raise BrokenPipeError(32, "Broken pipe")


def test_it_ends_a_dry_run_as_what_it_is(sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\n")
    monkeypatch.setattr("builtins.print", broken)
    with pytest.raises(BrokenPipeError):
        sender(path, "--dry-run")


def test_it_ends_the_emulator_as_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = argparse.ArgumentParser()
    emulate.add_arguments(parser)
    monkeypatch.setattr("builtins.print", broken)
    with pytest.raises(BrokenPipeError):
        emulate.run(parser.parse_args(["--port", "0"]))
