"""The handler: what Python's logging says, as OpenTelemetry log records. See `logging_handler.py`."""

from dt_otlp_logs.handler.destination import is_opentelemetrys
from dt_otlp_logs.handler.logging_handler import DynatraceLoggingHandler

__all__ = ["DynatraceLoggingHandler", "is_opentelemetrys"]
