"""The SDK's batch processor with a flush that keeps its timeout and tells the truth."""

import time
from collections.abc import Sequence

from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult

from dt_otlp_logs.delivery.worker import AFTER_SHUTDOWN
from dt_otlp_logs.exporter import DynatraceLogExporter

# A burst waits here for the encoder, at about 3 kB a record; the SDK's own 2,048 overflow within 0.1 s of full speed.
MAX_QUEUE_SIZE = 16_384
# Dynatrace advises batches of 1,800 to 2,000 records for logs (docs.dynatrace.com, Collector: batch use case).
MAX_EXPORT_BATCH_SIZE = 2_000
SCHEDULE_DELAY_MILLIS = 1_000
# As many as Dynatrace keeps in Grail ("Log Management and Analytics default limits"); OpenTelemetry's own limit is 128.
MAX_ATTRIBUTES = 500


class DynatraceBatchLogRecordProcessor(BatchLogRecordProcessor):
    """Batches records for a `DynatraceLogExporter`; `force_flush` waits until they are delivered.

    Sizes and delay are given as for `BatchLogRecordProcessor`; the `OTEL_BLRP_*` variables hold where they are not.
    """

    def __init__(
        self,
        exporter: DynatraceLogExporter,
        *,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        max_queue_size: int | None = None,
    ) -> None:
        self.dynatrace_exporter = exporter
        exporter.fed_by(self)
        super().__init__(
            _Enqueuing(exporter),
            schedule_delay_millis=schedule_delay_millis,
            max_export_batch_size=max_export_batch_size,
            max_queue_size=max_queue_size,
        )

    def shutdown(self) -> None:
        """Hand over what waits, and end. Records that come later are counted as lost, and that is said."""
        # The SDK takes none from here on, though its own shutdown may last. In this way it costs nothing before.
        self.on_emit = self._on_emit_after_shutdown  # type: ignore[method-assign]
        super().shutdown()  # type: ignore[no-untyped-call]  # the SDK's

    def _on_emit_after_shutdown(self, log_record: ReadWriteLogRecord) -> None:  # noqa: ARG002  # the SDK names it
        self.dynatrace_exporter.count_lost(1, AFTER_SHUTDOWN, "after_shutdown")

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Wait until everything emitted before is delivered, at most `timeout_millis` (30,000 without one).

        True only if all of it was, and nothing was lost since the last flush.
        """
        timeout_seconds = 30.0 if timeout_millis is None else timeout_millis / 1000
        deadline = time.monotonic() + timeout_seconds
        # Encodes and queues, which takes no network; after a shutdown it does nothing and says False.
        emptied = super().force_flush(int(timeout_seconds * 1000))
        left_millis = max(deadline - time.monotonic(), 0.0) * 1000
        return self.dynatrace_exporter.force_flush(left_millis) and emptied


class _Enqueuing(LogRecordExporter):
    """The exporter as the processor sees it: it queues, and the waiting is `force_flush`'s."""

    def __init__(self, exporter: DynatraceLogExporter) -> None:
        self._exporter = exporter

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        return self._exporter.enqueue(batch)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float | None = None) -> None:
        self._exporter.shutdown(timeout_millis)
