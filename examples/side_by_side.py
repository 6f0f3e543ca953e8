"""Dynatrace beside another receiver: all records go to the one, WARN and above to Dynatrace as well.

The other receiver is an OTLP one, a Collector say, at OTEL_EXPORTER_OTLP_ENDPOINT; without the variable the console
stands for it. Needs DT_ENDPOINT and DT_API_TOKEN. Neither exporter waits for the other or sees what it does.
"""

import os

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs import DynatraceLogExporter


class AtLeast(LogRecordProcessor):
    """Hands on what is severe enough."""

    def __init__(self, least: SeverityNumber, following: LogRecordProcessor) -> None:
        self.least = least
        self.following = following

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        number = log_record.log_record.severity_number
        if number is not None and number.value >= self.least.value:
            self.following.on_emit(log_record)

    def shutdown(self) -> None:
        self.following.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.following.force_flush(timeout_millis)


other = OTLPLogExporter() if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ else ConsoleLogRecordExporter()
dynatrace = DynatraceLogExporter()
provider = LoggerProvider(Resource.create({"service.name": "checkout"}))
provider.add_log_record_processor(BatchLogRecordProcessor(other))
provider.add_log_record_processor(AtLeast(SeverityNumber.WARN, BatchLogRecordProcessor(dynatrace)))

log = provider.get_logger("shop")
log.emit(severity_number=SeverityNumber.INFO, body="order received", attributes={"order.id": 42})
log.emit(severity_number=SeverityNumber.WARN, body="card declined", attributes={"order.id": 42})
provider.shutdown()
print(dynatrace.stats())
