"""The exporter's own metrics under the SDK's names, counted on outcomes rather than on submission.

Names and meanings: OpenTelemetry semantic conventions, "OpenTelemetry SDK metrics" (otel.sdk.exporter.*).
"""

import weakref
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from dt_otlp_logs.delivery.ledger import DeliveryStats
from dt_otlp_logs.delivery.route import Exchange
from dt_otlp_logs.delivery.verdict import Delivered

# A component type that is not among the well-known ones is a fully qualified class name.
_COMPONENT_TYPE = "dt_otlp_logs.DynatraceLogExporter"

_exporters = 0


class DeliveryMetrics:
    """Reports what `stats` says whenever the MeterProvider's readers collect, and each request's duration."""

    def __init__(
        self,
        meter_provider: MeterProvider,
        url: str,
        stats: Callable[[], DeliveryStats],
        oldest_age_seconds: Callable[[], float],
    ) -> None:
        """`stats` and `oldest_age_seconds` are bound methods, held weakly: a reader does not keep an exporter alive."""
        global _exporters
        address = urlsplit(url)
        self._attributes: dict[str, str | int] = {
            "otel.component.type": _COMPONENT_TYPE,
            "otel.component.name": f"{_COMPONENT_TYPE}/{_exporters}",
            "server.address": address.hostname or "",
            "server.port": address.port or (443 if address.scheme == "https" else 80),
        }
        _exporters += 1
        self._stats = weakref.WeakMethod(stats)
        self._age = weakref.WeakMethod(oldest_age_seconds)
        meter = meter_provider.get_meter("dt_otlp_logs")
        meter.create_observable_up_down_counter(
            "otel.sdk.exporter.log.inflight",
            [self._inflight],
            "{log_record}",
            "Records accepted whose fate is not known yet.",
        )
        meter.create_observable_counter(
            "otel.sdk.exporter.log.exported",
            [self._exported],
            "{log_record}",
            "Records whose fate is known; those that are lost have an error.type.",
        )
        meter.create_observable_gauge(
            "dt_otlp_logs.exporter.queue.size",
            [self._inflight],
            "{log_record}",
            "Records that wait or are on their way.",
        )
        meter.create_observable_gauge(
            "dt_otlp_logs.exporter.queue.oldest_age", [self._oldest], "s", "Age of the oldest record that waits."
        )
        self._duration = meter.create_histogram(
            "otel.sdk.exporter.operation.duration", "s", "How long one request took."
        )

    def request_done(self, seconds: float, exchange: Exchange) -> None:
        """One request took so long and ended so."""
        attributes = dict(self._attributes)
        response = exchange.response
        if response.status is not None:
            attributes["http.response.status_code"] = response.status
        if not isinstance(exchange.verdict, Delivered):
            attributes["error.type"] = response.fault or str(response.status)
        self._duration.record(seconds, attributes)

    def _inflight(self, _options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(stats.queued, self._attributes)] if (stats := self._now()) else []

    def _exported(self, _options: CallbackOptions) -> Iterable[Observation]:
        stats = self._now()
        if stats is None:
            return []
        lost = [
            Observation(records, {**self._attributes, "error.type": kind})
            for kind, records in stats.lost_by_kind.items()
        ]
        return [Observation(stats.delivered, self._attributes), *lost]

    def _oldest(self, _options: CallbackOptions) -> Iterable[Observation]:
        age = self._age()
        return [] if age is None else [Observation(age(), self._attributes)]

    def _now(self) -> DeliveryStats | None:
        stats: Any = self._stats()
        return None if stats is None else stats()
