"""Starts a program as its user would, and says what of it has reached a strict server."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from doubles.strict_server import STRICT_TOKEN, StrictServer

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_SECONDS = 60.0

MARKS = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has neither fork nor SIGTERM"),
]

# The delay keeps records in the SDK's own queue, where nothing but a flush reaches them: what arrives shows that every
# end of a process has its flush.
ONLY_A_FLUSH_DELIVERS = {"OTEL_BLRP_SCHEDULE_DELAY": "60000"}

ZERO_CODE = {
    "OTEL_LOGS_EXPORTER": "dynatrace",
    "OTEL_TRACES_EXPORTER": "none",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_SERVICE_NAME": "shop",
}

# OpenTelemetry's handler starts a thread at exit, which Python 3.12 does not let it.
# https://github.com/open-telemetry/opentelemetry-python/issues/4752
_KNOWN_TRACEBACK = "can't create new thread at interpreter shutdown"

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Arrived:
    """A record as the server has it."""

    content: str
    severity: str
    service: str
    logger: str
    trace_id: str
    attributes: Mapping[str, str | int]


class Program:
    """A started program; its output goes to a file."""

    def __init__(self, process: "subprocess.Popen[str]", output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def says(self, pattern: str, times: int = 1) -> str:
        """Wait until the output has so many matches of the pattern; answers the last match, or its group."""

        def found() -> str | None:
            has_ended = self.process.poll() is not None
            matches = re.findall(pattern, self.output)
            assert len(matches) >= times or not has_ended, self.output
            return matches[-1] if len(matches) >= times else None

        return wait_for(found, lambda: f"{times} x {pattern} in\n{self.output}")

    def hears(self, line: str) -> None:
        """Give it a line of input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def ends(self, by: signal.Signals | None = None, *, status: int = 0, tracebacks: int = 0) -> None:
        """Wait for its end, after a signal if one is given: with this exit status, and so many tracebacks shown."""
        if by is not None:
            self.process.send_signal(by)
        ended = self.process.wait(PATIENCE_SECONDS)
        shown = self.output.count("Traceback") - self.output.count(_KNOWN_TRACEBACK)
        assert (ended, shown) == (status, tracebacks), self.output


@contextmanager
def started(
    command: str, server: StrictServer, tmp_path: Path, folder: Path = EXAMPLES, **environment: str
) -> Iterator[Program]:
    """The command, in that folder; what of it is left at the end of the test is killed."""
    output = tmp_path / f"output-{len(list(tmp_path.glob('output-*')))}"
    with output.open("w") as file:
        process = subprocess.Popen(
            shlex.split(command),
            cwd=folder,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                # What programs leave at home or in the temporary folder goes with the test.
                "HOME": str(tmp_path),
                "TMPDIR": str(tmp_path),
                "PYTHONUNBUFFERED": "1",
                "DT_ENDPOINT": server.url,
                "DT_API_TOKEN": STRICT_TOKEN,
                **ONLY_A_FLUSH_DELIVERS,
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    with process:
        try:
            yield Program(process, output)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # all of it has ended


def order(url: str, number: int) -> int:
    """Ask a shop for an order, in a trace of that number; answers the status."""
    traced = {"traceparent": f"00-{trace_id(number)}-00f067aa0ba902b7-01"}
    request = urllib.request.Request(f"{url}/orders/{number}", headers=traced)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def trace_id(number: int) -> str:
    """W3C trace context: 16 bytes, not all of them 0."""
    return f"{number + 1:032x}"


def wait_for(condition: Callable[[], Found | None], what: Callable[[], str]) -> Found:
    """What the condition answers, once that is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what()}"
        time.sleep(0.02)
    return found


def arrived(server: StrictServer, service: str = "shop") -> list[Arrived]:
    """What the server has stored, in order: all of this service, and nothing it was sent has broken its protocol."""
    assert not server.errors
    found = [
        Arrived(
            record.body.string_value,
            record.severity_text,
            _values(resource.resource.attributes)["service.name"],
            scope.scope.name,
            record.trace_id.hex(),
            _values(record.attributes),
        )
        for request in server.stored_requests
        for resource in request.message.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    assert {record.service for record in found} <= {service}
    return found


def _values(attributes: Iterable[Any]) -> dict[str, str | int]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in attributes}


def contents(records: Iterable[Arrived], logger: str) -> Counter[str]:
    """What the records of one logger say, and how many times."""
    return Counter(record.content for record in records if record.logger == logger)


def once(*expected: str) -> Counter[str]:
    """Each of these, once."""
    return Counter(expected)
