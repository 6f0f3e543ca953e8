"""How processes end, and what of their logs arrives: real processes against a strict server."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from doubles.strict_server import STRICT_TOKEN, Reply, StrictServer, strict_server

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has neither fork nor SIGTERM")


def start(server: StrictServer, tmp_path: Path, script: str, **environment: str) -> "subprocess.Popen[str]":
    """A script of its own, since multiprocessing wants a file to import."""
    file = tmp_path / "app.py"
    file.write_text(textwrap.dedent(script))
    return subprocess.Popen(
        # From 3.12 on Python warns of any fork beside threads, whatever they do.
        [sys.executable, "-W", "ignore::DeprecationWarning", str(file)],
        env={**os.environ, "DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(server: StrictServer, tmp_path: Path, script: str, **environment: str) -> tuple[int, str, str]:
    with start(server, tmp_path, script, **environment) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


# The delay keeps records in the SDK's own queue, where only a flush reaches them.
SLOW = {"OTEL_BLRP_SCHEDULE_DELAY": "60000"}


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("pipeline", ["configure", "unmodified"])
def test_records_of_multiprocessing_children_arrive_once(tmp_path: Path, method: str, pipeline: str) -> None:
    script = f"""
        import logging, multiprocessing, sys
        from opentelemetry import _logs
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        import dt_otlp_logs

        if {pipeline!r} == "configure":
            dt_otlp_logs.configure(level=logging.INFO)
        else:
            provider = LoggerProvider()
            provider.add_log_record_processor(BatchLogRecordProcessor(dt_otlp_logs.DynatraceLogExporter()))
            _logs.set_logger_provider(provider)
            logging.getLogger().addHandler(dt_otlp_logs.DynatraceLoggingHandler(logger_provider=provider))
            logging.getLogger().setLevel(logging.INFO)

        def work(number):
            logging.getLogger("child").info("child %d", number)

        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            logging.getLogger("parent").info("before")
            children = [context.Process(target=work, args=(number,)) for number in range(3)]
            for child in children: child.start()
            for child in children: child.join()
            logging.getLogger("parent").info("after")
        """
    with strict_server() as server:
        status, _, err = run(server, tmp_path, script, **SLOW)
    assert (status, err) == (0, "")
    assert not server.errors
    assert sorted(server.stored) == ["after", "before", "child 0", "child 1", "child 2"]


def test_a_multiprocessing_child_may_configure_for_itself(tmp_path: Path) -> None:
    script = """
        import logging, multiprocessing
        import dt_otlp_logs

        def work():
            dt_otlp_logs.configure(level=logging.INFO)
            logging.getLogger("child").info("from the child")

        if __name__ == "__main__":
            child = multiprocessing.get_context("fork").Process(target=work)
            child.start()
            child.join()
        """
    with strict_server() as server:
        status, _, err = run(server, tmp_path, script, **SLOW)
    assert (status, err) == (0, "")
    assert server.stored == ["from the child"]


def test_parent_and_child_of_a_fork_share_no_connection_and_duplicate_nothing(tmp_path: Path) -> None:
    script = """
        import logging, os, sys
        import dt_otlp_logs
        pipeline = dt_otlp_logs.configure(level=logging.INFO)
        log = logging.getLogger("app")
        log.info("before")
        pipeline.flush()
        log.info("queued in the parent")
        child = os.fork()
        if child == 0:
            log.info("child")
            assert pipeline.flush()
            os._exit(0)
        os.waitpid(child, 0)
        log.info("parent")
        """
    with strict_server() as server:
        status, _, err = run(server, tmp_path, script, **SLOW)
    assert (status, err) == (0, "")
    assert sorted(server.stored) == ["before", "child", "parent", "queued in the parent"]
    (of_child,) = {request.client_port for request in server.requests if "child" in request.contents}
    assert of_child not in {request.client_port for request in server.requests if "child" not in request.contents}


WAITS_FOR_SIGTERM = """
    import logging, signal, sys, time
    import dt_otlp_logs
    {before}
    dt_otlp_logs.configure(level=logging.INFO)
    logging.getLogger("app").info("last words")
    print("ready", flush=True)
    time.sleep(60)
    """


def sigterm(process: "subprocess.Popen[str]") -> tuple[int, str]:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    return process.returncode, out


def test_sigterm_delivers_what_waits_if_that_is_switched_on(tmp_path: Path) -> None:
    with strict_server() as server:
        script = WAITS_FOR_SIGTERM.format(before="")
        with start(server, tmp_path, script, DT_OTLP_LOGS_FLUSH_ON_SIGTERM="true", **SLOW) as process:
            status, _ = sigterm(process)
    assert status == -signal.SIGTERM, "the process still dies of the signal"
    assert server.stored == ["last words"]


def test_what_sigterm_leaves_undelivered_is_said(tmp_path: Path) -> None:
    with strict_server(lambda _: Reply(503)) as server:
        script = WAITS_FOR_SIGTERM.format(before="")
        settings = {"DT_OTLP_LOGS_FLUSH_ON_SIGTERM": "true", "DT_OTLP_LOGS_SHUTDOWN_TIMEOUT_SECONDS": "0.5", **SLOW}
        with start(server, tmp_path, script, **settings) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert "1 record is not delivered after SIGTERM" in err


def test_sigterm_is_left_alone_unless_switched_on(tmp_path: Path) -> None:
    with strict_server() as server:
        with start(server, tmp_path, WAITS_FOR_SIGTERM.format(before=""), **SLOW) as process:
            status, _ = sigterm(process)
    assert status == -signal.SIGTERM
    assert server.stored == []


def test_the_applications_own_sigterm_handler_runs_afterwards(tmp_path: Path) -> None:
    before = "signal.signal(signal.SIGTERM, lambda *_: (print('my handler'), sys.exit(3)))"
    with strict_server() as server:
        script = WAITS_FOR_SIGTERM.format(before=before)
        with start(server, tmp_path, script, DT_OTLP_LOGS_FLUSH_ON_SIGTERM="true", **SLOW) as process:
            status, out = sigterm(process)
    assert (status, out) == (3, "my handler\n")
    assert server.stored == ["last words"]


def test_sigterm_while_the_interrupted_thread_holds_our_lock_ends_in_time(tmp_path: Path) -> None:
    script = """
        import logging, sys, time
        import dt_otlp_logs
        pipeline = dt_otlp_logs.configure(level=logging.INFO)
        with pipeline.exporter._worker._changed:
            print("ready", flush=True)
            time.sleep(60)
        """
    with strict_server() as server:
        with start(
            server,
            tmp_path,
            script,
            DT_OTLP_LOGS_FLUSH_ON_SIGTERM="true",
            DT_OTLP_LOGS_SHUTDOWN_TIMEOUT_SECONDS="0.5",
        ) as process:
            status, _ = sigterm(process)
    assert status == -signal.SIGTERM


def test_ctrl_c_delivers_what_waits(tmp_path: Path) -> None:
    with strict_server() as server:
        with start(server, tmp_path, WAITS_FOR_SIGTERM.format(before=""), **SLOW) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
    assert server.stored == ["last words"]
