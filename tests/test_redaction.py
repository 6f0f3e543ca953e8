"""What `redact` matches leaves the process nowhere: not on disk, not by OTLP, not by JSON ingest."""

import gzip
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from doubles.strict_server import STRICT_TOKEN, Reply, Request, StrictServer, strict_server
from dt_otlp_logs import DynatraceLogExporter, DynatraceLoggingHandler

CARD = "4111111111111111"
PUBLIC = "dt0c01.ST2EY72KQINMH574WMNVI7YN"
SECRET = "G3DFPBEJYMODIDAEX454M7YWBUVEFOWKPRVMWFASS64NFH52PX6BNDVFFM572RZM"
REDACT = "dynatrace-token\n\\d{16}"
TEXT = f"card {CARD}, token {PUBLIC}.{SECRET}"
REDACTED = f"card ***, token {PUBLIC}.***"


class RefusedError(Exception):
    """An exception whose message, cause and stack hold what must not leave."""


def log_everything(exporter: DynatraceLogExporter) -> None:
    """One record with the secrets wherever a text can be: it waits in the queue or is delivered when this returns."""
    provider = LoggerProvider(
        Resource({"service.name": "checkout", "deployment.note": TEXT, "list": [TEXT]}), shutdown_on_exit=False
    )
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    handler = DynatraceLoggingHandler(logger_provider=provider)
    logger = logging.Logger("shop")  # noqa: LOG001  # known to nobody else, and gone with this function
    logger.addHandler(handler)
    logging.addLevelName(35, f"AUDIT-{CARD}")
    try:
        try:
            raise RefusedError(TEXT) from ValueError(TEXT)
        except RefusedError:
            extra = {"note": TEXT, "nested": {"list": [TEXT, {"deep": TEXT}], "odd": Path(TEXT)}, "tuple": (TEXT,)}
            logger.log(35, "charged: %s", TEXT, exc_info=True, stack_info=True, extra=extra)
        logger.warning({"message": TEXT, "map": {"inner": TEXT}})
        provider.get_logger("scope", attributes={"scope.note": TEXT}).emit(
            body={"body": [TEXT]}, attributes={"a": TEXT}
        )
    finally:
        logging._levelToName.pop(35)
        logging._nameToLevel.pop(f"AUDIT-{CARD}")


def exporter_for(server: StrictServer, **settings: object) -> DynatraceLogExporter:
    return DynatraceLogExporter(endpoint=server.url, api_token=STRICT_TOKEN, redact=REDACT, **settings)


def text_of(requests: list[Request]) -> str:
    """All that a server was sent, as text."""
    return "\n".join(
        json.dumps(request.message, ensure_ascii=False) if isinstance(request.message, list) else str(request.message)
        for request in requests
    )


def text_on_disk(directory: Path) -> str:
    """All that is in a queue directory, decompressed where it is compressed, and the names of the files."""
    found = []
    for path in directory.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        start = content.find(b"\x1f\x8b")
        found += [str(path), content.decode("latin-1")]
        if start >= 0:
            found.append(gzip.decompress(content[start:]).decode("latin-1"))
    return "\n".join(found)


def assert_redacted(text: str) -> None:
    assert CARD not in text
    assert SECRET not in text
    # Content, attributes, nested ones, exception and stack, body and scope: far more than ten times in their place.
    assert text.count(REDACTED) > 10


@pytest.fixture
def otlp_and_json() -> Iterator[list[StrictServer]]:
    def no_otlp(request: Request) -> Reply:
        return Reply(404) if "otlp" in request.path else Reply(204)

    with strict_server() as otlp, strict_server(no_otlp) as json_ingest:
        yield [otlp, json_ingest]


def test_neither_route_carries_what_is_redacted(otlp_and_json: list[StrictServer]) -> None:
    for server in otlp_and_json:
        exporter = exporter_for(server)
        log_everything(exporter)
        assert exporter.shutdown()
        assert server.errors == []
        assert len(server.stored) == 3
        assert_redacted(text_of(server.requests))
    assert {request.path for server in otlp_and_json for request in server.stored_requests} == {
        "/api/v2/otlp/v1/logs",
        "/api/v2/logs/ingest",
    }


def test_the_queue_on_disk_holds_nothing_of_it(tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    with strict_server(lambda _: Reply(503)) as server:
        exporter = exporter_for(server, queue_directory=queue, shutdown_timeout_seconds=0)
        log_everything(exporter)
        exporter.shutdown()
        assert exporter.stats().queued == 3
    assert_redacted(text_on_disk(queue))


def test_records_that_were_refused_are_kept_without_it(tmp_path: Path) -> None:
    queue = tmp_path / "queue"

    def refuses_ours(request: Request) -> Reply:
        return Reply(400) if any(content.startswith(("card", "charged")) for content in request.contents) else Reply()

    with strict_server(refuses_ours) as server:
        exporter = exporter_for(server, queue_directory=queue)
        log_everything(exporter)
        exporter.force_flush(10_000)
        exporter.shutdown()
        assert exporter.stats().rejected == 2
    assert_redacted(text_on_disk(queue))


def attributes_of(pairs: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in pairs}


def test_what_remains_reads_as_before(otlp_and_json: list[StrictServer]) -> None:
    server = otlp_and_json[0]
    exporter = exporter_for(server)
    log_everything(exporter)
    exporter.shutdown()
    record, resource = server.records()[0]
    attributes = attributes_of(record.attributes)
    assert record.body.string_value == f"charged: {REDACTED}"
    assert attributes["note"] == REDACTED
    assert attributes["exception.message"] == REDACTED
    assert attributes["exception.stacktrace"].count(REDACTED) == 2
    assert attributes["log.raw_level"] == "AUDIT-***"
    assert resource["deployment.note"] == REDACTED
    assert resource["service.name"] == "checkout"
    (scope,) = [
        scope.scope
        for request in server.stored_requests
        for resource_logs in request.message.resource_logs
        for scope in resource_logs.scope_logs
        if scope.scope.name == "scope"
    ]
    assert attributes_of(scope.attributes) == {"scope.note": REDACTED}


def test_names_are_not_redacted() -> None:
    # Names of attributes and loggers are written in the program, and two that became *** would be one.
    with strict_server() as server:
        exporter = exporter_for(server)
        provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        provider.get_logger(f"logger.{CARD}").emit(body="x", attributes={CARD: "y"})
        exporter.shutdown()
        (record, _) = server.records()[0]
        (request,) = server.stored_requests
    assert attributes_of(record.attributes) == {CARD: "y"}
    assert request.message.resource_logs[0].scope_logs[0].scope.name == f"logger.{CARD}"


def test_patterns_apply_in_the_order_they_are_given() -> None:
    with strict_server() as server:
        exporter = DynatraceLogExporter(
            endpoint=server.url, api_token=STRICT_TOKEN, redact=[re.compile("a+"), r"\*{3}b"]
        )
        provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        provider.get_logger("x").emit(body="aaab ab c")
        exporter.shutdown()
        assert server.stored == ["*** *** c"]


def test_a_text_for_which_redaction_takes_too_long_is_not_sent_and_counted() -> None:
    pytest.importorskip("regex")
    with strict_server() as server:
        exporter = DynatraceLogExporter(endpoint=server.url, api_token=STRICT_TOKEN, redact="(a|aa)+$")
        provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        provider.get_logger("x").emit(body="a" * 60 + "!")
        exporter.shutdown()
        assert server.stored == ["*** [dt_otlp_logs: left out, since redaction took too long]"]
        assert exporter.stats().replaced == 1
