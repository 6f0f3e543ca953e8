"""The distro `dynatrace`: there when it is selected, as good as not installed when it is not."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

import dt_otlp_logs
from doubles.strict_server import STRICT_TOKEN, strict_server
from dt_otlp_logs import distro
from dt_otlp_logs.distro_defaults import missing_variables

OPENTELEMETRYS = EntryPoint(
    "configurator", "opentelemetry.distro:OpenTelemetryConfigurator", "opentelemetry_configurator"
)
ANOTHERS = EntryPoint("another", "another.distro:Configurator", "opentelemetry_configurator")

WHICH = """
    from opentelemetry.instrumentation.auto_instrumentation._load import _load_distro
    print(type(_load_distro()).__name__)
"""


def run(app: str, *python_path: Path, **environment: str) -> str:
    """What the program says, with these directories in front of everything that is installed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(app)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in python_path), **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def another_distro(directory: Path, name: str) -> Path:
    """A directory with an installed distro in it."""
    metadata = directory / f"{name}_distro-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-distro\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[opentelemetry_distro]\n{name} = {name}_distro:Distro\n")
    (directory / f"{name}_distro.py").write_text(
        "from opentelemetry.instrumentation.distro import BaseDistro\n"
        "class Distro(BaseDistro):\n"
        "    def _configure(self, **_): pass\n"
        f"Distro.__name__ = {name!r}\n"
    )
    return directory


def without(directory: Path, *distributions: str) -> Path:
    """A copy of what is installed here but for these, by links: what OpenTelemetry then finds, and imports, is less."""
    directory.mkdir()
    for source in {Path(package.__path__[0]).parent for package in (dt_otlp_logs, pytest)}:
        for entry in source.iterdir():
            if not entry.name.startswith(tuple(f"{name}-" for name in distributions)):
                (directory / entry.name).symlink_to(entry)
    return directory


@pytest.fixture
def run_without(tmp_path: Path) -> Callable[..., str]:
    """Run with the interpreter below the virtual environment, which sees only what is linked."""

    def run_without(distribution: str, app: str, *further: Path, **environment: str) -> str:
        paths = [without(tmp_path / "site", distribution), *further]
        python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        done = subprocess.run(
            [str(python), "-S", "-c", textwrap.dedent(app)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in paths), **environment},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip()

    return run_without


def test_the_entry_points_are_those_that_opentelemetry_asks_for() -> None:
    distros = {point.name: point for point in entry_points(group="opentelemetry_distro")}
    assert distros["dynatrace"].load() is distro.dynatrace_distro
    hooks = {point.name: point for point in entry_points(group="opentelemetry_post_instrument")}
    assert hooks["dynatrace"].load() is distro.attach_handler


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"OTEL_PYTHON_DISTRO": "dynatrace"}, "DynatraceDistro"),
        ({}, "OpenTelemetryDistro"),
        ({"OTEL_PYTHON_DISTRO": "distro"}, "OpenTelemetryDistro"),
        ({"OTEL_PYTHON_DISTRO": ""}, "DefaultDistro"),
        ({"OTEL_PYTHON_DISTRO": "none of these"}, "DefaultDistro"),
    ],
)
def test_it_is_loaded_when_it_is_named_and_only_then(environment: dict[str, str], name: str) -> None:
    assert run(WHICH, **environment) == name


@pytest.mark.slow
@pytest.mark.parametrize("order", [["aaa", "zzz"], ["zzz", "aaa"]])
def test_without_a_name_the_first_of_the_others_is_loaded(tmp_path: Path, order: list[str]) -> None:
    directories = [another_distro(tmp_path / name, name) for name in order]
    assert run(WHICH, *directories) == order[0]


@pytest.mark.slow
def test_found_first_of_all_it_leaves_the_place_to_the_next(run_without: Callable[..., str], tmp_path: Path) -> None:
    assert run_without("opentelemetry_distro", WHICH, another_distro(tmp_path / "other", "other")) == "other"


@pytest.mark.slow
def test_another_distro_is_loaded_by_its_name(tmp_path: Path) -> None:
    assert run(WHICH, another_distro(tmp_path, "other"), OTEL_PYTHON_DISTRO="other") == "other"


@pytest.mark.slow
def test_where_no_other_distro_is_installed_opentelemetrys_default_is_loaded(run_without: Callable[..., str]) -> None:
    assert run_without("opentelemetry_distro", WHICH) == "DefaultDistro"


@pytest.mark.slow
def test_where_no_other_distro_is_installed_it_is_loaded_by_its_name(run_without: Callable[..., str]) -> None:
    assert run_without("opentelemetry_distro", WHICH, OTEL_PYTHON_DISTRO="dynatrace") == "DynatraceDistro"


