"""`configure()` and the pipeline it makes: provider, processor, exporter and handler, one for each process."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Mapping
from types import TracebackType

from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs.config import Config, ConfigError, Problem, load_config
from dt_otlp_logs.delivery.ledger import DeliveryStats
from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.exporter import DynatraceLogExporter
from dt_otlp_logs.handler import DynatraceLoggingHandler, is_opentelemetrys
from dt_otlp_logs.reconfiguration import survive_reconfiguration
from dt_otlp_logs.wiring import ExporterName, exporter_of, exporter_on, processor_for, resource_of, take_off

# An hour stands for "however long it takes": timers of the system cannot take infinity.
_LONGEST_FLUSH_SECONDS = 3_600.0

_diagnostics = Diagnostics()
# Held only while nothing is done that may log in another thread and wait for it there: resource detectors do.
_lock = threading.RLock()
# Some thread is starting a pipeline for a handler; what others log meanwhile cannot wait for it.
_starting = False
_was_shut_down = False
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
        global _running, _was_shut_down
        with _lock:
            if _running is self:
                _running, _was_shut_down = None, True
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
            take_off(self.provider, self._processor)
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
        if any(isinstance(other, DynatraceLoggingHandler) and other.finds_its_provider for other in logger.handlers):
            return
        if any(is_opentelemetrys(other) for other in logger.handlers):
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
    global _running, _was_shut_down
    given = {"endpoint": endpoint, "api_token": api_token, **settings}
    if exporter == "dynatrace_json":
        given["fallback"] = "json-only"
    config = load_config(given, os.environ)
    if exporter not in ("dynatrace", "dynatrace_json", "stock"):
        raise ConfigError(
            (Problem("exporter", "argument", repr(exporter)[:100], "dynatrace, dynatrace_json or stock"),)
        )
    resource = resource_of(config, service_name, resource_attributes) if _needs_resource() else None
    with _lock:
        if _running is None:
            _running, _was_shut_down = _wire(config, exporter, resource, set_global=set_global), False
            if resource is None and (service_name or resource_attributes):
                _diagnostics.once(
                    "a LoggerProvider is set globally already: its resource stays as it is, "
                    "service_name and resource_attributes are not used"
                )
        else:
            _say_what_differs(_running, config, service_name, resource_attributes)
        survive_reconfiguration(_attached_handlers)
        _running.attach(logger if isinstance(logger, logging.Logger) else logging.getLogger(logger), level)
        return _running


def _provider_in_use() -> LoggerProvider | None:
    """The SDK's provider that is set globally, unless it is one of ours that has ended."""
    present = get_logger_provider()
    return present if isinstance(present, LoggerProvider) and present not in _ended_providers else None


def _needs_resource() -> bool:
    return _running is None and _provider_in_use() is None


def _wire(
    config: Config | None, exporter_name: ExporterName, resource: Resource | None, *, set_global: bool
) -> LogPipeline:
    provider = _provider_in_use()
    owns_provider = provider is None
    if provider is None:
        provider = LoggerProvider(resource=resource)
        if set_global and not isinstance(get_logger_provider(), LoggerProvider):
            set_logger_provider(provider)
    there = exporter_on(provider)
    handler = DynatraceLoggingHandler(logger_provider=provider)
    if there is not None and there.endpoints == (config.endpoints if config else ()):
        # Zero code, or the application's own pipeline: a second exporter would deliver everything twice.
        return LogPipeline(config, provider, None, there, handler, owns_provider=False)
    exporter = DynatraceLogExporter() if config is None else exporter_of(config, exporter_name)
    processor = processor_for(exporter)
    provider.add_log_record_processor(processor)
    return LogPipeline(config, provider, processor, exporter, handler, owns_provider=owns_provider)


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


def _attached_handlers() -> list[tuple[logging.Logger, logging.Handler]]:
    return [(logger, _running.handler) for logger in _running.attached] if _running else []


def provider_for_a_handler() -> LoggerProvider | None:
    """For a handler that was made without a provider: the running pipeline's, else one from the environment.

    None after the pipeline's shutdown, and for what other threads log while one of them is starting the pipeline.
    """
    global _running, _starting
    running = _running
    if running is not None:
        return running.provider
    with _lock:
        if _starting or _was_shut_down:
            return None
        _starting = True
    try:
        config: Config | None = load_config({}, os.environ)
    except ConfigError:
        config = None  # an exporter made without arguments says what is wrong, and counts what it cannot send
    try:
        resource = resource_of(config, None, None) if _needs_resource() else None
        with _lock:
            if _running is None:
                _running = _wire(config, "dynatrace", resource, set_global=True)
            return _running.provider
    finally:
        _starting = False


def _in_forked_child() -> None:
    global _lock, _starting
    _lock, _starting = threading.RLock(), False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
