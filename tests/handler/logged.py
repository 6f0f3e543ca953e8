"""A logger whose records end in memory, by way of our handler and a real LoggerProvider."""

import logging
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.version import __version__

from dt_otlp_logs import DynatraceLoggingHandler

KEEPS_MIXED_ARRAYS = tuple(map(int, __version__.split(".")[:2])) >= (1, 45)
"""Whether OpenTelemetry takes arrays of different kinds of elements; 1.44 makes them None."""


class Logged:
    def __init__(self) -> None:
        self.exporter = InMemoryLogRecordExporter()
        provider = LoggerProvider()
        provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))
        self.handler = DynatraceLoggingHandler(logger_provider=provider)
        self.log = logging.getLogger("handled")
        self.log.propagate = False
        self.log.setLevel(1)
        self.log.addHandler(self.handler)

    @property
    def records(self) -> list[ReadableLogRecord]:
        return list(self.exporter.get_finished_logs())

    @property
    def only(self) -> ReadableLogRecord:
        (record,) = self.records
        return record

    @property
    def record(self) -> LogRecord:
        return self.only.log_record

    @property
    def attributes(self) -> dict[str, Any]:
        """Those of the only record."""
        return attributes(self.only)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Trace and span of each record."""
        return [(record.log_record.trace_id, record.log_record.span_id) for record in self.records]

    def handle(self, message: object = "x", *args: object, **fields: Any) -> dict[str, Any]:
        """Hand over a record made by hand, with anything on it, and answer its attributes."""
        record = logging.LogRecord("handled", logging.INFO, "x.py", 1, message, args, None)
        vars(record).update(fields)
        self.handler.handle(record)
        return self.attributes


def attributes(record: ReadableLogRecord) -> dict[str, Any]:
    return dict(record.log_record.attributes)
