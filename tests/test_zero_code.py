"""Unmodified apps under `opentelemetry-instrument`, against a strict server that is not the emulator."""

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import entry_points
from pathlib import Path

import certifi
import pytest
from opentelemetry.instrumentation import auto_instrumentation
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from doubles.strict_server import STRICT_TOKEN, StrictServer, strict_server

APP = """
    import logging
    from opentelemetry import trace

    logging.basicConfig(level=logging.INFO)
    log = logging.getLogger("app")
    with trace.get_tracer("app").start_as_current_span("work") as span:
        log.warning("inside a span", extra={"answer": 42})
        context = span.get_span_context()
        print(f"{context.trace_id:032x} {context.span_id:016x}")
    for number in range(1000):
        log.info("record %d", number)
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("failed")
"""


INSTRUMENT = str(Path(sys.executable).parent / "opentelemetry-instrument")

BY_VARIABLES = {"OTEL_LOGS_EXPORTER": "dynatrace", "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
BY_DISTRO = {"OTEL_PYTHON_DISTRO": "dynatrace"}
WAYS = [pytest.param(BY_VARIABLES, id="by variables"), pytest.param(BY_DISTRO, id="by the distro")]


def start(tmp_path: Path, app: str, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "app.py"
    script.write_text(textwrap.dedent(app))
    return subprocess.run(
        [*command, str(script)],
        env={**os.environ, "OTEL_SERVICE_NAME": "checkout", **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def run(tmp_path: Path, app: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Under any distro."""
    return start(tmp_path, app, INSTRUMENT, sys.executable, **BY_VARIABLES | environment)


def run_distro(tmp_path: Path, app: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Under ours, which needs no further variable."""
    return start(tmp_path, app, INSTRUMENT, sys.executable, **BY_DISTRO, **environment)


def tracebacks(stderr: str) -> bool:
    """Whether there is one, but for that of OpenTelemetry's handler, which Python 3.12 lets start no thread at exit.

    https://github.com/open-telemetry/opentelemetry-python/issues/4752
    """
    known = "can't create new thread at interpreter shutdown"
    return stderr.count("Traceback") > stderr.count(known)


def settings(server: StrictServer) -> dict[str, str]:
    return {"DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN}


def test_the_entry_points_lead_to_the_exporters() -> None:
    from dt_otlp_logs import DynatraceJsonLogExporter, DynatraceLogExporter, DynatraceResourceDetector

    exporters = {point.name: point for point in entry_points(group="opentelemetry_logs_exporter")}
    assert exporters["dynatrace"].load() is DynatraceLogExporter
    assert exporters["dynatrace_json"].load() is DynatraceJsonLogExporter
    detectors = {point.name: point for point in entry_points(group="opentelemetry_resource_detector")}
    assert detectors["dynatrace"].load() is DynatraceResourceDetector


@pytest.mark.parametrize("way", WAYS)
def test_every_record_of_an_unmodified_app_arrives_once_in_order_with_severity_service_and_trace(
    tmp_path: Path, way: dict[str, str]
) -> None:
    with strict_server() as server:
        done = start(tmp_path, APP, INSTRUMENT, sys.executable, **way, **settings(server))
    assert done.returncode == 0, done.stderr
    assert not server.errors
    assert server.stored == ["inside a span", *(f"record {number}" for number in range(1000)), "failed"]
    traced, resource = server.records()[0]
    assert f"{traced.trace_id.hex()} {traced.span_id.hex()}" == done.stdout.strip()
    assert traced.severity_number == SeverityNumber.SEVERITY_NUMBER_WARN
    assert [(a.key, a.value.int_value) for a in traced.attributes if a.key == "answer"] == [("answer", 42)]
    assert resource["service.name"] == "checkout"
    failed, _ = server.records()[-1]
    assert failed.severity_number == SeverityNumber.SEVERITY_NUMBER_ERROR
    assert any("ZeroDivisionError" in attribute.value.string_value for attribute in failed.attributes)


@pytest.mark.slow
def test_the_json_exporter_is_chosen_by_its_name(tmp_path) -> None:
    with strict_server() as server:
        done = run(tmp_path, APP, **settings(server), OTEL_LOGS_EXPORTER="dynatrace_json")
    assert done.returncode == 0, done.stderr
    assert not server.errors
    assert len(server.stored) == 1002
    assert {request.path for request in server.requests} == {"/api/v2/logs/ingest"}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_what_the_kubernetes_operators_inject_is_enough(tmp_path: Path, way: dict[str, str]) -> None:
    """OpenTelemetry's operator brings the code by PYTHONPATH, Dynatrace's the variables (fact sheet, 1.5)."""
    directory = Path(auto_instrumentation.__file__).parent
    with strict_server() as server:
        done = start(
            tmp_path,
            APP,
            sys.executable,
            **way,
            PYTHONPATH=f"{directory}{os.pathsep}{directory.parents[2]}",
            DT_API_TOKEN=STRICT_TOKEN,
            OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=f"{server.url}/api/v2/otlp/v1/logs",
            OTEL_EXPORTER_OTLP_LOGS_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_LOGS_HEADERS=f"authorization=Api-Token {STRICT_TOKEN}",
            OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE=certifi.where(),
            OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=checkout-1,k8s.namespace.name=shop",
        )
    assert done.returncode == 0, done.stderr
    assert not server.errors
    assert len(server.stored) == 1002
    assert {(resource["service.name"], resource["k8s.pod.name"]) for _, resource in server.records()} == {
        ("checkout", "checkout-1")
    }


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_broken_configuration_is_one_line_and_the_app_runs_on(tmp_path: Path, way: dict[str, str]) -> None:
    app = "import logging\nlogging.error('hello')\nprint('still here')"
    for broken in (
        {},
        {"DT_ENDPOINT": "ftp://nowhere", "DT_API_TOKEN": STRICT_TOKEN},
        {"DT_ENDPOINT": "https://abc12345.live.dynatrace.com", "DT_API_TOKEN": ""},
    ):
        done = start(tmp_path, app, INSTRUMENT, sys.executable, **way, **broken)
        assert (done.returncode, done.stdout) == (0, "still here\n")
        assert not tracebacks(done.stderr)
        assert sum("No log record is exported" in line for line in done.stderr.splitlines()) == 1
        assert "T" * 64 not in done.stderr


@pytest.mark.slow
def test_a_port_that_refuses_does_not_stop_the_app(tmp_path) -> None:
    done = run(
        tmp_path,
        "import logging\nlogging.error('hello')\nprint('still here')",
        DT_ENDPOINT="http://127.0.0.1:9",
        DT_API_TOKEN=STRICT_TOKEN,
        DT_OTLP_LOGS_SHUTDOWN_TIMEOUT_SECONDS="0.5",
    )
    assert (done.returncode, done.stdout) == (0, "still here\n")
    assert not tracebacks(done.stderr)
    assert "1 record lost" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_configure_and_our_handler_beside_zero_code_deliver_everything_once(
    tmp_path: Path, way: dict[str, str]
) -> None:
    app = """
        import logging, logging.config
        import dt_otlp_logs

        pipeline = dt_otlp_logs.configure(level=logging.INFO)
        logging.getLogger("app").info("after configure")
        logging.config.dictConfig({
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"}},
            "root": {"handlers": ["dynatrace"], "level": "INFO"},
        })
        logging.getLogger("app").info("after dictConfig")
        assert pipeline.flush()
        assert pipeline.stats().delivered == 2
    """
    with strict_server() as server:
        done = start(tmp_path, app, INSTRUMENT, sys.executable, **way, **settings(server))
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert server.stored == ["after configure", "after dictConfig"]


WARN = """
    import logging
    logging.getLogger("app").warning("hello")
"""


def delivered(server: StrictServer, done: subprocess.CompletedProcess[str]) -> list[str]:
    """What arrived, from a process that ended as it should."""
    assert (done.returncode, tracebacks(done.stderr), server.errors) == (0, False, []), done.stderr
    return server.stored


@pytest.mark.slow
def test_the_distros_records_say_where_in_the_code_they_come_from(tmp_path: Path) -> None:
    """Which OpenTelemetry's own handler does not say: ours is in its place."""
    with strict_server() as server:
        assert delivered(server, run_distro(tmp_path, WARN, **settings(server))) == ["hello"]
    ((record, _),) = server.records()
    attributes = {pair.key: pair.value for pair in record.attributes}
    assert attributes["code.file.path"].string_value == str(tmp_path / "app.py")
    assert attributes["thread.name"].string_value == "MainThread"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ["warning"]),
        ({"DT_OTLP_LOGS_LEVEL": "INFO"}, ["info", "warning"]),
        ({"OTEL_PYTHON_LOG_HANDLER_LEVEL": "error"}, []),
        ({"DT_OTLP_LOGS_LOGGERS": "access"}, ["warning", "access"]),
    ],
)
def test_the_distro_sends_the_levels_and_loggers_that_the_environment_says(
    tmp_path: Path, environment: dict[str, str], expected: list[str]
) -> None:
    app = """
        import logging
        logging.getLogger("app").info("info")
        logging.getLogger("app").warning("warning")
        logging.getLogger("access").propagate = False
        logging.getLogger("access").warning("access")
    """
    with strict_server() as server:
        assert delivered(server, run_distro(tmp_path, app, **settings(server), **environment)) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_LOGS_EXPORTER": "dynatrace,console"},
        {"OTEL_LOGS_EXPORTER": "dynatrace_json"},
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"},
        {"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "true"},
        {"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "false"},
        {"OTEL_PYTHON_LOG_CORRELATION": "true"},
        {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"},
        {"OTEL_BLRP_MAX_QUEUE_SIZE": "100"},
    ],
    ids=str,
)
def test_the_distro_delivers_each_record_once_whatever_else_is_set(tmp_path: Path, environment: dict[str, str]) -> None:
    with strict_server() as server:
        assert delivered(server, run_distro(tmp_path, WARN, **settings(server), **environment)) == ["hello"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_LOGS_EXPORTER": "console"}, {"OTEL_LOGS_EXPORTER": "none"}]
)
def test_where_logs_are_to_go_elsewhere_the_distro_adds_no_handler(tmp_path: Path, environment: dict[str, str]) -> None:
    app = f"""{WARN}
    assert "DynatraceLoggingHandler" not in str(logging.root.handlers)
    """
    with strict_server() as server:
        done = run_distro(tmp_path, app, **settings(server), **environment)
        assert delivered(server, done) == []
    assert ("hello" in done.stdout) == (environment == {"OTEL_LOGS_EXPORTER": "console"})


@pytest.mark.slow
def test_under_the_distro_a_forked_child_delivers_its_own_records_and_only_those(tmp_path: Path) -> None:
    app = """
        import logging, os, sys
        log = logging.getLogger("app")
        log.warning("before the fork")
        child = os.fork()
        log.warning("child" if child == 0 else "parent")
        if child:
            assert os.waitpid(child, 0)[1] == 0
    """
    with strict_server() as server:
        assert sorted(delivered(server, run_distro(tmp_path, app, **settings(server)))) == [
            "before the fork",
            "child",
            "parent",
        ]


@contextmanager
def any_receiver() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Its URL, and the path and content type of each request."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append((self.path, self.headers["content-type"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}", seen
        finally:
            listening.shutdown()
            thread.join()


@pytest.mark.slow
def test_under_the_distro_traces_go_to_the_endpoint_that_is_named_for_them(tmp_path: Path) -> None:
    app = f"""{WARN}
    from opentelemetry import trace
    trace.get_tracer("app").start_span("work").end()
    """
    with strict_server() as server, any_receiver() as (url, seen):
        done = run_distro(tmp_path, app, **settings(server), OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{url}/v1/traces")
        assert delivered(server, done) == ["hello"]
    assert seen == [("/v1/traces", "application/x-protobuf")]


@pytest.mark.slow
def test_under_the_distro_warnings_of_an_app_without_handlers_are_on_stderr_as_ever(tmp_path: Path) -> None:
    app = "import logging; logging.getLogger('lib').warning('for the eye'); logging.getLogger('lib').info('not this')"
    with strict_server() as server:
        done = run_distro(tmp_path, app, **settings(server), DT_OTLP_LOGS_LEVEL="INFO")
        assert delivered(server, done) == ["for the eye", "not this"]
        assert done.stderr == "for the eye\n"
        app = "import logging; logging.basicConfig(); logging.getLogger('lib').warning('once')"
        assert run_distro(tmp_path, app, **settings(server)).stderr == "WARNING:lib:once\n"


@pytest.mark.slow
def test_the_distros_choice_of_exporters_is_not_that_of_child_processes(tmp_path: Path) -> None:
    app = """
        import os, subprocess, sys
        child = "import os; print(sorted(name for name in os.environ if name.endswith('_EXPORTER')))"
        print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout)
    """
    with strict_server() as server:
        done = run_distro(tmp_path, app, **settings(server), OTEL_TRACES_EXPORTER="console")
    assert done.stdout.split() == ["['OTEL_TRACES_EXPORTER']"]


FILE = """
file_format: "1.0"
logger_provider: {{processors: [{{batch: {{exporter: {{dynatrace: {settings}}}}}}}]}}
"""


@pytest.mark.slow
def test_under_the_distro_a_configuration_file_says_where_logs_go(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.configuration", reason="opentelemetry-configuration is not installed")
    file = tmp_path / "otel.yaml"
    with strict_server() as server, strict_server() as elsewhere:
        file.write_text(FILE.format(settings="{}"))
        done = run_distro(tmp_path, WARN, **settings(server), OTEL_CONFIG_FILE=str(file))
        assert delivered(server, done) == ["hello"]
        file.write_text(FILE.format(settings=f"{{endpoint: '{elsewhere.url}'}}"))
        done = run_distro(tmp_path, WARN, **settings(server), OTEL_CONFIG_FILE=str(file))
        assert delivered(elsewhere, done) == ["hello"]
        assert server.stored == ["hello"]
        # What a wrong file says of redaction, say, is not the environment's: then nothing goes out.
        file.write_text(FILE.format(settings="{timeout_secnds: 5}"))
        done = run_distro(tmp_path, WARN, **settings(server), OTEL_CONFIG_FILE=str(file))
        assert (done.returncode, server.stored) == (0, ["hello"])
        assert "did you mean timeout_seconds" in done.stderr
