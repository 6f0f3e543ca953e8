"""`OTEL_CONFIG_FILE`: OpenTelemetry's declarative configuration with our exporters and our resource detector."""

import json
import os
import subprocess
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.configuration", reason="opentelemetry-configuration is not installed")

from opentelemetry.configuration.file import create_logger_provider, create_resource, load_config_file
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider

from doubles.instrumented import run_instrumented
from doubles.otlp_receiver import otlp_receiver
from doubles.strict_server import STRICT_TOKEN, StrictServer, strict_server
from dt_otlp_logs import ConfigError

EXAMPLE = Path(__file__).parent.parent / "examples" / "otel_config.yaml"

APP = """
    import logging
    from opentelemetry import trace

    with trace.get_tracer("app").start_as_current_span("work") as span:
        logging.getLogger("app").warning("hello", extra={"answer": 42})
        print(f"{span.get_span_context().trace_id:032x}")
"""

SPANS_TO_THE_CONSOLE = "tracer_provider: {processors: [{simple: {exporter: {console: {}}}}]}"


def file_with(directory: Path, exporter: str, *, processor: str = "batch", more: str = "") -> Path:
    """A configuration file whose only log exporter is the YAML given."""
    path = directory / "otel.yaml"
    path.write_text(
        'file_format: "1.0"\nlogger_provider:\n  processors:\n'
        f"    - {processor}:\n        exporter:\n"
        + textwrap.indent(textwrap.dedent(exporter).strip(), " " * 10)
        + "\n"
        + textwrap.dedent(more)
    )
    return path


def provider_of(path: Path) -> LoggerProvider:
    """What the file describes, made in this process and set nowhere."""
    config = load_config_file(path)
    return create_logger_provider(config.logger_provider, create_resource(config.resource))


