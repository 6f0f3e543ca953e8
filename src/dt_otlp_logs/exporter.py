"""OpenTelemetry's exporter interface over encode, pack and queue."""

import os
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace

from opentelemetry._logs import get_logger_provider
from opentelemetry.metrics import MeterProvider, get_meter_provider
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.environment_variables import OTEL_CONFIG_FILE, OTEL_SDK_DISABLED

from dt_otlp_logs.config import Config, ConfigError, Endpoint, load_config
from dt_otlp_logs.config.enrichment import read_enrichment_attributes
from dt_otlp_logs.delivery.assembly import delivery_worker
from dt_otlp_logs.delivery.ledger import Changes, DeliveryLedger, DeliveryStats, Kind
from dt_otlp_logs.delivery.metrics import DeliveryMetrics
from dt_otlp_logs.delivery.process_end import (
    at_end_of_forked_child,
    at_end_of_multiprocessing_child,
    at_interpreter_exit,
    at_sigterm,
)
from dt_otlp_logs.delivery.route import Exchange
from dt_otlp_logs.delivery.worker import DeliveryWorker
from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.encoding.limits import PROFILES
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import PackLimits, Payload, pack

NOT_CONFIGURED = "not configured"

# The name the SDK gives the thread of its batch processor (opentelemetry.sdk._shared_internal.BatchProcessor).
_BATCH_PROCESSOR_THREAD = "OtelBatch"

# OpenTelemetry's own switch for metrics of its components.
_INTERNAL_METRICS = "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"

# One for the process, so that what is said once is said once, however many exporters there are.
_diagnostics = Diagnostics()


