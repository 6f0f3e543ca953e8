"""Unmodified apps under `opentelemetry-instrument`, against a strict server that is not the emulator."""

import os
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points
from pathlib import Path

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


def run(tmp_path: Path, app: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "app.py"
    script.write_text(textwrap.dedent(app))
    return subprocess.run(
        [str(Path(sys.executable).parent / "opentelemetry-instrument"), sys.executable, str(script)],
        env={
            **os.environ,
            "OTEL_LOGS_EXPORTER": "dynatrace",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": "checkout",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


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


def test_every_record_of_an_unmodified_app_arrives_once_in_order_with_severity_service_and_trace(tmp_path) -> None:
    with strict_server() as server:
        done = run(tmp_path, APP, **settings(server))
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


def test_the_json_exporter_is_chosen_by_its_name(tmp_path) -> None:
    with strict_server() as server:
        done = run(tmp_path, APP, **settings(server), OTEL_LOGS_EXPORTER="dynatrace_json")
    assert done.returncode == 0, done.stderr
    assert not server.errors
    assert len(server.stored) == 1002
    assert {request.path for request in server.requests} == {"/api/v2/logs/ingest"}


def test_the_kubernetes_operators_variables_are_enough(tmp_path) -> None:
    with strict_server() as server:
        done = run(
            tmp_path,
            APP,
            DT_API_TOKEN=STRICT_TOKEN,
            OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=f"{server.url}/api/v2/otlp/v1/logs",
            OTEL_EXPORTER_OTLP_LOGS_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_LOGS_HEADERS=f"authorization=Api-Token {STRICT_TOKEN}",
        )
    assert done.returncode == 0, done.stderr
    assert not server.errors
    assert len(server.stored) == 1002


def test_a_broken_configuration_is_one_line_and_the_app_runs_on(tmp_path) -> None:
    app = "import logging\nlogging.error('hello')\nprint('still here')"
    for broken in (
        {},
        {"DT_ENDPOINT": "ftp://nowhere", "DT_API_TOKEN": STRICT_TOKEN},
        {"DT_ENDPOINT": "https://abc12345.live.dynatrace.com", "DT_API_TOKEN": ""},
    ):
        done = run(tmp_path, app, **broken)
        assert (done.returncode, done.stdout) == (0, "still here\n")
        assert not tracebacks(done.stderr)
        assert sum("No log record is exported" in line for line in done.stderr.splitlines()) == 1
        assert "T" * 64 not in done.stderr


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


def test_configure_and_our_handler_beside_zero_code_deliver_everything_once(tmp_path) -> None:
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
        done = run(tmp_path, app, **settings(server))
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert server.stored == ["after configure", "after dictConfig"]
