"""`dt-otlp-logs demo` in surroundings it did not ask for: proxies, a port that is taken, a user who wants out."""

import logging
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from dt_otlp_logs.cli import demo_shop
from dt_otlp_logs.cli.__main__ import main
from dt_otlp_logs.cli.stop_signals import StopSignals
from dt_otlp_logs.emulator import running_emulator


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with running_emulator() as emulator:
        port = emulator.url.rpartition(":")[2]
        assert main(["demo", "--port", port]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"dt-otlp-logs: port {port} on 127.0.0.1 is taken; choose another with --port, or 0 for a free one\n"
    )


@pytest.mark.parametrize("port", ["-1", "70000", "x", "1.5", "²"])
def test_a_number_that_is_no_port_is_a_usage_error(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", f"--port={port}"]) == 2
    assert "a port is a number from 0 to 65535" in capsys.readouterr().err


def test_the_app_inherits_no_proxy_and_none_of_our_settings() -> None:
    environment = {"HTTP_PROXY": "p", "https_proxy": "p", "NO_PROXY": "n", "DT_X": "1", "OTEL_X": "1", "PATH": "kept"}
    assert demo_shop.inherited(environment) == {"PATH": "kept"}


def test_the_demo_s_own_requests_pass_by_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with running_emulator() as emulator:
        request = urllib.request.Request(f"{emulator.url}/emulator/summary")
        with demo_shop._visit(request, timeout=5) as answer:
            assert answer.status == 200


def test_a_web_app_that_does_not_start_is_one_line_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = tmp_path / "shop.py"
    app.write_text("raise SystemExit('no such luck')\n")
    monkeypatch.setattr(demo_shop, "_APP", app)
    with pytest.raises(demo_shop.CommandFailed, match=r"did not start: .*no such luck$"):
        with demo_shop.Shop({}) as shop:
            shop.wait_until_open(lambda seconds: shop._process.wait(20) is None)
    assert shop._process.poll() is not None
    assert not Path(shop._directory.name).exists()


def test_an_app_that_does_not_end_is_ended_at_once_if_the_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = tmp_path / "shop.py"
    app.write_text("import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)\n")
    monkeypatch.setattr(demo_shop, "_APP", app)
    with demo_shop.Shop({}) as shop:
        assert shop.stop(lambda seconds: True) < 10
        assert shop._process.poll() is not None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_sigterm_ends_the_app_too_and_says_what_is_going_on(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "dt_otlp_logs.cli", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "HTTP_PROXY": "http://127.0.0.1:1"},
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("    ... and"):  # the app is up and orders go through, whatever HTTP_PROXY says
            break
    demo.send_signal(signal.SIGTERM)
    out, err = demo.communicate(timeout=30)
    assert demo.returncode == 130
    assert "--- stopping: the app delivers what it holds, for 5 s at most; Ctrl-C again ends at once" in out
    assert err == "dt-otlp-logs: stopped\n"
    # The app's folder goes when the app has ended.
    assert list(tmp_path.glob("dt-otlp-logs-demo-*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGHUP there")
def test_a_closed_terminal_asks_for_the_end_unless_nohup_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    with StopSignals("SIGHUP") as signals:
        signal.raise_signal(signal.SIGHUP)
        assert signals.wait(5)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals("SIGHUP") as signals:
            signal.raise_signal(signal.SIGHUP)
            assert not signals.wait(0)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_the_server_s_own_line_for_each_request_is_not_among_the_app_s() -> None:
    program = (
        f"import logging, runpy; runpy.run_path({str(demo_shop._APP)!r}); print(logging.getLogger('werkzeug').level)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == logging.WARNING
