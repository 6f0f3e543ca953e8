"""`configure()` and the one pipeline that runs in a process."""

import logging
import os
import threading
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from opentelemetry._logs import LoggerProvider as AnyLoggerProvider
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs.celery_loggers import attach_to_celerys_loggers
from dt_otlp_logs.config import CAPTURES, Config, ConfigError, Problem, load_config, with_captures
from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.exporter import DynatraceLogExporter
from dt_otlp_logs.handler.waiting_records import waiting_records
from dt_otlp_logs.log_pipeline import LogPipeline
from dt_otlp_logs.reconfiguration import survive_reconfiguration
from dt_otlp_logs.structlog_instrumentation import send_structlog_events_once
from dt_otlp_logs.wiring import ExporterName, exporter_of, exporter_on, processor_for, provider_of, resource_of

__all__ = ["LogPipeline", "configure", "provider_for_a_handler"]

_diagnostics = Diagnostics()
# Held only while nothing is done that may log in another thread and wait for it there: resource detectors do.
_lock = threading.RLock()
_was_shut_down = False
_running: LogPipeline | None = None
# A provider that was shut down stays global, since OpenTelemetry lets nobody replace it; it takes no more records.
_ended_providers: "weakref.WeakSet[LoggerProvider]" = weakref.WeakSet()


