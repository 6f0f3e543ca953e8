"""Which of OpenTelemetry's parts are installed."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version

from dt_otlp_logs.distro_defaults import SIGNALS, Signal

PACKAGES = (
    "dt-otlp-logs",
    "opentelemetry-api",
    "opentelemetry-sdk",
    "opentelemetry-instrumentation",
    "opentelemetry-distro",
    "opentelemetry-instrumentation-logging",
    "opentelemetry-configuration",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What OpenTelemetry can find; entry points in the order in which it finds them."""

    versions: Mapping[str, str]
    """Of those of `PACKAGES` that are there."""
    distros: tuple[EntryPoint, ...]
    configurators: tuple[EntryPoint, ...]
    exporters: Mapping[Signal, frozenset[str]]


def installed() -> Installed:
    """What this interpreter has."""
    return Installed(
        versions={name: found for name in PACKAGES if (found := _version(name))},
        distros=tuple(entry_points(group="opentelemetry_distro")),
        configurators=tuple(entry_points(group="opentelemetry_configurator")),
        exporters={signal: _names(f"opentelemetry_{signal.lower()}_exporter") for signal in SIGNALS},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _names(group: str) -> frozenset[str]:
    return frozenset(point.name for point in entry_points(group=group))