def environment(server: StrictServer, path: Path) -> dict[str, str]:
    return {"OTEL_CONFIG_FILE": str(path), "DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN}


def test_the_example_delivers_with_service_name_severity_and_attributes(tmp_path: Path) -> None:
    with strict_server() as server:
        done = run_instrumented(
            tmp_path,
            APP,
            **environment(server, EXAMPLE),
            OTEL_SERVICE_NAME="shop",
            OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=shop-1,team=payments",
        )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert (server.errors, server.stored) == ([], ["hello"])
    ((record, resource),) = server.records()
    assert record.severity_number == SeverityNumber.SEVERITY_NUMBER_WARN
    assert [pair.value.int_value for pair in record.attributes if pair.key == "answer"] == [42]
    assert (resource["service.name"], resource["k8s.pod.name"], resource["team"]) == ("shop", "shop-1", "payments")
    assert "process.pid" in resource


@pytest.mark.slow
@pytest.mark.skipif(version("opentelemetry-configuration") < "0.66", reason="it ignored the limits, and said so")
def test_the_example_keeps_more_attributes_than_opentelemetrys_128(tmp_path: Path) -> None:
    app = """
        import logging
        logging.getLogger("app").warning("hello", extra={f"attribute.{number}": number for number in range(300)})
    """
    with strict_server() as server:
        done = run_instrumented(tmp_path, app, **environment(server, EXAMPLE))
    assert done.returncode == 0, done.stderr
    ((record, _),) = server.records()
    assert {f"attribute.{number}" for number in range(300)} <= {pair.key for pair in record.attributes}
    assert record.dropped_attributes_count == 0


@pytest.mark.slow
def test_the_distro_and_the_application_itself_use_the_files_exporter(tmp_path: Path) -> None:
    app = """
        import logging
        from dt_otlp_logs import configure
        logging.getLogger("app").info("before")
        configure(level=logging.DEBUG)
        logging.getLogger("app").debug("after")
    """
    with strict_server() as server:
        path = file_with(tmp_path, f"dynatrace: {{endpoint: '{server.url}', api_token: '{STRICT_TOKEN}'}}")
        done = run_instrumented(
            tmp_path, app, OTEL_CONFIG_FILE=str(path), OTEL_PYTHON_DISTRO="dynatrace", DT_OTLP_LOGS_LEVEL="INFO"
        )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert (server.errors, server.stored) == ([], ["before", "after"])


@pytest.mark.slow
def test_the_resource_detector_reads_dynatraces_files(tmp_path: Path) -> None:
    # OneAgent's virtual file: its one line is the path of the file that has the attributes.
    (tmp_path / "real.json").write_text(json.dumps({"dt.entity.host": "HOST-0123456789ABCDEF"}))
    virtual = tmp_path / "dt_metadata_e617c525669e072eebe3d0f08212e8f2.json"
    virtual.write_text(str(tmp_path / "real.json"))
    with strict_server() as server:
        done = run_instrumented(tmp_path, APP, **environment(server, EXAMPLE))
    assert done.returncode == 0, done.stderr
    ((_, resource),) = server.records()
    assert resource["dt.entity.host"] == "HOST-0123456789ABCDEF"


@pytest.mark.slow
def test_records_carry_the_trace_of_the_same_file(tmp_path: Path) -> None:
    with strict_server() as server:
        path = file_with(tmp_path, "dynatrace:", more=SPANS_TO_THE_CONSOLE)
        done = run_instrumented(tmp_path, APP, **environment(server, path))
    assert done.returncode == 0, done.stderr
    ((record, _),) = server.records()
    assert record.trace_id.hex() == done.stdout.splitlines()[0]
    assert f'"trace_id": "0x{record.trace_id.hex()}"' in done.stdout


@pytest.mark.parametrize("exporter", ["dynatrace:", "dynatrace: {}", "dynatrace: null"])
def test_a_name_alone_takes_its_settings_from_the_environment(
    exporter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with strict_server() as server:
        monkeypatch.setenv("DT_ENDPOINT", server.url)
        monkeypatch.setenv("DT_API_TOKEN", STRICT_TOKEN)
        provider = provider_of(file_with(tmp_path, exporter))
        provider.get_logger("app").emit(body="hello")
        provider.shutdown()
    assert (server.errors, server.stored) == ([], ["hello"])
    assert {request.path for request in server.requests} == {"/api/v2/otlp/v1/logs"}


@pytest.mark.slow
def test_dynatrace_json_is_json_ingest_alone(tmp_path: Path) -> None:
    with strict_server() as server:
        path = file_with(tmp_path, "dynatrace_json:\n  endpoint: ${DT_ENDPOINT}\n  api_token: ${DT_API_TOKEN}")
        done = run_instrumented(tmp_path, APP, **environment(server, path))
    assert done.returncode == 0, done.stderr
    assert (server.errors, server.stored) == ([], ["hello"])
    assert {request.path for request in server.requests} == {"/api/v2/logs/ingest"}


def test_settings_are_yamls_texts_numbers_booleans_lists_and_mappings(tmp_path: Path) -> None:
    with strict_server() as server:
        provider = provider_of(
            file_with(
                tmp_path,
                f"""
                dynatrace:
                  endpoint: [{server.url}]
                  api_token: {STRICT_TOKEN}
                  timeout_seconds: 2.5
                  probe_seconds: 30
                  shutdown_timeout_seconds: 5s
                  max_request_bytes: 100000
                  queue_max_bytes: 64MB
                  queue_full: drop_newest
                  enrich: false
                  allow_http: true
                  structure: null
                  redact: ["secret-[0-9]+", "hidden"]
                  headers: {{x-team: shop}}
                """,
                processor="simple",
            )
        )
        provider.get_logger("app").emit(body="a secret-42 that is hidden")
        provider.shutdown()
    assert server.errors == []
    assert server.stored == ["a *** that is ***"]
    assert server.requests[0].headers["x-team"] == "shop"


def test_a_variable_that_is_not_set_leaves_the_setting_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with strict_server() as server:
        monkeypatch.setenv("DT_ENDPOINT", server.url)
        monkeypatch.setenv("DT_API_TOKEN", STRICT_TOKEN)
        exporter = "dynatrace:\n  endpoint: ${NOT_SET_ANYWHERE:-}\n  api_token: ${NOT_SET_EITHER:-}"
        provider = provider_of(file_with(tmp_path, exporter))
        provider.get_logger("app").emit(body="hello")
        provider.shutdown()
    assert server.stored == ["hello"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("exporter", "said"),
    [
        (
            "dynatrace: {endpoint: 'ftp://nowhere', api_token: '${DT_API_TOKEN}', stale: maybe}",
            ["endpoint is 'ftp://nowhere' (from OTEL_CONFIG_FILE)", "stale is 'maybe' (from OTEL_CONFIG_FILE)"],
        ),
        ("dynatrace: {endpont: abc12345}", ["endpont is not a setting", "did you mean endpoint?"]),
        ("dynatrace: {endpoint: abc12345, api_token: ''}", ["api_token is ", "(from OTEL_CONFIG_FILE)"]),
        ("dynatrace: {endpoint: abc12345, timeout_seconds: [1]}", ["timeout_seconds", "(from OTEL_CONFIG_FILE)"]),
    ],
)
def test_wrong_settings_are_one_line_and_app_and_traces_run_on(exporter: str, said: list[str], tmp_path: Path) -> None:
    path = file_with(tmp_path, exporter, more=SPANS_TO_THE_CONSOLE)
    done = run_instrumented(tmp_path, APP, OTEL_CONFIG_FILE=str(path), DT_API_TOKEN=STRICT_TOKEN)
    assert done.returncode == 0
    assert done.stderr.count("Traceback") == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "No log record is exported" in line]
    for part in said:
        assert part in line
    assert '"name": "work"' in done.stdout, "the span was exported"
    assert "T" * 64 not in done.stdout + done.stderr


def test_a_file_loaded_in_code_raises_for_wrong_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ftp://nowhere"):
        provider_of(file_with(tmp_path, "dynatrace: {endpoint: 'ftp://nowhere'}"))


@pytest.mark.slow
def test_a_file_that_switches_everything_off_exports_nothing_and_says_nothing(tmp_path: Path) -> None:
    path = file_with(tmp_path, "dynatrace: {endpoint: 'ftp://nowhere'}", more="disabled: true")
    done = run_instrumented(tmp_path, APP, OTEL_CONFIG_FILE=str(path))
    assert done.returncode == 0
    assert "dt-otlp-logs" not in done.stderr


@pytest.mark.slow
def test_several_exporters_in_one_file_get_every_record(tmp_path: Path) -> None:
    path = tmp_path / "otel.yaml"
    with strict_server() as server, otlp_receiver() as collector:
        path.write_text(
            textwrap.dedent(
                f"""
                file_format: "1.0"
                resource: {{attributes: [{{name: service.name, value: checkout}}]}}
                logger_provider:
                  processors:
                    - batch: {{exporter: {{dynatrace: {{}}}}}}
                    - batch: {{exporter: {{otlp_http: {{endpoint: "{collector.url}/v1/logs"}}}}}}
                    - simple: {{exporter: {{console: {{}}}}}}
                """
            )
        )
        done = run_instrumented(tmp_path, APP, **environment(server, path))
    assert done.returncode == 0, done.stderr
    assert (server.errors, server.stored, collector.contents) == ([], ["hello"], ["hello"])
    assert '"body": "hello"' in done.stdout
    assert [resource["service.name"] for _, resource in server.records()] == ["checkout"]


LOGGING_APP = """
    import logging, logging.config
    import yaml

    with open({path!r}) as file:
        logging.config.dictConfig(yaml.safe_load(file))
    logging.getLogger("app").info("from the application")
    logging.getLogger("app").debug("not this")
    logging.getLogger("uvicorn.access").info("from a logger that does not propagate")
"""


@pytest.mark.slow
def test_the_example_for_pythons_own_logging_brings_records_to_dynatrace_and_the_console(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(LOGGING_APP.format(path=str(EXAMPLE.parent / "logging.yaml"))))
    with strict_server() as server:
        done = subprocess.run(
            [sys.executable, "app.py"],
            env={**os.environ, "DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN, "OTEL_SERVICE_NAME": "shop"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    contents = ["from the application", "from a logger that does not propagate"]
    assert (server.errors, server.stored) == ([], contents)
    assert {resource["service.name"] for _, resource in server.records()} == {"shop"}
    assert [line.partition(": ")[2] for line in done.stderr.splitlines()] == contents
