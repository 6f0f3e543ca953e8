"""The exporter in OpenTelemetry's hands: what the SDK calls, and what arrives at the emulator."""

import logging
import threading
import time
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from doubles.otlp_receiver import otlp_receiver
from dt_otlp_logs import ConfigError, DynatraceJsonLogExporter, DynatraceLogExporter, DynatraceLoggingHandler
from dt_otlp_logs.emulator import EmulatorSettings, Fault, RunningEmulator, running_emulator
from dt_otlp_logs.processor import DynatraceBatchLogRecordProcessor

RESOURCE = Resource({"service.name": "checkout"})


def exporter_for(emulator: RunningEmulator, **settings: object) -> DynatraceLogExporter:
    return DynatraceLogExporter(endpoint=emulator.url, api_token=emulator.api_token, **settings)


def records(count: int, start: int = 0) -> list[ReadableLogRecord]:
    return [
        ReadableLogRecord(
            LogRecord(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body=f"record {number}",
                attributes={"number": number},
            ),
            RESOURCE,
        )
        for number in range(start, start + count)
    ]


def test_export_waits_until_the_records_are_delivered(emulator: RunningEmulator) -> None:
    exporter = exporter_for(emulator)
    assert exporter.export(records(3)) is LogRecordExportResult.SUCCESS
    assert [record["content"] for record in emulator.records()] == ["record 0", "record 1", "record 2"]
    assert exporter.stats().delivered == 3
    assert exporter.shutdown()


def test_a_request_is_gzipped_protobuf_with_the_token_and_our_name(emulator: RunningEmulator) -> None:
    exporter = exporter_for(emulator)
    exporter.export(records(1))
    (request,) = emulator.requests()
    assert request["path"] == "/api/v2/otlp/v1/logs"
    assert (request["content_type"], request["content_encoding"]) == ("application/x-protobuf", "gzip")
    assert request["user_agent"].startswith("dt-otlp-logs/")
    exporter.shutdown()


def test_json_ingest_stores_the_same_records(emulator: RunningEmulator) -> None:
    exporter = DynatraceJsonLogExporter(endpoint=emulator.url, api_token=emulator.api_token)
    exporter.export(records(2))
    assert {request["path"] for request in emulator.requests()} == {"/api/v2/logs/ingest"}
    first = emulator.records()[0]
    assert (first["content"], first["loglevel"], first["service.name"], first["number"]) == (
        "record 0",
        "INFO",
        "checkout",
        0,
    )
    exporter.shutdown()


def test_json_takes_over_where_the_otlp_route_is_missing(emulator: RunningEmulator) -> None:
    emulator.order(Fault(status=404, path="otlp"))
    exporter = exporter_for(emulator)
    assert exporter.export(records(2)) is LogRecordExportResult.SUCCESS
    assert len(emulator.records()) == 2
    assert exporter.stats().route.endswith("/api/v2/logs/ingest")
    exporter.shutdown()


def test_compression_can_be_switched_off(emulator: RunningEmulator) -> None:
    exporter = exporter_for(emulator, compression="none")
    exporter.export(records(1))
    assert emulator.requests()[0]["content_encoding"] in (None, "", "identity")
    assert len(emulator.records()) == 1
    exporter.shutdown()


def test_an_outage_ends_the_waiting_of_export_and_loses_nothing(emulator: RunningEmulator) -> None:
    exporter = exporter_for(emulator)
    emulator.order(Fault(status=503, seconds=1.0))
    assert exporter.export(records(5)) is LogRecordExportResult.SUCCESS
    stats = exporter.stats()
    assert (stats.queued, stats.delivered) == (5, 0)
    assert "HTTP 503" in stats.held_up
    assert exporter.force_flush(10_000)
    assert len(emulator.records()) == 5
    exporter.shutdown()


def test_a_flush_says_false_once_after_a_loss(emulator: RunningEmulator) -> None:
    exporter = exporter_for(emulator)
    emulator.order(Fault(rejected_records=1, times=1))
    exporter.export(records(3))
    assert not exporter.force_flush(5_000)
    assert exporter.stats().rejected == 1
    exporter.export(records(3))
    assert exporter.force_flush(5_000)
    exporter.shutdown()


