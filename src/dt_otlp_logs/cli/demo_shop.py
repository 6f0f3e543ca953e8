"""The demo's web app as a process: started under opentelemetry-instrument, visited, and asked what it logged."""

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
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from dt_otlp_logs.cli.failure import CommandFailed

_APP = Path(__file__).parent / "demo_app" / "shop.py"
# The first line of each record in the app's own log, as `logging.basicConfig` of the app writes it.
_OWN_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+ (.*)")
_START_TIMEOUT_SECONDS = 20.0
_STOP_TIMEOUT_SECONDS = 12.0


class Shop:
    """An unmodified Flask app, instrumented by environment variables alone."""

    def __init__(self, dynatrace: Mapping[str, str]) -> None:
        self._port = _free_port()
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # closed by __exit__
        self._random = random.Random(7)  # noqa: S311  # orders for a demo
        self.orders = 0
        self.environment = {
            **dynatrace,
            "OTEL_LOGS_EXPORTER": "dynatrace",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "shop",
        }
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "DT_"))}
        self._process = subprocess.Popen(  # noqa: S603  # our own command
            [_instrument(), sys.executable, str(_APP), str(self._port)],
            env={**inherited, **self.environment, "NO_COLOR": "1"},
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C is the demo's; it passes it on
        )

    def wait_until_open(self) -> None:
        """Wait for the app to listen; raises CommandFailed with its last words if it does not."""
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.1)
        last_words = " | ".join(self._log_text().splitlines()[-3:])
        raise CommandFailed(f"the demo's web app did not start: {last_words or 'it said nothing'}")

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
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # http on loopback
                answer.read()
        except urllib.error.HTTPError as error:
            error.close()  # a declined card is part of the story

    def stop(self) -> float:
        """End the app as Ctrl-C would; answers how many seconds it took to end."""
        started = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return time.monotonic() - started

    def logged(self) -> Counter[str]:
        """The first line of every record that the app wrote to its own log file, by Python's logging alone."""
        return Counter(match.group(1) for line in self._log_text().splitlines() if (match := _OWN_LOG_LINE.match(line)))

    def said(self) -> list[str]:
        """What our exporter said on the app's stderr."""
        return [line for line in self._log_text().splitlines() if " dt-otlp-logs " in line]

    def _log_text(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def __enter__(self) -> "Shop":  # noqa: PYI034  # typing.Self is of 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._log.close()


def _instrument() -> str:
    beside_python = Path(sys.executable).parent / "opentelemetry-instrument"
    if not beside_python.exists():
        raise CommandFailed("the demo needs opentelemetry-instrument: pip install 'dt-otlp-logs[all]'")
    return str(beside_python)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
