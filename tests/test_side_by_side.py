"""Our exporter among other processors and exporters, on providers that others made: none of them costs another one."""

import copy
import logging
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import (
    ConcurrentMultiLogRecordProcessor,
    LoggerProvider,
    LogRecordProcessor,
    ReadableLogRecord,
    ReadWriteLogRecord,
)
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    InMemoryLogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource

from doubles.otlp_receiver import otlp_receiver
from doubles.strict_server import STRICT_TOKEN, StrictServer, strict_server
from dt_otlp_logs import DynatraceLogExporter, configure

RESOURCE = Resource({"service.name": "checkout"})
NUMBERS = [f"record {number}" for number in range(1000)]


def ours(server: StrictServer, **settings: object) -> DynatraceLogExporter:
    return DynatraceLogExporter(endpoint=server.url, api_token=STRICT_TOKEN, **settings)


def provider_with(*processors: LogRecordProcessor, concurrent: bool = False) -> LoggerProvider:
    several = ConcurrentMultiLogRecordProcessor(len(processors)) if concurrent else None
    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False, multi_log_record_processor=several)
    for processor in processors:
        provider.add_log_record_processor(processor)
    return provider


def emit_numbers(provider: LoggerProvider) -> None:
    logger = provider.get_logger("app")
    for content in NUMBERS:
        logger.emit(severity_number=SeverityNumber.WARN, body=content)


class Raising(InMemoryLogRecordExporter):
    """Fails at whatever it is asked to do with records."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        raise ValueError("a neighbour's fault")


class Blocked(InMemoryLogRecordExporter):
    """Does not come back from an export before it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.released = threading.Event()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.begun.set()
        self.released.wait(60)
        return super().export(batch)


def test_console_memory_another_receiver_and_ours_each_get_every_record_once() -> None:
    memory = InMemoryLogRecordExporter()
    printed: list[str] = []

    class Paper:
        write = printed.append

        def flush(self) -> None:
            pass

    with strict_server() as server, otlp_receiver() as receiver:
        exporter = ours(server)
        provider = provider_with(
            SimpleLogRecordProcessor(ConsoleLogRecordExporter(out=Paper())),
            BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{receiver.url}/v1/logs")),
            BatchLogRecordProcessor(exporter),
            SimpleLogRecordProcessor(memory),
        )
        emit_numbers(provider)
        provider.shutdown()
    assert server.errors == []
    assert server.stored == receiver.contents == NUMBERS
    assert [record.log_record.body for record in memory.get_finished_logs()] == NUMBERS
    assert len(printed) == len(NUMBERS)
    assert {resource["service.name"] for _, resource in server.records()} == {"checkout"}
    stats = exporter.stats()
    assert (stats.accepted, stats.delivered) == (1000, 1000)


