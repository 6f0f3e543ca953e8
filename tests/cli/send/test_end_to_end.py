"""`dt-otlp-logs send` with the real exporter, against the emulator and against nothing at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dt_otlp_logs.cli.__main__ import main
from dt_otlp_logs.emulator import Fault, running_emulator

ACCESS = "".join(
    f'10.0.0.{number % 9} - - [10/Oct/2024:13:55:{number % 60:02} +0000] "GET /{number} HTTP/1.1" 200 5\r\n'
    for number in range(300)
)


@pytest.fixture
def access_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ:
        if name.startswith(("DT_", "OTEL_")):
            monkeypatch.delenv(name)
    path = tmp_path / "access.log"
    path.write_bytes(ACCESS.encode())
    return path


@pytest.mark.parametrize(
    ("environment", "arguments", "status"),
    [
        ({"DT_API_TOKEN": "dt0c01.A.B"}, [], 2),
        ({"DT_ENDPOINT": "http://[", "DT_API_TOKEN": "dt0c01.A.B"}, [], 2),
        ({"DT_ENDPOINT": "http://127.0.0.1:1", "DT_API_TOKEN": ""}, [], 2),
        ({"DT_ENDPOINT": "http://127.0.0.1:1", "DT_API_TOKEN": "dt0c01.A.B"}, ["--give-up-after", "0.1"], 1),
    ],
    ids=["no endpoint", "a bad URL", "an empty token", "a port that refuses"],
)
def test_a_configuration_that_cannot_work_ends_without_a_traceback(
    access_log: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    arguments: list[str],
    status: int,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["send", str(access_log), *arguments]) == status
    error = capsys.readouterr().err
    assert error.splitlines()[-1].strip()
    assert "Traceback" not in error
    assert "dt-otlp-logs:" in error


def test_every_line_arrives_in_order_with_its_text_unchanged(
    access_log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_emulator() as emulator:
        monkeypatch.setenv("DT_API_TOKEN", emulator.api_token)
        assert main(["send", str(access_log), "--endpoint", emulator.url]) == 0
        records = emulator.records()
    assert [record["content"] for record in records] == ACCESS.split("\r\n")[:-1]
    assert records[0]["log.original_timestamp"].startswith("2024-10-10T13:55:00")
    assert capsys.readouterr().out.startswith("read 300 lines, 300 records: delivered 300, rejected 0, dropped 0 in ")


def test_an_outage_in_the_middle_costs_no_line(access_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_emulator() as emulator:
        monkeypatch.setenv("DT_API_TOKEN", emulator.api_token)
        emulator.order(Fault(status=503, times=1))
        assert main(["send", str(access_log), "--endpoint", emulator.url]) == 0
        assert [record["content"] for record in emulator.records()] == ACCESS.split("\r\n")[:-1]


def test_a_record_the_server_refuses_is_a_failure_with_its_number(
    access_log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_emulator() as emulator:
        monkeypatch.setenv("DT_API_TOKEN", emulator.api_token)
        emulator.order(Fault(rejected_records=3, times=1))
        assert main(["send", str(access_log), "--endpoint", emulator.url]) == 1
        # The exporter may add a record of its own that tells Dynatrace's users about the loss.
        assert sum(record["content"].startswith("10.0.0.") for record in emulator.records()) == 297
    output = capsys.readouterr()
    assert "delivered 297, rejected 3, dropped 0" in output.out
    assert output.err.splitlines()[-1].startswith("dt-otlp-logs: 3 records not delivered: 3 ")


def test_a_token_that_is_refused_is_a_failure_that_says_so(
    access_log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_emulator() as emulator:
        monkeypatch.setenv("DT_API_TOKEN", "dt0c01.UNKNOWN.SECRETSECRET")
        status = main(["send", str(access_log), "--endpoint", emulator.url, "--give-up-after", "0.2"])
        assert emulator.records() == []
    output = capsys.readouterr()
    assert status == 1
    assert "401" in output.err.splitlines()[-1]
    assert "300 records not delivered" in output.err.splitlines()[-1]
    assert "SECRETSECRET" not in output.err + output.out


def test_sigterm_ends_a_follower_in_good_order(access_log: Path) -> None:
    with running_emulator() as emulator:
        follower = subprocess.Popen(
            [sys.executable, "-m", "dt_otlp_logs.cli", "send", access_log, "--follow", "--endpoint", emulator.url],
            env={**os.environ, "DT_API_TOKEN": emulator.api_token},
            stdout=subprocess.PIPE,
            text=True,
        )
        emulator.wait_for(300, 20)
        with access_log.open("a") as file:
            file.write("last words\n")
        follower.terminate()
        out, _ = follower.communicate(timeout=20)
        assert follower.returncode == 0
        assert out.startswith("read 301 lines, 301 records: delivered 301")
        assert emulator.records()[-1]["content"] == "last words"
