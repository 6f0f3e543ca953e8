"""A pipeline: provider, processor, exporter and handler, and what is attached and captured for it."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from opentelemetry._logs import NoOpLogger
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter

from dt_otlp_logs.attachments import Attachments
from dt_otlp_logs.captures import UNHANDLED_LOGGER, WARNINGS_LOGGER, CapturedWarnings, UnhandledExceptions
from dt_otlp_logs.config import Config
from dt_otlp_logs.delivery.ledger import DeliveryStats, Kind
from dt_otlp_logs.exporter import DynatraceLogExporter
from dt_otlp_logs.handler import DynatraceLoggingHandler
from dt_otlp_logs.handler.waiting_records import MAX_RECORDS, WaitingRecords
from dt_otlp_logs.wiring import take_off

# An hour stands for "however long it takes": timers of the system cannot take infinity.
_LONGEST_FLUSH_SECONDS = 3_600.0


class LogPipeline:
    """Logging calls on their way to Dynatrace. Made by `configure()`; as a context manager it shuts down at the end.

    Of several such blocks, one inside another, the outermost shuts down; the others deliver what was logged so far.
    """

    def __init__(
        self,
        config: Config | None,
        provider: LoggerProvider,
        processor: BatchLogRecordProcessor | None,
        exporter: LogRecordExporter,
        *,
        owns_provider: bool,
        ends: Callable[["LogPipeline"], bool],
    ) -> None:
        self.config = config
        """None if a handler started the pipeline and the environment's configuration was wrong."""
        self.provider = provider
        """The OpenTelemetry LoggerProvider: ours, or the one that was set globally before."""
        self.exporter = exporter
        self.handler = DynatraceLoggingHandler(logger_provider=provider)
        """The handler, attached to a logger unless OpenTelemetry's own handler is there already."""
        self.owns_provider = owns_provider
        self.has_ended = False
        self._blocks = 0
        self._processor = processor
        self._ends = ends
        self._attachments = Attachments(self.handler, provider)
        self._warnings = CapturedWarnings()
        self._unhandled = UnhandledExceptions()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait at most `timeout` seconds; True only if everything logged before is delivered and nothing was lost.

        With `exporter="stock"` neither the timeout nor the answer can be relied on: the stock exporter has no such.
        """
        timeout = min(timeout, _LONGEST_FLUSH_SECONDS)
        if self._processor is not None:
            return self._processor.force_flush(int(timeout * 1000))
        deadline = time.monotonic() + timeout
        emptied = self.provider.force_flush(int(timeout * 1000))
        left_millis = max(deadline - time.monotonic(), 0.0) * 1000
        return isinstance(self.exporter, DynatraceLogExporter) and self.exporter.force_flush(left_millis) and emptied

    def shutdown(self, timeout: float = 5.0) -> bool:
        """Detach the handler, deliver what waits within `timeout` seconds, and close. True if everything arrived.

        A second call does nothing. Records logged afterwards are not exported; `configure()` starts anew.
        """
        if not self._ends(self):
            return True
        self._unhandled.stop()
        self._warnings.stop()
        self._attachments.clear()
        deadline = time.monotonic() + timeout
        delivered = self.flush(timeout)
        if self._processor is None:
            return delivered  # the exporter is another's, who will shut it down
        if isinstance(self.exporter, DynatraceLogExporter):
            # First, so that the provider's own shutdown finds nothing to wait for.
            delivered = self.exporter.shutdown(max(deadline - time.monotonic(), 0.0) * 1000) and delivered
        if self.owns_provider:
            self.provider.shutdown()
        else:
            self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK's
            take_off(self.provider, self._processor)
        return delivered

    def stats(self) -> DeliveryStats:
        """What became of the records so far. With `exporter="stock"` all numbers are 0: it does not count."""
        return self.exporter.stats() if isinstance(self.exporter, DynatraceLogExporter) else DeliveryStats()

    def listen(self, config: Config, logger: logging.Logger | None = None) -> None:
        """Attach the handler to this logger and those that the configuration names, and capture what it says.

        What is attached and captured already stays so. With `OTEL_SDK_DISABLED=true` logging is left as it is.
        """
        if isinstance(self.provider.get_logger(__name__), NoOpLogger):
            return
        loggers = [] if logger is None else [logger]
        loggers += map(logging.getLogger, config.loggers)
        if config.capture_warnings:
            loggers.append(logging.getLogger(WARNINGS_LOGGER))
            self._warnings.start()
        if config.capture_unhandled:
            loggers.append(logging.getLogger(UNHANDLED_LOGGER))
            self._unhandled.start()
        self._attachments.add(loggers, config.level)

    def attach_to(self, logger: logging.Logger) -> None:
        """Attach the handler to a logger, as open as that is."""
        if not isinstance(self.provider.get_logger(__name__), NoOpLogger):
            self._attachments.add([logger], logging.NOTSET)

    def take_over(self, waiting: WaitingRecords) -> None:
        """Send what was logged while the pipeline started, and count what there was no room for."""
        lost, refused = waiting.hand_over(self.provider)
        if lost:
            reason = f"more than {MAX_RECORDS:,} records were logged while the pipeline started"
            self.count_lost(lost, reason, "queue_full")
        if refused:
            self.count_lost(refused, "a log record processor raised", "internal_error")

    def count_lost(self, records: int, reason: str, kind: Kind) -> None:
        """Count records that never came as far as the exporter."""
        if isinstance(self.exporter, DynatraceLogExporter):
            self.exporter.count_lost(records, reason, kind)

    def deliver_by(self, config: Config, exporter: LogRecordExporter, processor: BatchLogRecordProcessor) -> None:
        """From now on with this configuration, in place of one that was wrong; provider and handler stay."""
        if self._processor is not None:
            self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK's
            take_off(self.provider, self._processor)
        self.provider.add_log_record_processor(processor)
        self.config, self.exporter, self._processor = config, exporter, processor

    def survive(self, *, out_of_sight: bool) -> AbstractContextManager[None]:
        """Meanwhile logging is without the handler."""
        return self._attachments.survive(out_of_sight=out_of_sight)

    def __enter__(self) -> "LogPipeline":  # noqa: PYI034  # typing.Self is of 3.11
        self._blocks += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        timeout = self.config.shutdown_timeout_seconds if self.config else 0.0
        self._blocks -= 1
        if self._blocks > 0:  # `configure()` answers the running pipeline, which an outer block goes on with
            self.flush(timeout)
            return
        # It may be caught further out, but there is no pipeline any more to tell of it if it is not.
        self._unhandled.log(logging.CRITICAL, error)
        self.shutdown(timeout)
