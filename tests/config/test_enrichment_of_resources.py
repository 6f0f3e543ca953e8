"""Records of every mode carry what Dynatrace's metadata files say: the exporter adds it where the resource lacks it."""

import json
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from doubles.instrumented import run_instrumented
from doubles.strict_server import STRICT_TOKEN, Reply, StrictServer, strict_server
from dt_otlp_logs import DynatraceLogExporter, configure

VIRTUAL_FILE = "dt_metadata_e617c525669e072eebe3d0f08212e8f2.json"
METADATA = {"dt.entity.host": "HOST-1", "host.name": "node-1", "dt.security_context": "team-a"}


@pytest.fixture
def oneagent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that OneAgent's virtual one names; a real file in the working directory stands for that one."""
    target = tmp_path / "1234"
    target.write_text(json.dumps(METADATA))
    (tmp_path / VIRTUAL_FILE).write_text(str(target))
    monkeypatch.chdir(tmp_path)
    return target


def logged(server: StrictServer, exporter: DynatraceLogExporter, *texts: str, **resource: str) -> list[dict[str, str]]:
    """Log through a provider that someone else made; answers the resource of each record that has arrived so far."""
    provider = LoggerProvider(Resource({"service.name": "checkout", **resource}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    for text in texts:
        provider.get_logger("shop").emit(body=text)
    return [attributes for _, attributes in server.records()]


def exporter_for(server: StrictServer, **settings: object) -> DynatraceLogExporter:
    return DynatraceLogExporter(endpoint=server.url, api_token=STRICT_TOKEN, **settings)


def test_a_provider_that_someone_else_made_gets_them(oneagent: Path) -> None:
    with strict_server() as server:
        exporter = exporter_for(server)
        assert logged(server, exporter, "x") == [{"service.name": "checkout", **METADATA}]
        exporter.shutdown()


def test_attributes_that_the_resource_has_win(oneagent: Path) -> None:
    with strict_server() as server:
        exporter = exporter_for(server)
        (resource,) = logged(server, exporter, "x", **{"host.name": "mine"})
        assert (resource["host.name"], resource["dt.entity.host"]) == ("mine", "HOST-1")
        exporter.shutdown()


def test_the_sdks_name_for_a_service_without_one_does_not_win(oneagent: Path) -> None:
    oneagent.write_text('{"service.name": "from-annotation"}')
    with strict_server() as server:
        exporter = exporter_for(server)
        (resource,) = logged(server, exporter, "x", **{"service.name": "unknown_service:python"})
        assert resource["service.name"] == "from-annotation"
        exporter.shutdown()


def test_files_are_read_with_the_first_batch_and_not_before_nor_again(oneagent: Path) -> None:
    with strict_server() as server:
        oneagent.write_text('{"host.name": "not yet"}')
        exporter = exporter_for(server)
        oneagent.write_text('{"host.name": "at the first batch"}')
        logged(server, exporter, "first")
        oneagent.write_text('{"host.name": "later"}')
        resources = logged(server, exporter, "second", "third")
        assert [resource["host.name"] for resource in resources] == ["at the first batch"] * 3
        exporter.shutdown()


def test_without_enrichment_nothing_is_added(oneagent: Path) -> None:
    with strict_server() as server:
        exporter = exporter_for(server, enrich=False)
        assert logged(server, exporter, "x") == [{"service.name": "checkout"}]
        exporter.shutdown()


def test_json_ingest_gets_them_too(oneagent: Path) -> None:
    with strict_server(lambda _: Reply(204)) as server:
        exporter = exporter_for(server, fallback="json-only")
        provider = LoggerProvider(Resource({"service.name": "checkout"}), shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        provider.get_logger("shop").emit(body="x")
        exporter.shutdown()
        ((event,),) = [request.message for request in server.stored_requests]
    assert METADATA.items() <= event.items()


def test_a_queue_on_disk_holds_them(oneagent: Path, tmp_path: Path) -> None:
    with strict_server(lambda _: Reply(503)) as server:
        exporter = exporter_for(server, queue_directory=tmp_path / "queue", shutdown_timeout_seconds=0)
        logged(server, exporter, "x")
        exporter.shutdown()
        oneagent.unlink()
        server.script = lambda _: Reply()
        successor = exporter_for(server, queue_directory=tmp_path / "queue")
        logged(server, successor, "y")
        successor.force_flush(10_000)
        assert [attributes.get("host.name") for _, attributes in server.records()] == ["node-1", None]
        successor.shutdown()


def test_configure_gives_them_to_whatever_exporter(oneagent: Path) -> None:
    for exporter in ("dynatrace", "stock"):
        with strict_server() as server:
            with configure(server.url, STRICT_TOKEN, set_global=False, exporter=exporter):
                logging.getLogger("shop").error("x")
            ((_, resource),) = server.records()
        assert METADATA.items() <= resource.items()


def test_a_bad_file_costs_no_record(oneagent: Path) -> None:
    oneagent.write_bytes(b"\xff{" * 1_000)
    with strict_server() as server:
        exporter = exporter_for(server)
        assert logged(server, exporter, "x") == [{"service.name": "checkout"}]
        assert exporter.stats().delivered == 1
        exporter.shutdown()


@pytest.mark.slow
def test_zero_code_gets_them_without_any_detector(oneagent: Path) -> None:
    with strict_server() as server:
        done = run_instrumented(
            oneagent.parent,
            "import logging\nlogging.error('x')",
            OTEL_LOGS_EXPORTER="dynatrace",
            OTEL_SERVICE_NAME="checkout",
            DT_ENDPOINT=server.url,
            DT_API_TOKEN=STRICT_TOKEN,
        )
        assert done.returncode == 0, done.stderr
        ((_, resource),) = server.records()
    assert METADATA.items() <= resource.items()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_reads_the_files_again(oneagent: Path) -> None:
    # The child may be in another container, or another process to OneAgent.
    script = """
        import os, sys
        from pathlib import Path
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
        from opentelemetry.sdk.resources import Resource
        from dt_otlp_logs import DynatraceLogExporter

        exporter = DynatraceLogExporter()
        provider = LoggerProvider(Resource({}), shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        logger = provider.get_logger("shop")
        logger.emit(body="parent")
        Path("1234").write_text('{"host.name": "child"}')
        if os.fork() == 0:
            logger.emit(body="child")
            os._exit(0)
        os.wait()
        logger.emit(body="parent again")
    """
    with strict_server() as server:
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={**os.environ, "DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN},
            timeout=60,
            check=True,
        )
        hosts = {record.body.string_value: resource["host.name"] for record, resource in server.records()}
    assert hosts == {"parent": "node-1", "child": "child", "parent again": "node-1"}
