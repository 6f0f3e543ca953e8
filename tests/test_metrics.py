"""The exporter's own metrics, read with the SDK's in-memory reader."""

import time

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from doubles.strict_server import STRICT_TOKEN, Reply, strict_server
from dt_otlp_logs import DynatraceLogExporter


def collect(reader: InMemoryMetricReader) -> dict[str, dict[str, float]]:
    """name -> error.type (or "") -> value; for histograms the number of measurements."""
    found: dict[str, dict[str, float]] = {}
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    value = point.count if hasattr(point, "count") else point.value
                    found.setdefault(metric.name, {})[point.attributes.get("error.type", "")] = value
                    assert point.attributes["server.address"] == "127.0.0.1"
    return found


def records(count: int) -> list[ReadableLogRecord]:
    resource = Resource({})
    return [ReadableLogRecord(LogRecord(timestamp=time.time_ns(), body=f"record {n}"), resource) for n in range(count)]


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


def test_records_are_counted_on_their_outcome_under_the_sdks_names(reader: InMemoryMetricReader) -> None:
    meters = MeterProvider([reader])
    with strict_server(lambda r: Reply(400) if "record 3" in r.contents else Reply()) as server:
        exporter = DynatraceLogExporter(endpoint=server.url, api_token=STRICT_TOKEN, meter_provider=meters)
        exporter.export(records(10))
        exporter.force_flush(5_000)
        metrics = collect(reader)
        exporter.shutdown()
    assert metrics["otel.sdk.exporter.log.exported"] == {"": 9, "rejected": 1}
    assert metrics["otel.sdk.exporter.log.inflight"] == {"": 0}
    assert metrics["otel.sdk.exporter.operation.duration"]["400"] >= 1
    assert metrics["otel.sdk.exporter.operation.duration"][""] >= 1


def test_what_waits_is_in_flight_and_has_an_age(reader: InMemoryMetricReader) -> None:
    meters = MeterProvider([reader])
    with strict_server(lambda _: Reply(503)) as server:
        exporter = DynatraceLogExporter(endpoint=server.url, api_token=STRICT_TOKEN, meter_provider=meters)
        exporter.export(records(10))
        metrics = collect(reader)
        exporter.shutdown(0)
    assert metrics["otel.sdk.exporter.log.inflight"] == {"": 10}
    assert metrics["dt_otlp_logs.exporter.queue.size"] == {"": 10}
    assert 0 <= metrics["dt_otlp_logs.exporter.queue.oldest_age"][""] < 60
    assert metrics["otel.sdk.exporter.log.exported"] == {"": 0}
    assert collect(reader)["otel.sdk.exporter.log.exported"] == {"": 0, "shutdown": 10}


def test_a_reader_keeps_no_exporter_alive(reader: InMemoryMetricReader) -> None:
    import gc
    import weakref

    meters = MeterProvider([reader])
    exporter = DynatraceLogExporter(
        endpoint="https://abc12345.live.dynatrace.com", api_token=STRICT_TOKEN, meter_provider=meters
    )
    gone = weakref.ref(exporter)
    exporter.shutdown()
    del exporter
    gc.collect()
    assert gone() is None
    assert collect(reader) == {}