@pytest.mark.parametrize("processor", [BatchLogRecordProcessor, SimpleLogRecordProcessor])
@pytest.mark.parametrize("concurrent", [False, True], ids=["one after another", "concurrently"])
def test_an_exporter_that_raises_costs_ours_no_record(
    processor: type[LogRecordProcessor], concurrent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with strict_server() as server:
        provider = provider_with(
            processor(Raising()),  # type: ignore[call-arg]
            BatchLogRecordProcessor(ours(server)),
            concurrent=concurrent,
        )
        emit_numbers(provider)
        provider.shutdown()
    assert (server.errors, sorted(server.stored)) == ([], sorted(NUMBERS))


@pytest.mark.parametrize("concurrent", [False, True], ids=["one after another", "concurrently"])
def test_an_exporter_that_hangs_does_not_hold_up_ours(concurrent: bool) -> None:
    blocked = Blocked()
    with strict_server() as server:
        exporter = ours(server)
        processor = BatchLogRecordProcessor(exporter)
        provider = provider_with(BatchLogRecordProcessor(blocked), processor, concurrent=concurrent)
        emit_numbers(provider)
        processor.force_flush()
        assert exporter.force_flush(30_000)
        assert blocked.begun.wait(30)
        assert sorted(server.stored) == sorted(NUMBERS), "delivered while the other one hangs"
        blocked.released.set()
        provider.shutdown()
    assert sorted(record.log_record.body for record in blocked.get_finished_logs()) == sorted(NUMBERS)


def test_behind_a_simple_processor_a_record_is_delivered_when_emit_returns() -> None:
    with strict_server() as server:
        exporter = ours(server)
        provider = provider_with(SimpleLogRecordProcessor(exporter))
        for content in NUMBERS[:50]:
            provider.get_logger("app").emit(body=content)
            assert server.stored[-1] == content
        provider.shutdown()
    assert server.stored == NUMBERS[:50]


class Before(LogRecordProcessor):
    """What people put in front of an exporter's processor: looks at a record, and hands it on or does not."""

    def __init__(self, following: LogRecordProcessor) -> None:
        self.following = following

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        record = log_record.log_record
        if record.severity_number is not None and record.severity_number.value >= SeverityNumber.WARN.value:
            record.attributes = {**(record.attributes or {}), "tenant": "acme"}
            record.body = f"{record.body} (seen)"
            self.following.on_emit(log_record)

    def shutdown(self) -> None:
        self.following.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.following.force_flush(timeout_millis)


def test_behind_a_filtering_and_enriching_processor_what_it_lets_through_arrives_as_it_left_it() -> None:
    with strict_server() as server:
        provider = provider_with(Before(BatchLogRecordProcessor(ours(server))))
        logger = provider.get_logger("app")
        logger.emit(severity_number=SeverityNumber.INFO, body="not this")
        logger.emit(severity_number=SeverityNumber.ERROR, body="this", attributes={"order": 42})
        assert provider.force_flush()
        provider.shutdown()
    ((record, resource),) = server.records()
    assert record.body.string_value == "this (seen)"
    assert {pair.key: pair.value.string_value or pair.value.int_value for pair in record.attributes} == {
        "order": 42,
        "tenant": "acme",
    }
    assert resource["service.name"] == "checkout"


def hostile_record() -> LogRecord:
    """Whatever an exporter may be tempted to put right in place: too long, to be redacted, nested, not encodable."""
    return LogRecord(
        severity_number=SeverityNumber.INFO,
        severity_text="not a level",
        body={"token": "secret-1", "nested": {"deep": ["x" * 100, None, b"\xff", float("nan"), 2**80]}},
        attributes={
            "long": "y" * 100_000,
            "k" * 300: "a key that is too long",
            "secret": "secret-2",
            "service.name": "collides with the resource",
            "many": [str(number) for number in range(100)],
            "map": {"a": {"b": {"c": {"d": {"e": {"f": "deep"}}}}}},
        },
    )


@pytest.mark.parametrize("ours_first", [True, False])
def test_others_see_the_record_as_it_was_emitted(ours_first: bool) -> None:
    alone, beside = InMemoryLogRecordExporter(), InMemoryLogRecordExporter()
    provider_with(SimpleLogRecordProcessor(alone)).get_logger("app").emit(hostile_record())
    with strict_server() as server:
        processors = [
            SimpleLogRecordProcessor(ours(server, redact=["secret"], limits="classic")),
            SimpleLogRecordProcessor(beside),
        ]
        provider = provider_with(*(processors if ours_first else reversed(processors)))
        provider.get_logger("app").emit(hostile_record())
        provider.shutdown()
    assert len(server.requests) == 1
    (expected,), (seen,) = alone.get_finished_logs(), beside.get_finished_logs()
    assert repr(seen.log_record.body) == repr(expected.log_record.body)
    assert dict(seen.log_record.attributes) == dict(expected.log_record.attributes)
    assert (seen.log_record.severity_text, seen.log_record.severity_number) == ("not a level", SeverityNumber.INFO)
    assert (seen.log_record.timestamp, seen.log_record.event_name) == (None, None)
    assert seen.resource.attributes == RESOURCE.attributes


def test_the_values_an_application_logs_are_not_changed_by_delivery() -> None:
    body, attributes = {"list": [1, {"a": "secret"}]}, {"map": {"list": ["secret", 2]}}
    before = copy.deepcopy((body, attributes))
    with strict_server() as server:
        provider = provider_with(BatchLogRecordProcessor(ours(server, redact=["secret"])))
        provider.get_logger("app").emit(body=body, attributes=attributes)
        provider.shutdown()
    assert len(server.requests) == 1
    assert (body, attributes) == before


def test_configure_joins_a_provider_that_someone_else_made_and_leaves_its_exporters_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = InMemoryLogRecordExporter()
    provider = provider_with(SimpleLogRecordProcessor(memory))
    monkeypatch.setattr("dt_otlp_logs.pipeline.get_logger_provider", lambda: provider)
    with strict_server() as server:
        with configure(server.url, STRICT_TOKEN):
            logging.getLogger("app").error("both get this")
        logging.getLogger("app").error("nobody gets this")
        provider.get_logger("app").emit(body="the other exporter goes on")
        provider.shutdown()
    assert server.stored == ["both get this"]
    assert [record.log_record.body for record in memory.get_finished_logs()] == [
        "both get this",
        "the other exporter goes on",
    ]


AT_THE_END = """
    import logging, sys
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.sdk._logs import ConcurrentMultiLogRecordProcessor, LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
    import dt_otlp_logs

    class Raising(InMemoryLogRecordExporter):
        def shutdown(self):
            raise ValueError("a neighbour's fault")

    several = ConcurrentMultiLogRecordProcessor() if sys.argv[1] == "concurrently" else None
    provider = LoggerProvider(multi_log_record_processor=several)
    provider.add_log_record_processor(BatchLogRecordProcessor(Raising()))
    set_logger_provider(provider)
    dt_otlp_logs.configure()
    for number in range(1000):
        logging.error("record %d", number)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["one after another", "concurrently"])
def test_a_neighbour_that_fails_at_the_end_of_the_process_costs_no_record(how: str, tmp_path: Path) -> None:
    # The concurrent one cannot hand anything over there: its pool has ended by then
    # (https://github.com/open-telemetry/opentelemetry-python/issues/5568).
    script = tmp_path / "app.py"
    script.write_text(textwrap.dedent(AT_THE_END))
    with strict_server() as server:
        done = subprocess.run(
            [sys.executable, str(script), how],
            env={**os.environ, "DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "lost" not in done.stderr
    assert (server.errors, sorted(server.stored)) == ([], sorted(NUMBERS))


@pytest.mark.slow
def test_the_example_sends_all_to_the_one_and_warnings_to_dynatrace_too() -> None:
    example = Path(__file__).parent.parent / "examples" / "side_by_side.py"
    with strict_server() as server, otlp_receiver() as receiver:
        done = subprocess.run(
            [sys.executable, str(example)],
            env={
                **os.environ,
                "DT_ENDPOINT": server.url,
                "DT_API_TOKEN": STRICT_TOKEN,
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            },
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert (server.errors, server.stored) == ([], ["card declined"])
    assert receiver.contents == ["order received", "card declined"]
    assert {resource["service.name"] for _, resource in server.records() + receiver.records} == {"checkout"}
