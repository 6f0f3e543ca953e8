"""Python logs to Dynatrace: OTLP with a JSON-ingest fallback, every record accounted for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dt_otlp_logs.config import ConfigError
    from dt_otlp_logs.delivery.ledger import DeliveryStats
    from dt_otlp_logs.detector import DynatraceResourceDetector
    from dt_otlp_logs.exporter import DynatraceJsonLogExporter, DynatraceLogExporter
    from dt_otlp_logs.handler import DynatraceLoggingHandler
    from dt_otlp_logs.pipeline import LogPipeline, configure

    __version__: str

__all__ = [
    "ConfigError",
    "DeliveryStats",
    "DynatraceJsonLogExporter",
    "DynatraceLogExporter",
    "DynatraceLoggingHandler",
    "DynatraceResourceDetector",
    "LogPipeline",
    "configure",
]

# Each name is imported when it is first asked for: `import dt_otlp_logs` alone costs next to nothing.
_HOMES = {
    "ConfigError": "dt_otlp_logs.config",
    "DeliveryStats": "dt_otlp_logs.delivery.ledger",
    "DynatraceJsonLogExporter": "dt_otlp_logs.exporter",
    "DynatraceLogExporter": "dt_otlp_logs.exporter",
    "DynatraceLoggingHandler": "dt_otlp_logs.handler",
    "DynatraceResourceDetector": "dt_otlp_logs.detector",
    "LogPipeline": "dt_otlp_logs.pipeline",
    "configure": "dt_otlp_logs.pipeline",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dt-otlp-logs")
    if name in _HOMES:
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
