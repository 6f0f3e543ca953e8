"""Who is logging: the `dynatrace` resource detector and the ones beside it, as the SDK loads them."""

import json
import logging
import os
import subprocess
import sys
from importlib.metadata import distributions, entry_points
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs import DynatraceResourceDetector
from dt_otlp_logs.detector import detected_resource, detector_names, installed_detectors

VARIABLE = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
INSTALLED = ("containerid", "dynatrace", "host", "os", "otel", "process", "service_instance")
VIRTUAL_FILE = "dt_metadata_e617c525669e072eebe3d0f08212e8f2.json"


@pytest.fixture
def metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A process in which OneAgent answers: the file of its name stands for the virtual one."""
    attributes = {"dt.entity.host": "HOST-1", "host.name": "node-1"}
    (tmp_path / "1234").write_text(json.dumps(attributes))
    (tmp_path / VIRTUAL_FILE).write_text(str(tmp_path / "1234"))
    monkeypatch.chdir(tmp_path)
    return attributes


def names(environ: dict[str, str], *paths: str, installed: tuple[str, ...] = INSTALLED) -> list[str]:
    return detector_names(environ, installed, lambda path: path in paths).split(",")


def test_the_detector_gives_what_the_files_say(metadata: dict[str, str]) -> None:
    assert dict(DynatraceResourceDetector().detect().attributes) == metadata


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"/nowhere", b"[" * 100_000, b"{}"])
def test_the_detector_never_raises(content: bytes, metadata: dict[str, str]) -> None:
    Path(VIRTUAL_FILE).write_bytes(content)
    assert dict(DynatraceResourceDetector(raise_on_error=True).detect().attributes) == {}


def test_the_sdk_finds_the_detector_by_its_name(metadata: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "dynatrace")
    assert metadata.items() <= dict(Resource.create({"service.name": "checkout"}).attributes).items()


def test_on_a_host_no_container_is_looked_for() -> None:
    assert names({}) == ["process", "host", "os", "dynatrace"]


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, "/.dockerenv"),
        ({}, "/run/.containerenv"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ""),
        ({"container": "podman"}, ""),
        ({"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x"}, ""),
    ],
)
def test_in_a_container_its_id_is_looked_for_if_the_package_is_there(environ: dict[str, str], path: str) -> None:
    assert names(environ, path) == ["process", "host", "os", "containerid", "dynatrace"]
    without = tuple(name for name in INSTALLED if name != "containerid")
    assert names(environ, path, installed=without) == ["process", "host", "os", "dynatrace"]


def test_what_the_user_named_is_left_as_it_is() -> None:
    assert detector_names({VARIABLE: " process,my_own "}) == "process,my_own"
    assert names({VARIABLE: " "}) == names({})


@pytest.mark.parametrize(
    ("switch", "there"), [("false", False), ("0", False), ("true", True), ("", True), ("perhaps", True)]
)
def test_without_enrichment_dynatraces_files_are_left_out(switch: str, there: bool) -> None:
    assert ("dynatrace" in names({"DT_OTLP_LOGS_ENRICH": switch})) is there


def test_the_names_are_those_of_the_packages() -> None:
    assert set(names({})) | {"otel", "service_instance"} <= installed_detectors()
    assert installed_detectors() == set(entry_points(group="opentelemetry_resource_detector").names)
    assert set(detector_names({"container": "docker"}).split(",")) <= installed_detectors()
    if "opentelemetry-resource-detector-containerid" in {each.metadata["Name"] for each in distributions()}:
        assert "containerid" in detector_names({"container": "docker"})


def test_by_these_names_the_users_attributes_win_then_dynatraces(
    metadata: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, detector_names(os.environ))
    assert Resource.create().attributes["host.name"] == "node-1"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=mine,process.runtime.name=also")
    attributes = Resource.create({"os.type": "given in code"}).attributes
    assert [attributes[key] for key in ("host.name", "process.runtime.name", "os.type", "dt.entity.host")] == [
        "mine",
        "also",
        "given in code",
        "HOST-1",
    ]


def test_the_detectors_say_nothing_and_cost_no_warning_here(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv(VARIABLE, detector_names({"container": "docker"}))
    Resource.create()
    assert caplog.records == []


def test_our_own_resource_has_them_without_the_variable(metadata: dict[str, str]) -> None:
    found = detected_resource({}, enrich=True).attributes
    assert found["host.name"] == "node-1"
    assert {"process.runtime.name", "host.arch", "os.type", "dt.entity.host"} <= set(found)
    assert VARIABLE not in os.environ
    assert "dt.entity.host" not in detected_resource({}, enrich=False).attributes


def test_where_the_user_named_detectors_dynatraces_files_alone_are_added(metadata: dict[str, str]) -> None:
    assert dict(detected_resource({VARIABLE: "process"}, enrich=True).attributes) == metadata
    assert dict(detected_resource({VARIABLE: "process"}, enrich=False).attributes) == {}


def test_our_own_resource_has_nothing_that_a_fork_makes_untrue() -> None:
    # The SDK asks detectors again after a fork only if the variable names them.
    assert not {"process.pid", "process.parent_pid"} & set(detected_resource({}, enrich=True).attributes)


def test_a_detector_that_raises_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_detector.py").write_text("class Broken:\n    def detect(self):\n        raise ValueError()\n")
    package = tmp_path / "opentelemetry_resource_detector_containerid-99.dist-info"
    package.mkdir()
    package.joinpath("METADATA").write_text("Name: opentelemetry-resource-detector-containerid\nVersion: 99\n")
    package.joinpath("entry_points.txt").write_text(
        "[opentelemetry_resource_detector]\ncontainerid = broken_detector:Broken\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = detected_resource({"container": "docker"}, enrich=True).attributes
    assert "broken_detector" in sys.modules
    assert "container.id" not in found
    assert "os.type" in found


@pytest.mark.parametrize("way", ["Resource.create()", "resource_of(None, None, None)"])
def test_the_command_line_of_the_process_is_not_sent(way: str) -> None:
    script = (
        "import os; from dt_otlp_logs.detector import detector_names; from dt_otlp_logs.wiring import resource_of; "
        "from opentelemetry.sdk.resources import Resource; "
        f"os.environ.update({{{VARIABLE!r}: detector_names(os.environ)}} if {way!r}.startswith('R') else {{}}); "
        f"print({way}.to_json())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--password=hunter2"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "process.runtime.name" in json.loads(done.stdout)["attributes"]
    assert "hunter2" not in done.stdout
