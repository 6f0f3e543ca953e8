"""OpenTelemetry's exporter interface over encode, pack and queue."""

import atexit
import os
import threading
import weakref
from collections.abc import Mapping, Sequence

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from dt_otlp_logs.config import Config, ConfigError, load_config
from dt_otlp_logs.delivery.assembly import delivery_worker
from dt_otlp_logs.delivery.ledger import DeliveryLedger, DeliveryStats
from dt_otlp_logs.delivery.worker import DeliveryWorker
from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.encoding.limits import PROFILES
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import PackLimits, pack

NOT_CONFIGURED = "not configured"

# The name the SDK gives the thread of its batch processor (opentelemetry.sdk._shared_internal.BatchProcessor).
_BATCH_PROCESSOR_THREAD = "OtelBatch"

# One for the process, so that what is said once is said once, however many exporters there are.
_diagnostics = Diagnostics()


class DynatraceLogExporter(LogRecordExporter):
    """Delivers OpenTelemetry log records to Dynatrace by OTLP, and by JSON ingest where OTLP is not served.

    Keyword arguments are the settings of the README's table (`endpoint`, `api_token`, `api_token_file`,
    `fallback`, ...); what is not given comes from the environment (`DT_ENDPOINT`, `DT_API_TOKEN`, ...).

    Raises `ConfigError`, which lists every problem, when a setting is given and the configuration is wrong.
    Made without arguments, as OpenTelemetry makes it for `OTEL_LOGS_EXPORTER=dynatrace`, it never raises: it says
    on stderr what is wrong and counts every record as dropped, since logging must not stop an application.

    `export` encodes and queues, it does not wait for the network when the SDK's batch processor calls it. Called
    from elsewhere (a flush, a simple processor, a test) it waits until the records are delivered or an outage
    is known, at most for the request timeout.
    """

    _always: Mapping[str, object] = {}

    def __init__(self, **settings: object) -> None:
        given = {key: value for key, value in settings.items() if value is not None}
        try:
            config = load_config({**given, **self._always}, os.environ)
        except ConfigError as error:
            if given:
                raise
            self._worker: DeliveryWorker | None = None
            self._unconfigured = DeliveryLedger()
            problems = "; ".join(str(error).splitlines())
            _diagnostics.error(f"No log record is exported, the application runs on: {problems}")
            return
        self._set_up(config)

    @classmethod
    def from_config(cls, config: Config) -> "DynatraceLogExporter":
        """An exporter for a configuration that is already loaded."""
        exporter = cls.__new__(cls)
        exporter._set_up(config)  # noqa: SLF001  # its own class
        return exporter

    def _set_up(self, config: Config) -> None:
        self._config = config
        self._worker = delivery_worker(config, _diagnostics)
        self._pack_limits = PackLimits(request_bytes=config.max_request_bytes)
        # An encoder for each thread, rather than one and a lock that a fork could leave locked for ever.
        self._per_thread = threading.local()
        self._lost_at_last_flush = 0
        for note in config.notes:
            _diagnostics.once(note)
        # After the provider's own hook if that was registered first, else before it; `drain` suits both.
        drain = weakref.WeakMethod(self._worker.drain)
        atexit.register(lambda: at_exit() if (at_exit := drain()) else None)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Queue the records. FAILURE only if one was lost by it: queue full, shut down, not configured."""
        return self._export(batch, may_wait=not threading.current_thread().name.startswith(_BATCH_PROCESSOR_THREAD))

    def enqueue(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Like `export`, never waiting for the network."""
        return self._export(batch, may_wait=False)

    def _export(self, batch: Sequence[ReadableLogRecord], *, may_wait: bool) -> LogRecordExportResult:
        worker = self._worker
        if worker is None:
            self._unconfigured.accept(len(batch))
            self._unconfigured.drop(len(batch), NOT_CONFIGURED)
            return LogRecordExportResult.FAILURE
        try:
            encoded = self._encoder().encode(batch)
            payloads = pack(encoded.groups, self._pack_limits)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not reach the application, nor go uncounted
            worker.refuse(len(batch), f"internal error: {type(error).__name__}: {error}")
            return LogRecordExportResult.FAILURE
        kept = worker.accept(payloads, encoded.replaced)
        if may_wait and kept:
            worker.wait_settled(self._config.timeout_seconds, even_if_held_up=False)
        return LogRecordExportResult.SUCCESS if kept else LogRecordExportResult.FAILURE

    def _encoder(self) -> OtlpEncoder:
        try:
            encoder: OtlpEncoder = self._per_thread.encoder
        except AttributeError:
            config = self._config
            encoder = self._per_thread.encoder = OtlpEncoder(PROFILES[config.limits], redact=config.redact)
        return encoder

    def stats(self) -> DeliveryStats:
        """What became of the records so far, at one moment."""
        if self._worker is None:
            return self._unconfigured.snapshot(held_up=NOT_CONFIGURED)
        return self._worker.stats()

    def force_flush(self, timeout_millis: float = 30_000) -> bool:
        """Wait until everything exported before is delivered, at most `timeout_millis`.

        True only if all of it was, and nothing was lost since the last flush.
        """
        if self._worker is None:
            return self._unconfigured.accepted == 0
        settled = self._worker.wait_settled(timeout_millis / 1000, even_if_held_up=True)
        lost = self._worker.ledger.lost()
        lost_before, self._lost_at_last_flush = self._lost_at_last_flush, lost
        return settled and lost == lost_before

    def shutdown(self, timeout_millis: float | None = None) -> bool:
        """Deliver what waits within `shutdown_timeout_seconds` (or `timeout_millis` if less), then close.

        What could not be delivered is counted as dropped, with the reason, and said on stderr. True if all was.
        """
        if self._worker is None:
            return self._unconfigured.accepted == 0
        lost_before = self._worker.ledger.lost()
        settled = self._worker.shutdown(None if timeout_millis is None else timeout_millis / 1000)
        return settled and self._worker.ledger.lost() == lost_before


class DynatraceJsonLogExporter(DynatraceLogExporter):
    """The same exporter over Dynatrace's JSON log ingest (`/api/v2/logs/ingest`) alone; see `DynatraceLogExporter`."""

    _always: Mapping[str, object] = {"fallback": "json-only"}
