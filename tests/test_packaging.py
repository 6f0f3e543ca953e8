"""The package's own description: extras, entry points, what the wheel holds."""

import re
from importlib.metadata import metadata, requires

from packaging.requirements import Requirement


def names(extra: str) -> set[str]:
    """The packages that an extra brings, extras of our own followed."""
    found = set()
    for text in requires("dt-otlp-logs") or []:
        requirement = Requirement(text)
        if requirement.marker is None or not re.search(rf"extra == ['\"]{extra}['\"]", str(requirement.marker)):
            continue
        if requirement.name == "dt-otlp-logs":
            for inner in requirement.extras:
                found |= names(inner)
        else:
            found.add(requirement.name)
    return found


def test_the_extras_bring_what_their_names_say() -> None:
    assert names("auto") == {"opentelemetry-distro", "opentelemetry-instrumentation-logging"}
    assert names("cli") == {"rich"}
    assert names("emulator") == {"starlette", "uvicorn"}
    assert names("fast") == {"isal", "orjson"}
    assert names("detectors") == {"opentelemetry-resource-detector-containerid"}
    assert names("file") == {"opentelemetry-configuration"}
    assert names("pytest") == names("emulator") | {"pytest"}


def test_all_is_everything_but_the_development_tools() -> None:
    everything = set().union(
        *(names(extra) for extra in ("auto", "cli", "emulator", "fast", "demo", "detectors", "file", "redaction"))
    )
    assert names("all") == everything
    assert {"pytest", "hypothesis", "ruff", "mypy"} <= names("dev") - names("all")


def test_the_instrumented_process_needs_few_packages() -> None:
    needed = {Requirement(text).name for text in requires("dt-otlp-logs") or [] if "extra ==" not in text}
    assert needed == {
        "opentelemetry-api",
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp-proto-http",
        "opentelemetry-proto",
        "protobuf",
        "urllib3",
    }


def test_the_supported_pythons_are_said() -> None:
    assert metadata("dt-otlp-logs")["Requires-Python"] == ">=3.10"