def test_records_exported_after_shutdown_are_counted_as_lost(emulator: RunningEmulator) -> None:
    exporter = exporter_for(emulator)
    exporter.shutdown()
    assert exporter.export(records(2)) is LogRecordExportResult.FAILURE
    assert exporter.stats().dropped == 2


def test_records_logged_after_the_providers_shutdown_are_counted_and_said(
    emulator: RunningEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    exporter = exporter_for(emulator)
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(DynatraceBatchLogRecordProcessor(exporter))
    log = provider.get_logger("shop")
    log.emit(LogRecord(body="in time"))
    provider.shutdown()
    log.emit(LogRecord(body="too late"))
    stats = exporter.stats()
    assert (stats.accepted, stats.delivered, stats.dropped) == (2, 1, 1)
    assert "1 record" in capsys.readouterr().err


def test_records_logged_during_a_shutdown_that_lasts_are_counted() -> None:
    with running_emulator() as emulator:
        endpoint = emulator.url
    exporter = DynatraceLogExporter(endpoint=endpoint, api_token="dt0c01.PUBLIC.SECRET", shutdown_timeout_seconds=1.0)
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(DynatraceBatchLogRecordProcessor(exporter))
    log = provider.get_logger("shop")
    log.emit(LogRecord(body="before"))
    ending = threading.Thread(target=provider.shutdown)
    ending.start()
    during = 0
    while ending.is_alive():
        log.emit(LogRecord(body="during"))
        during += 1
        time.sleep(0.05)
    ending.join()
    stats = exporter.stats()
    assert stats.accepted == stats.dropped == 1 + during > 2


def test_made_without_arguments_a_missing_configuration_raises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    exporter = DynatraceLogExporter()
    assert exporter.export(records(3)) is LogRecordExportResult.FAILURE
    assert exporter.stats().reasons == {"not configured": 3}
    assert exporter.stats().accepted == exporter.stats().dropped == 3
    assert not exporter.force_flush()
    exporter.shutdown()
    said = capsys.readouterr().err
    assert "DT_ENDPOINT" in said
    assert "Traceback" not in said


def test_made_with_arguments_a_wrong_configuration_is_an_error_with_every_problem() -> None:
    with pytest.raises(ConfigError) as error:
        DynatraceLogExporter(endpoint="ftp://x", api_token="", timeout_seconds="never")
    assert {problem.key for problem in error.value.problems} == {"endpoint", "api_token", "timeout_seconds"}


def test_the_environment_configures_it(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DT_ENDPOINT", emulator.url)
    monkeypatch.setenv("DT_API_TOKEN", emulator.api_token)
    exporter = DynatraceLogExporter()
    exporter.export(records(1))
    assert len(emulator.records()) == 1
    exporter.shutdown()


def test_the_operators_variables_configure_it(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", f"{emulator.url}/e/abc12345/api/v2/otlp/v1/logs")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_HEADERS", f"authorization=Api-Token {emulator.api_token}")
    exporter = DynatraceLogExporter()
    exporter.export(records(1))
    assert len(emulator.records()) == 1
    exporter.shutdown()


def test_an_unencodable_value_costs_no_record(emulator: RunningEmulator) -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    batch = records(3)
    batch[1].log_record.body = {"a": Hostile()}
    exporter = exporter_for(emulator)
    assert exporter.export(batch) is LogRecordExportResult.SUCCESS
    assert len(emulator.records()) == 3
    stats = exporter.stats()
    assert (stats.delivered, stats.rejected, stats.dropped) == (3, 0, 0)
    assert stats.replaced == 1
    exporter.shutdown()


def test_what_is_cut_is_counted_and_said_on_the_record(emulator: RunningEmulator) -> None:
    batch = records(2)
    batch[0].log_record.attributes = {"long": "x" * 40_000, "many": list(range(40))}
    exporter = exporter_for(emulator)
    exporter.export(batch)
    cut, whole = emulator.records()
    assert cut["dt_otlp_logs.warnings"] == ["attr_val_count_trimmed: 8", "attr_val_size_trimmed"]
    assert "dt_otlp_logs.warnings" not in whole
    assert exporter.stats().truncated == 1 + 8  # a text, and what the array had too many
    exporter.shutdown()


MAP_BODY = {"message": "paid", "order": {"id": 42}}
AS_TEXT = {"content": '{"message":"paid","order":{"id":42}}', "order.id": None}


def record_with_map_body() -> list[ReadableLogRecord]:
    batch = records(1)
    batch[0].log_record.body = MAP_BODY
    return batch


@pytest.mark.parametrize(
    ("tenant", "settings", "expected"),
    [
        ({"profile": "classic"}, {"limits": "classic"}, {"content": "paid", "order.id": "42"}),
        ({"structure": "raw"}, {}, AS_TEXT),
        ({"structure": "flattened"}, {}, AS_TEXT),
        ({"structure": "flattened"}, {"structure": "raw"}, AS_TEXT),
        ({"structure": "raw"}, {"structure": "flattened"}, {"content": "paid", "order.id": 42}),
    ],
    ids=str,
)
def test_a_map_as_the_body_is_stored_alike_by_both_routes(
    tenant: dict[str, Any], settings: dict[str, str], expected: dict[str, object]
) -> None:
    stored = []
    for fallback in ("never", "json-only"):
        with running_emulator(EmulatorSettings(**tenant)) as emulator:
            exporter = exporter_for(emulator, fallback=fallback, **settings)
            exporter.export(record_with_map_body())
            exporter.shutdown()
            (record,) = emulator.records()
            stored.append({key: record.get(key) for key in expected})
    assert stored == [expected] * 2


def test_a_map_as_the_body_stays_one_on_its_way_to_a_collector() -> None:
    with otlp_receiver() as collector:
        exporter = DynatraceLogExporter(endpoint=f"{collector.url}/v1/logs")
        exporter.export(record_with_map_body())
        exporter.shutdown()
    ((record, _),) = collector.records
    assert record.body == encode_logs(record_with_map_body()).resource_logs[0].scope_logs[0].log_records[0].body


def test_the_note_of_our_handler_is_no_attribute_where_opentelemetrys_handler_sends_the_record(
    emulator: RunningEmulator,
) -> None:
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter_for(emulator)))
    DynatraceLoggingHandler()  # from now on records note their span
    logger = logging.getLogger("theirs")
    logger.addHandler(handler := LoggingHandler(logger_provider=provider))
    with TracerProvider().get_tracer("test").start_as_current_span("span"):
        logger.error("hello")
    logger.removeHandler(handler)
    (record,) = emulator.records()
    assert record["trace_id"]
    assert not [name for name in record if "traceparent" in name]
    provider.shutdown()


def test_a_simple_processor_delivers_each_record_before_it_returns(emulator: RunningEmulator) -> None:
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter_for(emulator)))
    provider.get_logger("x").emit(body="one")
    assert [record["content"] for record in emulator.records()] == ["one"]
    provider.shutdown()


def test_a_provider_shutdown_delivers_what_is_queued_and_returns_in_time(emulator: RunningEmulator) -> None:
    exporter = exporter_for(emulator)
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=60_000))
    provider.get_logger("x").emit(body="last words")
    provider.shutdown()
    assert [record["content"] for record in emulator.records()] == ["last words"]


def test_a_root_logger_at_debug_comes_to_rest(emulator: RunningEmulator) -> None:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    exporter = exporter_for(emulator)
    provider = LoggerProvider(RESOURCE)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=50))
    root = logging.getLogger()
    handler, level = LoggingHandler(logger_provider=provider), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        logging.getLogger("app").debug("only this")
        assert provider.force_flush()
        assert exporter.force_flush(5_000)
        time.sleep(0.3)  # six schedule delays in which a feedback loop would post on
        assert [record["content"] for record in emulator.records() if record["otel.scope.name"] != "asyncio"] == [
            "only this"
        ]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        provider.shutdown()
