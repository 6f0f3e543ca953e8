"""`dt-otlp-logs status` and `python -m dt_otlp_logs`: active or not, and the reason in words a person can act on."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dt_otlp_logs.cli.status_installed import Installed
from dt_otlp_logs.cli.status_process import Process
from dt_otlp_logs.cli.status_report import Report, assemble

TOKEN = "dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX.HUNTER2HUNTER2"
CONFIGURED = {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": TOKEN, "OTEL_SERVICE_NAME": "checkout"}
NO_TRACES = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
BY_VARIABLES = {**CONFIGURED, **NO_TRACES, "OTEL_LOGS_EXPORTER": "dynatrace"}
BY_DISTRO = {**CONFIGURED, "OTEL_PYTHON_DISTRO": "dynatrace"}

OURS = EntryPoint("dynatrace", "dt_otlp_logs.distro:dynatrace_distro", "opentelemetry_distro")
OPENTELEMETRYS = EntryPoint("distro", "opentelemetry.distro:OpenTelemetryDistro", "opentelemetry_distro")
CONFIGURATOR = EntryPoint(
    "configurator", "opentelemetry.distro:OpenTelemetryConfigurator", "opentelemetry_configurator"
)

EVERYTHING = Installed(
    versions={
        "opentelemetry-sdk": "1.45.1",
        "opentelemetry-instrumentation": "0.66b1",
        "opentelemetry-distro": "0.66b1",
        "opentelemetry-instrumentation-logging": "0.66b1",
    },
    distros=(OURS, OPENTELEMETRYS),
    configurators=(CONFIGURATOR,),
    exporters={
        "LOGS": frozenset({"dynatrace", "dynatrace_json", "console", "otlp_proto_http"}),
        "TRACES": frozenset({"console", "otlp_proto_http"}),
        "METRICS": frozenset({"console", "otlp_proto_http"}),
    },
)
PLAIN = Process(
    sitecustomize="",
    python_path=(),
    provider=None,
    exporter=None,
    attached=(),
    root_level=logging.WARNING,
    set_by_distro={},
)
DIRECTORY = "/otel/opentelemetry/instrumentation/auto_instrumentation"
INSTRUMENTED = replace(PLAIN, sitecustomize=f"{DIRECTORY}/sitecustomize.py", python_path=(DIRECTORY,))


def without(*packages: str) -> Installed:
    left = {name: version for name, version in EVERYTHING.versions.items() if name not in packages}
    distro = "opentelemetry-distro" in left
    return replace(
        EVERYTHING,
        versions=left,
        distros=EVERYTHING.distros if distro else (OURS,),
        configurators=EVERYTHING.configurators if distro else (),
    )


def status(environ: dict[str, str], parts: Installed = EVERYTHING, process: Process = PLAIN) -> Report:
    found = assemble(environ, parts, process)
    assert "HUNTER2" not in json.dumps(found.as_json())
    return found


@pytest.mark.parametrize("environ", [BY_VARIABLES, BY_DISTRO])
def test_where_all_is_set_only_the_start_is_missing(environ: dict[str, str]) -> None:
    found = status(environ)
    assert (found.active, found.exit_status, found.problems) == (False, 1, [])
    (reason,) = found.obstacles
    assert "not started by opentelemetry-instrument" in reason


@pytest.mark.parametrize(
    ("parts", "change", "says"),
    [
        (EVERYTHING, {"OTEL_SDK_DISABLED": "true"}, "OTEL_SDK_DISABLED=true switches all of OpenTelemetry off"),
        (EVERYTHING, {"OTEL_LOGS_EXPORTER": ""}, "OTEL_LOGS_EXPORTER is not set: set OTEL_LOGS_EXPORTER=dynatrace"),
        (EVERYTHING, {"OTEL_LOGS_EXPORTER": "console"}, "OTEL_LOGS_EXPORTER is 'console': set"),
        (EVERYTHING, {"OTEL_TRACES_EXPORTER": "otlp"}, "OTEL_TRACES_EXPORTER is 'otlp' over 'grpc', which is not"),
        (EVERYTHING, {"OTEL_METRICS_EXPORTER": "nonsense"}, "OTEL_METRICS_EXPORTER is 'nonsense', which is not"),
        (EVERYTHING, {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask, logging"}, "switches off the instrumentation"),
        (EVERYTHING, {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}, "switches off the instrumentation of logging"),
        (EVERYTHING, {"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "false"}, "switches off the handler"),
        (EVERYTHING, {"OTEL_PYTHON_CONFIGURATOR": "none"}, "no configurator is called 'none'"),
        (EVERYTHING, {"OTEL_CONFIG_FILE": "otel.yaml"}, "OTEL_CONFIG_FILE needs a package that is not installed"),
        (without("opentelemetry-instrumentation"), {}, "opentelemetry-instrument is not installed"),
        (without("opentelemetry-distro"), {}, "opentelemetry-distro is not installed, so nothing sets up an exporter"),
        (
            without("opentelemetry-instrumentation-logging"),
            {},
            "opentelemetry-instrumentation-logging is not installed",
        ),
    ],
)
def test_each_obstacle_is_named_once(parts: Installed, change: dict[str, str], says: str) -> None:
    reason, start = status(BY_VARIABLES | change, parts).obstacles
    assert says in reason
    assert "not started by" in start


@pytest.mark.parametrize(
    ("parts", "change"),
    [
        (without("opentelemetry-distro"), {}),
        (without("opentelemetry-instrumentation-logging"), {}),
        (EVERYTHING, {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}),
        (EVERYTHING, {"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "false"}),
        (EVERYTHING, {"OTEL_PYTHON_CONFIGURATOR": "none"}),
        (EVERYTHING, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}),
    ],
)
def test_what_is_no_obstacle_for_our_distro_is_not_named(parts: Installed, change: dict[str, str]) -> None:
    assert len(status(BY_DISTRO | change, parts).obstacles) == 1


@pytest.mark.parametrize(
    ("value", "distros", "says"),
    [
        (None, (OURS, OPENTELEMETRYS), "opentelemetry-distro: the first one found, as OTEL_PYTHON_DISTRO is not set"),
        (None, (OURS,), "none: no distro is installed"),
        ("dynatrace", (OPENTELEMETRYS, OURS), "dynatrace: OTEL_PYTHON_DISTRO names it"),
        ("distro", (OURS, OPENTELEMETRYS), "opentelemetry-distro: OTEL_PYTHON_DISTRO names it"),
        ("aws", (OURS, OPENTELEMETRYS), "none: no distro is called 'aws'"),
    ],
)
def test_it_says_which_distro_is_loaded_and_why(value: str | None, distros: tuple[EntryPoint, ...], says: str) -> None:
    environ = BY_VARIABLES | ({} if value is None else {"OTEL_PYTHON_DISTRO": value})
    found = status(environ, replace(EVERYTHING, distros=distros))
    assert dict(found.rows)["distro"] == says
    assert any("no distro is called" in remark for remark in found.remarks) == (value == "aws")


def test_what_a_distro_sets_is_told_from_what_the_user_set() -> None:
    rows = dict(status(BY_DISTRO | {"OTEL_TRACES_EXPORTER": "console"}).rows)
    assert rows["logs exporter"] == "dynatrace (set by the distro)"
    assert rows["traces exporter"] == "console (OTEL_TRACES_EXPORTER)"
    assert rows["metrics exporter"] == "none (set by the distro)"
    rows = dict(status(CONFIGURED).rows)
    assert rows["logs exporter"] == "otlp (set by the distro)"


def test_opentelemetry_distros_defaults_need_a_package_and_so_nothing_starts() -> None:
    """As `pip install opentelemetry-distro` has it: `otlp` for all, over gRPC, which is a package of its own."""
    found = status({**CONFIGURED, "OTEL_LOGS_EXPORTER": "dynatrace"})
    traces, metrics, _ = found.obstacles
    assert "OTEL_TRACES_EXPORTER is not set, and opentelemetry-distro makes it 'otlp' over 'grpc'" in traces
    assert "set OTEL_METRICS_EXPORTER=none" in metrics


def test_traces_that_go_to_this_machine_are_worth_knowing() -> None:
    over_http = BY_VARIABLES | {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    (remark,) = status(over_http).remarks
    assert remark.startswith("traces go to a collector on this machine")
    assert status(over_http | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}).remarks == []


def test_a_wrong_configuration_is_told_with_every_problem() -> None:
    found = status(BY_VARIABLES | {"DT_ENDPOINT": "ftp://x", "DT_OTLP_LOGS_LIMITS": "\x1b[31m"})
    assert found.exit_status == 2
    assert [problem.partition(" is ")[0] for problem in found.problems] == ["endpoint", "limits"]
    assert "\x1b" not in json.dumps(found.as_json())


@pytest.mark.parametrize(
    ("process", "says"),
    [
        (PLAIN, "was not started by opentelemetry-instrument, nor does PYTHONPATH name its directory"),
        (replace(PLAIN, python_path=("/apm", DIRECTORY), sitecustomize="/apm/sitecustomize.py"), "has to come first"),
        (replace(PLAIN, python_path=(DIRECTORY,)), "nothing there was run: it is gone, or Python was started with -E"),
        (INSTRUMENTED, "OpenTelemetry has not started"),
    ],
)
def test_it_says_why_a_process_is_not_instrumented(process: Process, says: str) -> None:
    (reason,) = status(BY_VARIABLES, process=process).obstacles
    assert says in reason


def test_a_level_that_nobody_reads_is_worth_knowing() -> None:
    (remark,) = status(BY_VARIABLES | {"DT_OTLP_LOGS_LEVEL": "INFO"}).remarks
    assert "it does nothing here" in remark
    assert status(BY_DISTRO | {"DT_OTLP_LOGS_LEVEL": "INFO"}).remarks == []


def test_without_a_service_name_it_says_so() -> None:
    assert status(BY_VARIABLES | {"OTEL_SERVICE_NAME": ""}).remarks == [
        "the service has no name: set OTEL_SERVICE_NAME"
    ]


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*command], env={**os.environ, **environ}, capture_output=True, text=True, timeout=90, check=False
    )
    assert "HUNTER2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


INSTRUMENT = str(Path(sys.executable).parent / "opentelemetry-instrument")
STATUS = (sys.executable, "-m", "dt_otlp_logs")


@pytest.mark.slow
def test_from_outside_the_first_line_says_that_it_is_not_active() -> None:
    done = run(*STATUS, **BY_DISTRO)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "Zero-code export is not active:"
    assert "opentelemetry-instrument python -m dt_otlp_logs" in done.stdout
    assert "token             dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX.***" in lines
    assert run(*STATUS, "status", **BY_DISTRO).stdout == done.stdout
    assert run(str(Path(sys.executable).parent / "dt-otlp-logs"), "status", **BY_DISTRO).stdout == done.stdout


@pytest.mark.slow
def test_a_configuration_file_that_is_wrong_is_said_and_no_success(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.configuration", reason="opentelemetry-configuration is not installed")
    file = tmp_path / "otel.yaml"
    file.write_text(
        'file_format: "1.0"\nlogger_provider: {processors: [{batch: {exporter: {dynatrace: {timeout_secnds: 5}}}}]}\n'
    )
    done = run(INSTRUMENT, *STATUS, **BY_DISTRO, OTEL_CONFIG_FILE=str(file))
    assert done.returncode == 2
    assert "Zero-code export is not active" in done.stdout
    assert "the configuration of the exporter is wrong" in done.stdout


def test_nothing_set_is_a_wrong_configuration() -> None:
    assert run(*STATUS).returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environ", "handler"),
    [
        (BY_DISTRO, "dt_otlp_logs.DynatraceLoggingHandler"),
        (BY_VARIABLES, "opentelemetry.instrumentation.logging.handler.LoggingHandler"),
    ],
)
def test_from_inside_it_shows_what_is_there(environ: dict[str, str], handler: str) -> None:
    done = run(INSTRUMENT, *STATUS, "status", "--json", **environ)
    report = json.loads(done.stdout)
    assert (done.returncode, report["active"], report["obstacles"]) == (0, True, [])
    found = [(row["what"], row["is"]) for row in report["found"]]
    rows = dict(found)
    assert rows["this process"].startswith("instrumented (")
    assert ("handler", f"{handler} on the logger root, level NOTSET") in found
    assert rows["root logger"] == "level WARNING"
    assert rows["service.name"] == "checkout"
    assert rows["records"] == "accepted 0, delivered 0, queued 0, rejected 0, dropped 0"
    assert ("sends to", "https://abc12345.live.dynatrace.com/api/v2/otlp/v1/logs (otlp)") in found
    assert any("lets WARNING and above through" in remark for remark in report["remarks"])


@pytest.mark.slow
def test_from_inside_an_open_level_needs_no_remark() -> None:
    done = run(INSTRUMENT, *STATUS, **BY_DISTRO, DT_OTLP_LOGS_LEVEL="INFO")
    assert done.returncode == 0
    assert done.stdout.startswith("Zero-code export is active:")
    assert "worth knowing" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, 1, "OTEL_SDK_DISABLED=true"),
        ({"OTEL_LOGS_EXPORTER": "console"}, 1, "OTEL_LOGS_EXPORTER is 'console'"),
        ({"DT_API_TOKEN": ""}, 2, "api_token is not set"),
    ],
)
def test_from_inside_it_says_why_nothing_is_delivered(change: dict[str, str], status: int, says: str) -> None:
    done = run(INSTRUMENT, *STATUS, **BY_DISTRO | change)
    assert done.returncode == status
    first, reason, *_ = done.stdout.splitlines()
    assert first == "Zero-code export is not active:"
    assert says in reason


@pytest.mark.slow
def test_from_inside_a_configuration_file_counts_for_what_it_says(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.configuration", reason="opentelemetry-configuration is not installed")
    file = tmp_path / "otel.yaml"
    file.write_text(
        'file_format: "1.0"\n'
        "logger_provider: {processors: [{batch: {exporter: {dynatrace: "
        f"{{endpoint: xyz98765, api_token: {TOKEN}}}}}}}}}]}}\n"
    )
    done = run(INSTRUMENT, *STATUS, OTEL_PYTHON_DISTRO="dynatrace", OTEL_CONFIG_FILE=str(file))
    assert done.returncode == 0, done.stdout
    assert "https://xyz98765.live.dynatrace.com/api/v2/otlp/v1/logs" in done.stdout
    assert "configuration     that of OTEL_CONFIG_FILE" in done.stdout
    assert "OTEL_CONFIG_FILE is set: the file says what is exported" in done.stdout