class DynatraceLogExporter(LogRecordExporter):
    """Delivers OpenTelemetry log records to Dynatrace by OTLP, and by JSON ingest where OTLP is not served.

    Keyword arguments are the settings of the README's table (`endpoint`, `api_token`, `api_token_file`,
    `fallback`, ...); what is not given comes from the environment (`DT_ENDPOINT`, `DT_API_TOKEN`, ...).

    Raises `ConfigError`, which lists every problem, when a setting is given and the configuration is wrong.
    Made as OpenTelemetry makes it, without arguments for `OTEL_LOGS_EXPORTER=dynatrace` or from the file that
    `OTEL_CONFIG_FILE` names, it never raises: it says on stderr what is wrong and counts every record as dropped,
    since logging must not stop an application.

    `export` encodes and queues, it does not wait for the network when the SDK's batch processor calls it. Called
    from elsewhere (a flush, a simple processor, a test) it waits until the records are delivered or an outage
    is known, at most for the request timeout.
    """

    _always: Mapping[str, object] = {}

    def __init__(self, *, meter_provider: MeterProvider | None = None, **settings: object) -> None:
        """`meter_provider` gets the exporter's own metrics; without it, the global one does if the variable
        `OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED` is `true`.
        """
        given = {key: value for key, value in settings.items() if value is not None}
        try:
            config = load_config({**given, **self._always}, os.environ)
        except ConfigError as error:
            if given and not os.environ.get(OTEL_CONFIG_FILE):
                raise
            self._worker: DeliveryWorker | None = None
            self._unconfigured = DeliveryLedger()
            # OpenTelemetry makes its exporters even where the SDK is switched off and gives them no record.
            if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() != "true":
                problems = "; ".join(
                    str(replace(problem, source=OTEL_CONFIG_FILE) if problem.source == "argument" else problem)
                    for problem in error.problems
                )
                _diagnostics.error(f"No log record is exported, the application runs on: {problems}")
            return
        self._set_up(config, meter_provider, _diagnostics)
        self.catch_sigterm()

    @classmethod
    def from_config(
        cls, config: Config, *, meter_provider: MeterProvider | None = None, diagnostics: Diagnostics = _diagnostics
    ) -> "DynatraceLogExporter":
        """An exporter for a configuration that is already loaded, which speaks through `diagnostics`.

        It may be made in any thread; `catch_sigterm` is left to the caller.
        """
        exporter = cls.__new__(cls)
        exporter._set_up(config, meter_provider, diagnostics)  # noqa: SLF001  # its own class
        return exporter

    def _set_up(self, config: Config, meter_provider: MeterProvider | None, diagnostics: Diagnostics) -> None:
        self._config = config
        self._diagnostics = diagnostics
        if meter_provider is None and os.environ.get(_INTERNAL_METRICS, "").strip().lower() == "true":
            meter_provider = get_meter_provider()
        self._metrics: DeliveryMetrics | None = None
        self._pack_limits = PackLimits(request_bytes=config.max_request_bytes)
        # An encoder for each thread, rather than one and a lock that a fork could leave locked for ever.
        self._per_thread = threading.local()
        self._metadata: Mapping[str, str] | None = None
        self._worker = worker = delivery_worker(config, diagnostics, on_exchange=self._measure, encode=self._encode)
        if meter_provider is not None:
            url = config.endpoints[0].urls(config.fallback)[0][1]
            self._metrics = DeliveryMetrics(meter_provider, url, worker.stats, worker.oldest_age_seconds)
        self._feeders: weakref.WeakSet[LogRecordProcessor] = weakref.WeakSet()
        self._lost_at_last_flush = 0
        for note in config.notes:
            diagnostics.once(note)
        # Before the provider's own hook if that was registered first, else after it; it suits both.
        at_interpreter_exit(self._drain)
        at_end_of_multiprocessing_child(self._flush_everything)
        if hasattr(os, "register_at_fork"):
            in_child = weakref.WeakMethod(self._in_forked_child)
            os.register_at_fork(after_in_child=lambda: method() if (method := in_child()) else None)
        self._catches_sigterm = False

    def catch_sigterm(self) -> None:
        """Deliver when SIGTERM comes, if that is asked for; says so where it is not possible."""
        if self._worker is None or self._catches_sigterm or not self._config.flush_on_sigterm:
            return
        self._catches_sigterm = at_sigterm(self._flush_before_the_end, self._config.shutdown_timeout_seconds)
        if not self._catches_sigterm:
            self._diagnostics.once(
                "flush_on_sigterm is not possible here: only the main thread can set signal handlers"
            )

    def _measure(self, seconds: float, exchange: Exchange) -> None:
        if self._metrics is not None:
            self._metrics.request_done(seconds, exchange)

    def _in_forked_child(self) -> None:
        # A child may be another process to OneAgent. Its encoders are made anew, with what the files say then.
        self._per_thread = threading.local()
        self._metadata = None
        at_end_of_forked_child(self._flush_everything)

    def fed_by(self, processor: LogRecordProcessor) -> None:
        """Say which processor feeds this exporter, so that its queue is emptied, too, when the process must end."""
        if self._worker is not None:
            self._feeders.add(processor)

    def _drain(self) -> None:
        """At the end of the process: not to depend on the provider's hook, in which another processor may raise."""
        if self._worker is not None:
            for processor in self._feeders:
                processor.force_flush(0)  # hands over what it holds, and waits for nothing
            self._worker.drain()

    def _flush_before_the_end(self) -> None:
        self._flush_everything()
        held = self.stats().queued
        if held and self._config.queue_directory is None:
            noun = "record is" if held == 1 else "records are"
            self._diagnostics.error(f"{held} {noun} not delivered after SIGTERM, and lost if the process ends now.")

    def _flush_everything(self) -> None:
        """For ends of a process that the SDK does not see: SIGTERM, a multiprocessing child."""
        ends = time.monotonic() + self._config.shutdown_timeout_seconds

        def left_millis() -> int:
            return max(int((ends - time.monotonic()) * 1000), 0)

        provider = get_logger_provider()
        if isinstance(provider, LoggerProvider):
            provider.force_flush(left_millis())
        for processor in self._feeders:
            processor.force_flush(left_millis())
        self.force_flush(left_millis())

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Take the records. FAILURE if one is known to be lost by it: shut down, not configured, queue on disk full.

        With the queue in memory they may be encoded only later; what is lost then is in `stats()`.
        """
        return self._export(batch, may_wait=not threading.current_thread().name.startswith(_BATCH_PROCESSOR_THREAD))

    def enqueue(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Like `export`, never waiting for the network."""
        return self._export(batch, may_wait=False)

    def count_lost(self, records: int, reason: str, kind: Kind) -> None:
        """Count records that never came as far as `export`."""
        if self._worker is None:
            self._unconfigured.accept(records)
            self._unconfigured.drop(records, NOT_CONFIGURED, "not_configured")
        else:
            self._worker.refuse(records, reason, kind)

    def _export(self, batch: Sequence[ReadableLogRecord], *, may_wait: bool) -> LogRecordExportResult:
        worker = self._worker
        if worker is None:
            self.count_lost(len(batch), NOT_CONFIGURED, "not_configured")
            return LogRecordExportResult.FAILURE
        # What is to outlive a kill has to be on disk before this returns; what lives in memory may be encoded later.
        kept = worker.stage(batch) if self._config.queue_directory is None else self._encode_now(worker, batch)
        if may_wait and kept:
            worker.wait_settled(self._config.timeout_seconds, even_if_held_up=False)
        return LogRecordExportResult.SUCCESS if kept else LogRecordExportResult.FAILURE

    def _encode_now(self, worker: DeliveryWorker, batch: Sequence[ReadableLogRecord]) -> bool:
        try:
            payloads, changes = self._encode(batch)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not reach the application, nor go uncounted
            worker.refuse(len(batch), f"internal error: {type(error).__name__}: {error}", "internal_error")
            return False
        return worker.accept(payloads, changes)

    def _encode(self, batch: Sequence[ReadableLogRecord]) -> tuple[list[Payload], Changes]:
        encoded = self._encoder().encode(batch)
        return pack(encoded.groups, self._pack_limits), Changes(encoded.replaced, encoded.truncated)

    def _encoder(self) -> OtlpEncoder:
        try:
            encoder: OtlpEncoder = self._per_thread.encoder
        except AttributeError:
            config = self._config
            encoder = self._per_thread.encoder = OtlpEncoder(
                PROFILES[config.limits],
                redact=config.redact,
                structure=config.structure,
                json_ingest=any(endpoint.json_url for endpoint in config.endpoints),
                resource_attributes=self._resource_attributes(),
            )
        return encoder

    def _resource_attributes(self) -> Mapping[str, str]:
        """What Dynatrace's metadata files say; they are read with the first batch of the process."""
        if not self._config.enrich:
            return {}
        if self._metadata is None:
            self._metadata = read_enrichment_attributes()
        return self._metadata

    @property
    def config(self) -> Config | None:
        """Its configuration; None if that was wrong."""
        return None if self._worker is None else self._config

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where it delivers to; nowhere if it is not configured."""
        return () if self._worker is None else self._config.endpoints

    @property
    def is_shut_down(self) -> bool:
        """Whether it takes no more records."""
        return self._worker is not None and self._worker.closed

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
        timeout_seconds = min(timeout_millis / 1000, threading.TIMEOUT_MAX)
        settled = self._worker.wait_settled(timeout_seconds, even_if_held_up=True)
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