@pytest.mark.slow
def test_without_opentelemetrys_distro_it_sets_up_the_export_of_logs_itself(run_without: Callable[..., str]) -> None:
    app = """
        from opentelemetry.instrumentation.auto_instrumentation import initialize
        initialize()
        import logging
        logging.lastResort = None
        logging.getLogger("app").warning("hello")
        from dt_otlp_logs.__main__ import main
        print(main(["status"]))
    """
    with strict_server() as server:
        settings = {"DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN, "OTEL_SERVICE_NAME": "checkout"}
        said = run_without("opentelemetry_distro", app, OTEL_PYTHON_DISTRO="dynatrace", **settings)
    assert (server.errors, server.stored) == ([], ["hello"])
    assert [resource["service.name"] for _, resource in server.records()] == ["checkout"]
    assert said.startswith("Zero-code export is active:")
    assert said.endswith("\n0")


@pytest.mark.slow
def test_not_selected_it_imports_nothing_and_sets_nothing() -> None:
    app = """
        import os, sys
        before = dict(os.environ)
        from dt_otlp_logs.distro import attach_handler, dynatrace_distro
        assert dynatrace_distro() is None
        attach_handler()
        assert dict(os.environ) == before
        print(*sorted(name for name in sys.modules if name.startswith(("dt_otlp_logs", "opentelemetry"))))
    """
    assert run(app) == "dt_otlp_logs dt_otlp_logs.distro"


def variables(*configurators: EntryPoint, **environ: str) -> dict[str, str]:
    return missing_variables({"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel", **environ}, configurators)


# What Dynatrace advises for a batch of logs: 1,800 to 2,000 (docs.dynatrace.com, Collector: batch use case).
DEFAULTS = {
    "OTEL_LOGS_EXPORTER": "dynatrace",
    "OTEL_TRACES_EXPORTER": "none",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_BLRP_MAX_QUEUE_SIZE": "16384",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "2000",
    "OTEL_BLRP_SCHEDULE_DELAY": "1000",
    # As many attributes as Grail keeps of a record (docs.dynatrace.com, Log Management limits).
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "500",
    # uvicorn ends itself by the signal that stopped it, past Python's own exit.
    "DT_OTLP_LOGS_FLUSH_ON_SIGTERM": "true",
}


def test_what_is_set_where_nothing_is_set() -> None:
    assert variables() == DEFAULTS


def test_a_limit_on_all_attributes_holds_for_records() -> None:
    assert "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT" not in variables(OTEL_ATTRIBUTE_COUNT_LIMIT="64")


def test_an_empty_variable_counts_as_unset() -> None:
    assert variables(OTEL_LOGS_EXPORTER="", OTEL_BLRP_SCHEDULE_DELAY=" ") == DEFAULTS


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_the_user_has_set_stays(name: str) -> None:
    assert name not in variables(**{name: "1"})


@pytest.mark.parametrize(
    ("queue", "batch", "expected"),
    [
        ("500", None, {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "500"}),
        ("4000", None, {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "2000"}),
        (None, "100", {"OTEL_BLRP_MAX_QUEUE_SIZE": "16384"}),
        (None, "20000", {"OTEL_BLRP_MAX_QUEUE_SIZE": "20000"}),
        ("nonsense", None, {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "2000"}),
        ("500", "100", {}),
    ],
)
def test_the_sizes_fit_each_other_since_the_sdk_refuses_a_batch_larger_than_the_queue(
    queue: str | None, batch: str | None, expected: dict[str, str]
) -> None:
    given = {"OTEL_BLRP_MAX_QUEUE_SIZE": queue, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": batch}
    found = variables(**{name: value for name, value in given.items() if value is not None})
    assert {name: value for name, value in found.items() if name in given} == expected


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, "otlp", "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, "otlp", "none"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector:4318/v1/metrics"}, "none", "otlp"),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://collector:4318/v1/logs"}, "none", "none"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, "none", "none"),
    ],
)
def test_traces_and_metrics_go_only_where_an_endpoint_is_named(
    environ: dict[str, str], traces: str, metrics: str
) -> None:
    found = variables(**environ)
    assert (found["OTEL_TRACES_EXPORTER"], found["OTEL_METRICS_EXPORTER"]) == (traces, metrics)
    to_otlp = "otlp" in (traces, metrics)
    assert found.get("OTEL_EXPORTER_OTLP_PROTOCOL") == ("http/protobuf" if to_otlp else None)


def test_otlp_that_the_user_chose_is_http_too_unless_a_protocol_is_set() -> None:
    assert variables(OTEL_TRACES_EXPORTER="console,otlp")["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" not in variables(OTEL_TRACES_EXPORTER="otlp_proto_grpc")
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" not in variables(
        OTEL_TRACES_EXPORTER="otlp", OTEL_EXPORTER_OTLP_PROTOCOL="grpc"
    )


def test_resource_detectors_are_set_unless_the_user_did() -> None:
    assert "dynatrace" in missing_variables({}, ())["OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"].split(",")
    assert "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS" not in variables()


def test_of_several_configurators_opentelemetrys_own_is_chosen() -> None:
    assert variables(ANOTHERS, OPENTELEMETRYS) == {**DEFAULTS, "OTEL_PYTHON_CONFIGURATOR": "configurator"}
    for configurators in ([], [OPENTELEMETRYS], [ANOTHERS]):
        assert variables(*configurators) == DEFAULTS
    chosen = {"OTEL_PYTHON_CONFIGURATOR": "another"}
    assert "OTEL_PYTHON_CONFIGURATOR" not in variables(ANOTHERS, OPENTELEMETRYS, **chosen)


def test_a_configuration_file_rules() -> None:
    assert variables(OPENTELEMETRYS, OTEL_CONFIG_FILE="otel.yaml") == {"DT_OTLP_LOGS_FLUSH_ON_SIGTERM": "true"}


@pytest.mark.parametrize("value", ["true", " TRUE "])
def test_where_opentelemetry_is_switched_off_nothing_is_set(value: str) -> None:
    assert variables(ANOTHERS, OPENTELEMETRYS, OTEL_SDK_DISABLED=value) == {}


def test_a_fault_in_the_hook_is_one_line_and_not_the_applications(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DISTRO", "dynatrace")
    monkeypatch.setitem(sys.modules, "dt_otlp_logs.zero_code", None)  # importing it raises
    distro.attach_handler()
    assert "The logging handler was not attached: ModuleNotFoundError" in capsys.readouterr().err
