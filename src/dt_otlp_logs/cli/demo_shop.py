"""The demo's web app as a process: started under opentelemetry-instrument, visited, and asked what it logged."""

import importlib.util
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from dt_otlp_logs.cli.failure import CommandFailed
from dt_otlp_logs.diagnostics import printable

_APP = Path(__file__).parent / "demo_app" / "shop.py"
# The first line of each record in the app's own log, as `logging.basicConfig` of the app writes it.
_OWN_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+ (.*)")
_START_TIMEOUT_SECONDS = 20.0
_STOP_TIMEOUT_SECONDS = 12.0
_STEP_SECONDS = 0.05
# A proxy knows nothing of this machine's loopback.
_visit = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

Wait = Callable[[float], bool]
"""Waits so many seconds, or until the user wants the end; answers whether that is so."""


class Shop:
    """An unmodified Flask app, instrumented by environment variables alone."""

    def __init__(self, dynatrace: Mapping[str, str]) -> None:
        _look_for_packages()
        self._port = _free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="dt-otlp-logs-demo-")
        self._log = Path(self._directory.name) / "shop.log"
        self._random = random.Random(7)  # noqa: S311  # orders for a demo
        self.orders = 0
        self.environment = {
            **dynatrace,
            "OTEL_LOGS_EXPORTER": "dynatrace",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "shop",
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [_instrument(), sys.executable, str(_APP), str(self._port)],
                env={**inherited(os.environ), **self.environment, "NO_COLOR": "1"},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the demo's; it passes it on
            )

    def wait_until_open(self, wait: Wait) -> None:
        """Wait for the app to listen, or for `wait`; raises CommandFailed with its last words if it does not."""
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            if wait(_STEP_SECONDS):
                return
        raise self._failed("did not start")

    def order(self) -> None:
        """Place one order, as a customer's browser would."""
        self.orders += 1
        items = self._random.sample(["tea", "cup", "kettle"], k=self._random.randint(1, 3))
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/orders/{self.orders}",
            data=json.dumps(items).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            with _visit(request, timeout=5) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            error.close()  # a declined card is part of the story
        except OSError as error:
            raise self._failed("does not answer any more") from error

    def stop(self, wait: Wait) -> float:
        """End the app as Ctrl-C would, or at once if `wait` says so; answers how many seconds it took to end."""
        started = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        while self._process.poll() is None:
            if wait(_STEP_SECONDS) or time.monotonic() - started > _STOP_TIMEOUT_SECONDS:
                self._kill()
        return time.monotonic() - started

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def logged(self) -> Counter[str]:
        """The first line of every record that the app wrote to its own log file, by Python's logging alone."""
        return Counter(match.group(1) for line in self._log_text().splitlines() if (match := _OWN_LOG_LINE.match(line)))

    def said(self) -> list[str]:
        """What our exporter said on the app's stderr."""
        return [line for line in self._log_text().splitlines() if " dt-otlp-logs " in line]

    def _log_text(self) -> str:
        return self._log.read_text("utf-8", errors="replace")

    def _failed(self, how: str) -> CommandFailed:
        last_words = " | ".join(self._log_text().splitlines()[-3:])
        return CommandFailed(printable(f"the demo's web app {how}: {last_words or 'it said nothing'}"))

    def __enter__(self) -> "Shop":  # noqa: PYI034  # typing.Self is of 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()
        self._directory.cleanup()


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """What the app gets of our environment: nothing that would configure it, or lead it to a proxy on loopback."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("OTEL_", "DT_")) and not name.upper().endswith("_PROXY")
    }


def _look_for_packages() -> None:
    for name in ("flask", "opentelemetry.instrumentation.flask"):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(name=name)


def _instrument() -> str:
    beside_python = Path(sys.executable).parent / "opentelemetry-instrument"
    if not beside_python.exists():
        raise CommandFailed("the demo needs opentelemetry-instrument: pip install 'dt-otlp-logs[demo]'")
    return str(beside_python)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
