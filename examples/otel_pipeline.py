"""In an OpenTelemetry pipeline: beside another exporter, behind a processor that adds to every record."""

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs import DynatraceLogExporter


class AddTeam(LogRecordProcessor):
    """Says on every record whose it is."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        log_record.log_record.attributes["team"] = "payments"

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        return True


exporter = DynatraceLogExporter()  # from DT_ENDPOINT and DT_API_TOKEN
provider = LoggerProvider(Resource.create({"service.name": "checkout"}))
provider.add_log_record_processor(AddTeam())
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
provider.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter()))

provider.get_logger("shop").emit(severity_number=SeverityNumber.INFO, body="order paid", attributes={"order.id": 42})
provider.shutdown()
print(exporter.stats())
