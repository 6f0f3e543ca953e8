"""The handler: what Python's logging says, as OpenTelemetry log records. See `logging_handler.py`."""

from dt_otlp_logs.handler.logging_handler import DynatraceLoggingHandler, is_opentelemetrys

__all__ = ["DynatraceLoggingHandler", "is_opentelemetrys"]
