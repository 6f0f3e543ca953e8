"""`dt-otlp-logs emulate`: what it prints, what it accepts, how it ends."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3

from dt_otlp_logs.emulator import DEFAULT_TOKEN, Fault, running_emulator

# The command line with this one command only: the others need other packages.
PROGRAM = (
    "import sys; from dt_otlp_logs.cli import __main__ as line; line.COMMANDS = ('emulate',); sys.exit(line.main())"
)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "emulate", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=30)


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command while it runs, and all it printed before Ctrl-C is offered."""
    with subprocess.Popen(
        command("--port", "0", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        try:
            yield process, printed
        finally:
            process.kill()


def exported(printed: str, name: str) -> str:
    found = re.search(rf"^\s*export {name}=(\S+)", printed, re.MULTILINE)
    assert found, printed
    return found[1]


def post(url: str, token: str, **headers: str) -> Any:
    return urllib3.request(
        "POST",
        url + "/api/v2/logs/ingest",
        body=json.dumps({"content": "x", "a": {"b": 1}}).encode(),
        headers={"content-type": "application/json", "authorization": f"Api-Token {token}", **headers},
        retries=False,
    )


def test_what_it_prints_is_enough_to_send_and_to_look() -> None:
    with started() as (_, printed):
        url, token = exported(printed, "DT_ENDPOINT"), exported(printed, "DT_API_TOKEN")
        assert token == DEFAULT_TOKEN
        assert post(url, token).status == 204
        curl = re.search(r"curl '(\S+/emulator/records\S*)'", printed)
        assert curl
        assert urllib3.request("GET", curl[1]).json()["records"][0]["content"] == "x"


def test_ctrl_c_ends_it_quickly_with_0_even_with_requests_open() -> None:
    with started() as (process, printed):
        url = exported(printed, "DT_ENDPOINT")
        urllib3.request("POST", url + "/emulator/faults", body=b'{"silent": true}')
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /api/v2/logs/ingest HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            while not urllib3.request("GET", url + "/emulator/requests").json()["requests"]:
                time.sleep(0.01)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert time.monotonic() - began < 2
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with running_emulator() as emulator:
        port = emulator.url.rpartition(":")[2]
        done = run("--port", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == f"dt-otlp-logs: port {port} on 127.0.0.1 is taken; choose another with --port, or 0 for a free one\n"
    )


def test_an_address_of_another_machine_is_one_clear_line() -> None:
    done = run("--host", "203.0.113.1", "--allow-remote")
    assert done.returncode == 1
    assert done.stderr.startswith("dt-otlp-logs: cannot listen on 203.0.113.1 port 14680: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_other_machines_get_in_only_when_that_is_meant(host: str) -> None:
    done = run("--host", host)
    assert done.returncode == 2
    assert "--allow-remote" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "70000"),
        ("--port", "x"),
        ("--otlp-max-request-bytes", "0"),
        ("--profile", "saas"),
        ("--token", "a b"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: tuple[str, str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_switches_reach_the_emulator() -> None:
    flags = ["--structure", "raw", "--missing-scope-status", "401", "--json-max-request-bytes", "500"]
    with started(*flags, "--no-otlp-ingest-enabled", "--accept-otlp-json") as (_, printed):
        url = exported(printed, "DT_ENDPOINT")
        assert post(url, DEFAULT_TOKEN).status == 204
        assert urllib3.request("GET", url + "/emulator/records").json()["records"][0]["a"] == '{"b":1}'
        assert urllib3.request("POST", url + "/api/v2/otlp/v1/logs", body=b"").status == 404
        assert urllib3.request("POST", url + "/api/v2/logs/ingest", body=b"x" * 501).status == 401


def test_a_token_that_is_given_is_accepted_and_not_printed() -> None:
    given = "dt0c01." + "G" * 24 + "." + "H" * 64
    with started("--token", given) as (_, printed):
        assert "H" * 64 not in printed
        assert "dt0c01." + "G" * 24 in printed
        url = exported(printed, "DT_ENDPOINT")
        assert post(url, given).status == 204
        assert post(url, DEFAULT_TOKEN).status == 401


def test_help_names_every_switch() -> None:
    done = run("--help")
    assert done.returncode == 0
    for flag in ("--host", "--allow-remote", "--port", "--token", "--profile", "--structure", "--stale", "--too-deep"):
        assert flag in done.stdout


def test_the_fault_it_suggests_is_one() -> None:
    with started() as (_, printed):
        suggested = re.search(r"curl -X POST \S+/emulator/faults -d '(.*)'", printed)
        assert suggested
        assert Fault.from_document(json.loads(suggested[1])).status == 503
