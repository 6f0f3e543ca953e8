"""The one place where things are wired: provider, processor, exporter and handler."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Literal

from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs import handler as handlers
from dt_otlp_logs.config import Config, ConfigError, Problem, load_config
from dt_otlp_logs.delivery.ledger import DeliveryStats
from dt_otlp_logs.detector import DynatraceResourceDetector
from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.exporter import DynatraceJsonLogExporter, DynatraceLogExporter
from dt_otlp_logs.handler import DynatraceLoggingHandler, is_opentelemetrys
from dt_otlp_logs.processor import (
    MAX_EXPORT_BATCH_SIZE,
    MAX_QUEUE_SIZE,
    SCHEDULE_DELAY_MILLIS,
    DynatraceBatchLogRecordProcessor,
)
from dt_otlp_logs.reconfiguration import survive_reconfiguration

__all__ = ["DynatraceLoggingHandler", "LogPipeline", "configure"]

ExporterName = Literal["dynatrace", "dynatrace_json", "stock"]

_diagnostics = Diagnostics()
_lock = threading.RLock()
_running: "LogPipeline | None" = None
# A provider that was shut down stays global, since OpenTelemetry lets nobody replace it; it takes no more records.
_ended_providers: "weakref.WeakSet[LoggerProvider]" = weakref.WeakSet()


class LogPipeline:
    """Logging calls on their way to Dynatrace. Made by `configure()`; as a context manager it shuts down at the end."""

    def __init__(
        self,
        config: Config | None,
        provider: LoggerProvider,
        processor: BatchLogRecordProcessor | None,
        exporter: LogRecordExporter,
        handler: DynatraceLoggingHandler,
        *,
        owns_provider: bool,
    ) -> None:
        self.config = config
        """None if a handler started the pipeline and the environment's configuration was wrong."""
        self.provider = provider
        """The OpenTelemetry LoggerProvider: ours, or the one that was set globally before."""
        self.exporter = exporter
        self.handler = handler
        """The handler, attached to a logger unless OpenTelemetry's own handler is there already."""
        self._processor = processor
        self._owns_provider = owns_provider
        self._attached: list[logging.Logger] = []
        self._is_shut_down = False

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait at most `timeout` seconds; True only if everything logged before is delivered and nothing was lost.

        With `exporter="stock"` neither the timeout nor the answer can be relied on: the stock exporter has no such.
        """
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
        global _running
        with _lock:
            if _running is self:
                _running = None
            if self._is_shut_down:
                return True
            self._is_shut_down = True
        self.detach()
        deadline = time.monotonic() + timeout
        delivered = self.flush(timeout)
        if self._processor is None:
            return delivered  # the exporter is another's, who will shut it down
        if isinstance(self.exporter, DynatraceLogExporter):
            # First, so that the provider's own shutdown finds nothing to wait for.
            delivered = self.exporter.shutdown(max(deadline - time.monotonic(), 0.0) * 1000) and delivered
        if self._owns_provider:
            self.provider.shutdown()
            _ended_providers.add(self.provider)
        else:
            self._processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK's
        return delivered

    def stats(self) -> DeliveryStats:
        """What became of the records so far. With `exporter="stock"` all numbers are 0: it does not count."""
        return self.exporter.stats() if isinstance(self.exporter, DynatraceLogExporter) else DeliveryStats()

    def attach(self, logger: logging.Logger, level: int) -> None:
        """Attach the handler to a logger, once, and not beside an OpenTelemetry handler that sends the same records.

        The logger lets records of this level through afterwards, whoever hands them over.
        """
        if level != logging.NOTSET and logger.getEffectiveLevel() > level:
            logger.setLevel(level)
        if logger in self._attached:
            return
        if any(is_opentelemetrys(other) or isinstance(other, DynatraceLoggingHandler) for other in logger.handlers):
            _diagnostics.once(
                f"the {logger.name} logger has a handler for OpenTelemetry already; no second one is added"
            )
            return
        self.handler.setLevel(min(self.handler.level, level) if self._attached else level)
        logger.addHandler(self.handler)
        self._attached.append(logger)

    def detach(self) -> None:
        """Take the handler off its loggers."""
        for logger in self._attached:
            logger.removeHandler(self.handler)
        self._attached.clear()

    @property
    def attached(self) -> tuple[logging.Logger, ...]:
        """The loggers that the handler is attached to."""
        return tuple(self._attached)

    def __enter__(self) -> "LogPipeline":  # noqa: PYI034  # typing.Self is of 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown(self.config.shutdown_timeout_seconds if self.config else 0.0)


def configure(
    endpoint: str | None = None,
    api_token: str | None = None,
    *,
    service_name: str | None = None,
    resource_attributes: Mapping[str, str | bool | int | float] | None = None,
    level: int = logging.NOTSET,
    logger: logging.Logger | str | None = None,
    set_global: bool = True,
    exporter: ExporterName = "dynatrace",
    **settings: object,
) -> LogPipeline:
    """Send what Python's logging says to Dynatrace, from now on.

    Args:
        endpoint: the environment, e.g. `https://abc12345.live.dynatrace.com`; else `DT_ENDPOINT`.
        api_token: a token with the scope `logs.ingest`; else `DT_API_TOKEN` or a file named by `api_token_file`.
        service_name: `service.name` of the resource; else `OTEL_SERVICE_NAME`.
        resource_attributes: more attributes of the resource; they win over `OTEL_RESOURCE_ATTRIBUTES`.
        level: the least level to send. If the logger itself lets less through (the root logger starts at WARNING),
            the logger is set to this level, too.
        logger: where to attach the handler; the root logger without it.
        set_global: make the provider OpenTelemetry's global one, if there is none yet.
        exporter: `"dynatrace"`, `"dynatrace_json"` (JSON ingest alone) or `"stock"` (OpenTelemetry's own exporter
            under this configuration, with its losses).
        **settings: any other setting of the README's table.

    Where an SDK LoggerProvider is set globally already, the exporter is added to that one and its resource stays.
    A second call answers the running pipeline, attaches it to a further *logger* if one is named, and says on stderr
    which settings differ. Under `OTEL_LOGS_EXPORTER=dynatrace` it answers a pipeline around the exporter that is there.

    Raises:
        ConfigError: the configuration is incomplete or wrong; it lists every problem.
    """
    global _running
    given = {"endpoint": endpoint, "api_token": api_token, **settings}
    with _lock:
        config = load_config(given, os.environ)
        if exporter not in ("dynatrace", "dynatrace_json", "stock"):
            raise ConfigError(
                (Problem("exporter", "argument", repr(exporter)[:100], "dynatrace, dynatrace_json or stock"),)
            )
        if _running is None:
            made = _exporter(config, exporter)
            _running = _wire(config, made, service_name, resource_attributes, set_global=set_global)
        else:
            _say_what_differs(_running, config, service_name, resource_attributes)
        survive_reconfiguration(_attached_handlers)
        _running.attach(logger if isinstance(logger, logging.Logger) else logging.getLogger(logger), level)
        return _running


def _wire(
    config: Config | None,
    exporter: LogRecordExporter,
    service_name: str | None,
    resource_attributes: Mapping[str, str | bool | int | float] | None,
    *,
    set_global: bool,
) -> LogPipeline:
    present = get_logger_provider()
    in_use = isinstance(present, LoggerProvider) and present not in _ended_providers
    if isinstance(present, LoggerProvider) and in_use:
        provider = present
        there = _exporter_on(provider)
        if there is not None and there.endpoints == (config.endpoints if config else ()):
            # Zero code, or the application's own pipeline: a second exporter would deliver everything twice.
            handler = DynatraceLoggingHandler(logger_provider=provider)
            return LogPipeline(config, provider, None, there, handler, owns_provider=False)
        if service_name or resource_attributes:
            _diagnostics.once(
                "a LoggerProvider is set globally already: its resource stays as it is, "
                "service_name and resource_attributes are not used"
            )
    else:
        provider = LoggerProvider(resource=_resource(config, service_name, resource_attributes))
        if set_global and not isinstance(present, LoggerProvider):
            set_logger_provider(provider)
    processor = _processor(exporter)
    provider.add_log_record_processor(processor)
    handler = DynatraceLoggingHandler(logger_provider=provider)
    return LogPipeline(config, provider, processor, exporter, handler, owns_provider=not in_use)


def _resource(
    config: Config | None, service_name: str | None, attributes: Mapping[str, str | bool | int | float] | None
) -> Resource:
    own = {**(attributes or {}), **({"service.name": service_name} if service_name else {})}
    described = Resource.create(own)
    # What the user says wins over what the files say.
    return DynatraceResourceDetector().detect().merge(described) if config is None or config.enrich else described


def _exporter(config: Config, name: ExporterName) -> LogRecordExporter:
    if name == "stock":
        from dt_otlp_logs.stock import stock_exporter

        return stock_exporter(config)
    if name == "dynatrace_json":
        return DynatraceJsonLogExporter.from_config(replace(config, fallback="json-only"))
    return DynatraceLogExporter.from_config(config)


def _processor(exporter: LogRecordExporter) -> BatchLogRecordProcessor:
    if not isinstance(exporter, DynatraceLogExporter):
        return BatchLogRecordProcessor(exporter)
    # The SDK's own variables hold where they are set; our sizes are for bursts.
    return DynatraceBatchLogRecordProcessor(
        exporter,
        schedule_delay_millis=None if "OTEL_BLRP_SCHEDULE_DELAY" in os.environ else SCHEDULE_DELAY_MILLIS,
        max_export_batch_size=(None if "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE" in os.environ else MAX_EXPORT_BATCH_SIZE),
        max_queue_size=None if "OTEL_BLRP_MAX_QUEUE_SIZE" in os.environ else MAX_QUEUE_SIZE,
    )


def _say_what_differs(
    running: LogPipeline, asked: Config, service_name: str | None, attributes: Mapping[str, object] | None
) -> None:
    before = {origin.key: origin.shown for origin in running.config.origins} if running.config else {}
    differs = [origin.key for origin in asked.origins if before.get(origin.key) != origin.shown]
    resource = running.provider.resource.attributes
    if service_name and resource.get("service.name") != service_name:
        differs.append("service_name")
    if any(resource.get(name) != value for name, value in (attributes or {}).items()):
        differs.append("resource_attributes")
    if differs:
        _diagnostics.warning(
            f"configure() was called again with another {', '.join(differs)}: the first configuration holds"
        )


def _exporter_on(provider: LoggerProvider) -> DynatraceLogExporter | None:
    """The exporter of ours that a provider has already. The SDK does not tell, so its attributes are asked, warily."""
    processors = getattr(getattr(provider, "_multi_log_record_processor", None), "_log_record_processors", ())
    for processor in processors:
        batch = getattr(processor, "_batch_processor", processor)
        exporter = getattr(batch, "_exporter", None)
        if isinstance(exporter, DynatraceLogExporter) and not exporter.is_shut_down:
            return exporter
    return None


def _attached_handlers() -> list[tuple[logging.Logger, logging.Handler]]:
    return [(logger, _running.handler) for logger in _running.attached] if _running else []


def _provider_for_a_handler() -> LoggerProvider:
    """For a handler that was made without a provider: the running pipeline's, else one from the environment."""
    global _running
    with _lock:
        if _running is None:
            try:
                config = load_config({}, os.environ)
            except ConfigError:
                # Made without arguments it says what is wrong, and counts what it cannot send.
                _running = _wire(None, DynatraceLogExporter(), None, None, set_global=True)
            else:
                _running = _wire(config, DynatraceLogExporter.from_config(config), None, None, set_global=True)
        return _running.provider


handlers.default_provider = _provider_for_a_handler