def configure(
    endpoint: str | None = None,
    api_token: str | None = None,
    *,
    service_name: str | None = None,
    resource_attributes: Mapping[str, str | bool | int | float] | None = None,
    level: int | str = logging.NOTSET,
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
        level: the least level to send, a number or its name; else `DT_OTLP_LOGS_LEVEL`. If a logger that gets the
            handler lets less through (the root logger starts at WARNING), it is set to this level, too.
        logger: where to attach the handler; the root logger without it. `loggers`, a setting, names further ones, for
            those that do not propagate to it: `loggers="uvicorn.access, gunicorn.error"`.
        set_global: make the provider OpenTelemetry's global one, if there is none yet.
        exporter: `"dynatrace"`, `"dynatrace_json"` (JSON ingest alone) or `"stock"` (OpenTelemetry's own exporter
            under this configuration, with its losses).
        **settings: any other setting of the README's table.

    Where an SDK LoggerProvider is set globally already, the exporter is added to that one and its resource stays.
    A second call answers the running pipeline, attaches it to further loggers, captures what is to be captured from now
    on, and says on stderr which other settings differ. Under `OTEL_LOGS_EXPORTER=dynatrace` the pipeline is around the
    exporter that is there. `basicConfig`, `dictConfig` and `fileConfig` called later leave the handler where it is, its
    loggers enabled and as open as asked here; a logger whose handlers are replaced by hand is without it.

    Raises:
        ConfigError: the configuration is incomplete or wrong; it lists every problem.
    """
    global _running, _was_shut_down
    asked_level = None if level == logging.NOTSET else level
    given = {"endpoint": endpoint, "api_token": api_token, "level": asked_level, **settings}
    if exporter == "dynatrace_json":
        given["fallback"] = "json-only"
    config = _load(given)
    if exporter not in ("dynatrace", "dynatrace_json", "stock"):
        raise ConfigError(
            (Problem("exporter", "argument", repr(exporter)[:100], "dynatrace, dynatrace_json or stock"),)
        )
    resource = resource_of(config, service_name, resource_attributes) if _needs_resource() else None
    with _lock:
        if _running is None:
            _running, _was_shut_down = (
                _wire(config, exporter, resource, set_global=set_global, is_named=endpoint is not None),
                False,
            )
            if resource is None and (service_name or resource_attributes):
                _diagnostics.once(
                    "a LoggerProvider is set globally already: its resource stays as it is, "
                    "service_name and resource_attributes are not used"
                )
        elif _running.config is None and config is not None:
            # A handler came first, when the environment did not say where to send.
            made = exporter_of(config, exporter)
            _running.deliver_by(config, made, processor_for(made))
        elif config is not None:
            _say_what_differs(_running, config, service_name, resource_attributes)
        running = _running
    catch_sigterm()
    running.take_over(waiting_records)
    if config is None:
        return running
    # Not under the lock: logging has one of its own, held by whoever configures it and maybe logs meanwhile.
    _survive_others()
    running.listen(config, logger if isinstance(logger, logging.Logger) else logging.getLogger(logger))
    return running


def _load(given: Mapping[str, object]) -> Config | None:
    """The configuration of one call; None where it is incomplete and OpenTelemetry is switched off anyway.

    A pipeline that runs, or an exporter that OpenTelemetry has made (from `OTEL_CONFIG_FILE`, say), knows where to
    send even if the environment does not say so.
    """
    try:
        return load_config(given, os.environ)
    except ConfigError:
        if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
            return None
        known = _known_config()
        if known is None or any(given[key] is not None for key in given.keys() - set(CAPTURES)):
            raise
        return with_captures(known, given, os.environ)


def _known_config() -> Config | None:
    if _running is not None:
        return _running.config
    provider = _provider_in_use()
    there = None if provider is None else exporter_on(provider)
    return None if there is None else there.config


def _provider_in_use() -> LoggerProvider | None:
    """The SDK's provider that is set globally, unless it is one of ours that has ended."""
    present = get_logger_provider()
    return present if isinstance(present, LoggerProvider) and present not in _ended_providers else None


def _needs_resource() -> bool:
    return _running is None and _provider_in_use() is None


def _wire(
    config: Config | None,
    exporter_name: ExporterName,
    resource: Resource | None,
    *,
    set_global: bool = True,
    is_named: bool = False,
) -> LogPipeline:
    """`is_named`: the caller said himself where to send, and wants just that."""
    provider = _provider_in_use()
    owns_provider = provider is None
    if provider is None:
        provider = provider_of(resource)
    there = exporter_on(provider)
    asked = config.endpoints if config else ()
    if there is not None and (there.endpoints == asked or not is_named):
        # Zero code, or the application's own pipeline: a second exporter would deliver everything twice. Even one whose
        # configuration is wrong stays alone: the environment may lack what a file says of redaction.
        return LogPipeline(config, provider, None, there, owns_provider=False, ends=_ends)
    exporter = DynatraceLogExporter() if config is None else exporter_of(config, exporter_name)
    processor = processor_for(exporter)
    provider.add_log_record_processor(processor)
    # Last: nobody can take it back, and the exporter may have raised.
    if owns_provider and set_global and not isinstance(get_logger_provider(), LoggerProvider):
        set_logger_provider(provider)
    return LogPipeline(config, provider, processor, exporter, owns_provider=owns_provider, ends=_ends)


def _say_what_differs(
    running: LogPipeline, asked: Config, service_name: str | None, attributes: Mapping[str, object] | None
) -> None:
    before = {origin.key: origin.shown for origin in running.config.origins} if running.config else {}
    differs = [
        origin.key for origin in asked.origins if origin.key not in CAPTURES and before.get(origin.key) != origin.shown
    ]
    resource = running.provider.resource.attributes
    if service_name and resource.get("service.name") != service_name:
        differs.append("service_name")
    if any(resource.get(name) != value for name, value in (attributes or {}).items()):
        differs.append("resource_attributes")
    if differs:
        _diagnostics.warning(
            f"configure() was called again with another {', '.join(differs)}: the first configuration holds"
        )


def _ends(pipeline: LogPipeline) -> bool:
    """Whether this is the first time that it ends."""
    global _running, _was_shut_down
    with _lock:
        if _running is pipeline:
            _running, _was_shut_down = None, True
        if pipeline.has_ended:
            return False
        pipeline.has_ended = True
        if pipeline.owns_provider:
            _ended_providers.add(pipeline.provider)
        return True


def _survive_others() -> None:
    """Stay where others configure logging after us, and send nothing twice beside others that send."""
    survive_reconfiguration(_survive)
    send_structlog_events_once(_running_provider)
    attach_to_celerys_loggers(_attach_again)


def _survive(*, out_of_sight: bool) -> AbstractContextManager[None]:
    running = _running
    return running.survive(out_of_sight=out_of_sight) if running is not None else nullcontext()


def _attach_again(logger: logging.Logger) -> None:
    running = _running
    if running is not None:
        running.attach_to(logger)


def _running_provider() -> LoggerProvider | None:
    running = _running
    return None if running is None else running.provider


def provider_for_a_handler() -> AnyLoggerProvider | None:
    """The running pipeline's provider; None after its shutdown; before its start, one that keeps the records."""
    running = _running
    if running is not None:
        return running.provider
    return None if _was_shut_down else waiting_records


def start_for_a_handler() -> None:
    """Start a pipeline, configured from the environment, unless one runs or has ended."""
    global _running
    try:
        config: Config | None = load_config({}, os.environ)
    except ConfigError:
        config = None  # an exporter made without arguments says what is wrong, and counts what it cannot send
    resource = resource_of(config, None, None) if _needs_resource() else None
    with _lock:
        if _was_shut_down:
            return
        if _running is None:
            _running = _wire(config, "dynatrace", resource)
        running = _running
    if config is not None:
        _survive_others()
        running.listen(config)
    running.take_over(waiting_records)


def count_lost(provider: AnyLoggerProvider | None, reason: str) -> None:
    """Count a record that the handler could not hand to this provider, if it is that of the running pipeline."""
    running = _running
    if running is not None and running.provider is provider:
        running.count_lost(1, reason, "internal_error")


def flush_at_exit() -> None:
    """Deliver within the time that the end of the process may take."""
    running = _running
    if running is not None:
        running.flush(running.config.shutdown_timeout_seconds if running.config else 0.0)


def catch_sigterm() -> None:
    """Not part of a start, which may be in a thread of its own: only the main thread can set signal handlers."""
    running = _running
    if running is not None and isinstance(running.exporter, DynatraceLogExporter):
        running.exporter.catch_sigterm()


def _in_forked_child() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
