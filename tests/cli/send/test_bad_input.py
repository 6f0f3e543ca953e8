"""What a user can get wrong on the command line: each is one clear line."""

from pathlib import Path
from typing import Any

import pytest

from dt_otlp_logs.cli.__main__ import main
from dt_otlp_logs.cli.failure import UsageError
from dt_otlp_logs.cli.source import open_file

from .conftest import Sender


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["missing.log"], "missing.log does not exist"),
        (["."], ". is a directory: name a file"),
        (["bad\x00name"], r"bad\\x00name cannot be opened"),
        (["x" * 5_000], "cannot be opened: File name too long"),
        (["app.log", "--timezone", "Mars/Base"], "--timezone Mars/Base: no such zone"),
        (["app.log", "--timezone", "../../etc/passwd"], "no such zone"),
        (["app.log", "--attribute", "novalue"], "--attribute novalue: write it as KEY=VALUE"),
        (["app.log", "--attribute", "=x"], "write it as KEY=VALUE"),
        ([""], "the file's name is empty"),
    ],
)
def test_a_wrong_command_line_is_one_clear_line(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.log").write_text("one\n")
    with pytest.raises(UsageError, match=complaint) as error:
        sender(*arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--give-up-after", "0"], "argument --give-up-after: expected more than 0: a time in seconds such as"),
        (["--give-up-after", "2x"], "argument --give-up-after: expected a time in seconds such as"),
        (["--give-up-after", "nan"], "argument --give-up-after: expected a time in seconds such as"),
        (["--endpoint", "http://["], "endpoint is 'http://[' (from --endpoint); expected an address"),
        (["--endpoint", "http://127.0.0.1:1", "--api-token-file", "missing"], "(from --api-token-file); expected"),
    ],
)
def test_a_bad_value_is_reported_under_the_name_of_its_flag(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.log").write_text("one\n")
    assert main(["send", "app.log", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_may_not_be_read_is_a_usage_error(tmp_path: Path) -> None:
    secret = tmp_path / "secret.log"
    secret.touch()

    def refuse(path: str) -> Any:
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(UsageError, match=r"secret\.log may not be read by this user"):
        open_file(str(secret), refuse)
