"""What a pipeline is made of, each part from the configuration; and what a provider has already."""

import os
from collections.abc import Mapping
from inspect import signature
from typing import Literal

from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.environment_variables import OTEL_ATTRIBUTE_COUNT_LIMIT, OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs.config import Config
from dt_otlp_logs.detector import created_resource, detected_resource
from dt_otlp_logs.exporter import DynatraceJsonLogExporter, DynatraceLogExporter
from dt_otlp_logs.processor import (
    MAX_ATTRIBUTES,
    MAX_EXPORT_BATCH_SIZE,
    MAX_QUEUE_SIZE,
    SCHEDULE_DELAY_MILLIS,
    DynatraceBatchLogRecordProcessor,
)

ExporterName = Literal["dynatrace", "dynatrace_json", "stock"]


def resource_of(
    config: Config | None, service_name: str | None, attributes: Mapping[str, str | bool | int | float] | None
) -> Resource:
    """Who is logging: what is given here, over OpenTelemetry's variables and detectors, over the default detectors."""
    own = {**(attributes or {}), **({"service.name": service_name} if service_name else {})}
    enrich = config is None or config.enrich
    return detected_resource(os.environ, enrich=enrich).merge(created_resource(own, os.environ))


def provider_of(resource: Resource | None) -> LoggerProvider:
    """A provider whose records keep as many attributes as Dynatrace does, unless OpenTelemetry's variables say it."""
    counts = (OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT, OTEL_ATTRIBUTE_COUNT_LIMIT)
    if not any(os.environ.get(name) for name in counts) and "log_record_limits" in signature(LoggerProvider).parameters:
        limits = LogRecordLimits(max_log_record_attributes=MAX_ATTRIBUTES)
        return LoggerProvider(resource=resource, log_record_limits=limits)
    return LoggerProvider(resource=resource)  # OpenTelemetry 1.44 knows the variables only, and else keeps 128


def exporter_of(config: Config, name: ExporterName) -> LogRecordExporter:
    """The exporter of that name."""
    if name == "stock":
        from dt_otlp_logs.stock import stock_exporter

        return stock_exporter(config)
    if name == "dynatrace_json":
        return DynatraceJsonLogExporter.from_config(config)
    return DynatraceLogExporter.from_config(config)


def processor_for(exporter: LogRecordExporter) -> BatchLogRecordProcessor:
    """A batch processor in front of the exporter; ours, whose flush is truthful, if the exporter is ours."""
    if not isinstance(exporter, DynatraceLogExporter):
        return BatchLogRecordProcessor(exporter)
    # The SDK's own variables hold where they are set; our sizes are for bursts.
    queue_size = _positive_number("OTEL_BLRP_MAX_QUEUE_SIZE") or MAX_QUEUE_SIZE
    return DynatraceBatchLogRecordProcessor(
        exporter,
        schedule_delay_millis=_positive_number("OTEL_BLRP_SCHEDULE_DELAY") or SCHEDULE_DELAY_MILLIS,
        max_export_batch_size=min(
            _positive_number("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE") or MAX_EXPORT_BATCH_SIZE, queue_size
        ),
        max_queue_size=queue_size,
    )


def _positive_number(variable: str) -> int | None:
    """What one of the SDK's variables says; nothing usable counts as unset, as in the SDK."""
    try:
        number = int(os.environ.get(variable, ""))
    except ValueError:
        return None
    return number if number > 0 else None


def exporter_on(provider: LoggerProvider) -> DynatraceLogExporter | None:
    """The exporter of ours that a provider has already. The SDK does not tell, so its attributes are asked, warily."""
    processors = getattr(getattr(provider, "_multi_log_record_processor", None), "_log_record_processors", ())
    for processor in processors:
        if isinstance(processor, DynatraceBatchLogRecordProcessor):
            exporter: object = processor.dynatrace_exporter
        else:
            exporter = getattr(getattr(processor, "_batch_processor", processor), "_exporter", None)
        if isinstance(exporter, DynatraceLogExporter) and not exporter.is_shut_down:
            return exporter
    return None


def take_off(provider: LoggerProvider, processor: BatchLogRecordProcessor) -> None:
    """Leave nothing behind on a provider that goes on: the SDK has no call for it, so its list is changed, warily."""
    several = getattr(provider, "_multi_log_record_processor", None)
    processors = getattr(several, "_log_record_processors", ())
    if several is not None and processor in processors:
        several._log_record_processors = tuple(other for other in processors if other is not processor)  # noqa: SLF001
