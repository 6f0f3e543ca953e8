"""What the `dynatrace` distro sets where the user has set nothing: environment in, missing variables out."""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import Literal

from dt_otlp_logs.detector import detector_names
from dt_otlp_logs.processor import MAX_ATTRIBUTES, MAX_EXPORT_BATCH_SIZE, MAX_QUEUE_SIZE, SCHEDULE_DELAY_MILLIS

Signal = Literal["LOGS", "TRACES", "METRICS"]

SIGNALS: tuple[Signal, ...] = ("LOGS", "TRACES", "METRICS")
OUR_EXPORTERS: tuple[Literal["dynatrace", "dynatrace_json"], ...] = ("dynatrace", "dynatrace_json")

_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"


def says(environ: Mapping[str, str], variable: str) -> str:
    """A variable's value; empty counts as unset (OpenTelemetry specification, environment variables)."""
    return environ.get(variable, "").strip()


def is_disabled(environ: Mapping[str, str]) -> bool:
    """Whether all of OpenTelemetry is switched off."""
    return says(environ, "OTEL_SDK_DISABLED").lower() == "true"


def exporters(environ: Mapping[str, str], signal: Signal) -> tuple[str, ...]:
    """The exporters that `OTEL_LOGS_EXPORTER` names, or its like for another signal."""
    names = (name.strip() for name in says(environ, f"OTEL_{signal}_EXPORTER").split(","))
    return tuple(name for name in names if name and name.lower() != "none")


def missing_variables(environ: Mapping[str, str], configurators: Iterable[EntryPoint]) -> dict[str, str]:
    """The variables to set: logs to Dynatrace; traces and metrics as the user wants them, else nowhere.

    Nothing with `OTEL_SDK_DISABLED=true`. With `OTEL_CONFIG_FILE` the file says all, and may refer to variables that
    are not ours to fill. `configurators` are those installed.
    """
    if is_disabled(environ):
        return {}
    # Servers such as uvicorn end by the signal that stopped them, and not by Python's own exit.
    wanted = {**_configurator(configurators), "DT_OTLP_LOGS_FLUSH_ON_SIGTERM": "true"}
    if not says(environ, "OTEL_CONFIG_FILE"):
        wanted |= {
            "OTEL_LOGS_EXPORTER": "dynatrace",
            "OTEL_TRACES_EXPORTER": _exporter(environ, "TRACES"),
            "OTEL_METRICS_EXPORTER": _exporter(environ, "METRICS"),
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": detector_names(environ),
            **_batching(environ),
            **_attribute_count(environ),
        }
    missing = {name: value for name, value in wanted.items() if not says(environ, name)}
    return missing | _protocol({**environ, **missing})


def _configurator(installed: Iterable[EntryPoint]) -> dict[str, str]:
    """Of several configurators OpenTelemetry takes the first it finds; the plain one exports nowhere of its own."""
    by_name = {point.name: point.value for point in installed}
    plain = [name for name, value in by_name.items() if value.startswith("opentelemetry.distro:")]
    return {"OTEL_PYTHON_CONFIGURATOR": plain[0]} if plain and len(by_name) > 1 else {}


def _exporter(environ: Mapping[str, str], signal: Signal) -> str:
    """Where nobody named an endpoint nothing listens, most likely: the default is a collector on this machine."""
    endpoints = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return "otlp" if any(says(environ, name) for name in endpoints) else "none"


def _protocol(environ: Mapping[str, str]) -> dict[str, str]:
    """What `otlp` means: the protocol that Dynatrace takes, and the default of OpenTelemetry's specification.

    Python's own default is gRPC, a package of its own, without which OpenTelemetry would not start at all.
    """
    if says(environ, _PROTOCOL) or not any("otlp" in exporters(environ, signal) for signal in SIGNALS):
        return {}
    return {_PROTOCOL: "http/protobuf"}


def _batching(environ: Mapping[str, str]) -> dict[str, str]:
    """Our sizes, fitted to the one that the user may have set: the SDK refuses a batch larger than the queue."""
    queue_size = _number(environ, "OTEL_BLRP_MAX_QUEUE_SIZE", MAX_QUEUE_SIZE)
    batch_size = _number(environ, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", MAX_EXPORT_BATCH_SIZE)
    return {
        "OTEL_BLRP_MAX_QUEUE_SIZE": str(max(MAX_QUEUE_SIZE, batch_size)),
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": str(min(MAX_EXPORT_BATCH_SIZE, queue_size)),
        "OTEL_BLRP_SCHEDULE_DELAY": str(SCHEDULE_DELAY_MILLIS),
    }


def _attribute_count(environ: Mapping[str, str]) -> dict[str, str]:
    if says(environ, "OTEL_ATTRIBUTE_COUNT_LIMIT"):
        return {}  # the variable for records would win over it
    return {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": str(MAX_ATTRIBUTES)}


def _number(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = says(environ, variable)
    return int(text) if text.isdecimal() and int(text) > 0 else default
