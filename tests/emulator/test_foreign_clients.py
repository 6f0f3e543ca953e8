"""Senders nobody here wrote: the stock Python exporter, the rotel agent, and OpenTelemetry's Node exporter."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

NODE = Path(__file__).parent / "node"


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_stock_exporter_delivers(emulator, compression: Compression) -> None:
    exporter = OTLPLogExporter(
        endpoint=emulator.url + "/e/abc12345/api/v2/otlp/v1/logs",
        headers={"authorization": f"Api-Token {emulator.api_token}"},
        compression=compression,
    )
    provider = LoggerProvider(Resource({"service.name": "stock"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    stamp = time.time_ns()
    record = LogRecord(
        timestamp=stamp,
        severity_text="ERROR",
        severity_number=SeverityNumber.ERROR,
        body="from the stock exporter",
        attributes={"n": 1, "list": ["a", "b"], "nested": {"k": True}},
    )
    provider.get_logger("stock.logger", "3").emit(record)
    [stored] = emulator.wait_for(1)
    provider.shutdown()
    assert stored["timestamp"].endswith(f"{stamp % 10**9:09d}Z")
    assert (stored["content"], stored["loglevel"], stored["service.name"]) == (
        "from the stock exporter",
        "ERROR",
        "stock",
    )
    assert (stored["n"], stored["list"], stored["nested.k"]) == (1, ["a", "b"], True)
    assert (stored["otel.scope.name"], stored["otel.scope.version"]) == ("stock.logger", "3")
    [request] = emulator.requests()
    assert request["content_encoding"] == (None if compression is Compression.NoCompression else compression.value)
    assert request["user_agent"].startswith("OTel-OTLP-Exporter-Python/")


def test_the_stock_exporter_with_a_wrong_token_stores_nothing(emulator) -> None:
    exporter = OTLPLogExporter(
        endpoint=emulator.url + "/api/v2/otlp/v1/logs", headers={"authorization": "Api-Token no"}
    )
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("stock").emit(LogRecord(body="x"))
    provider.shutdown()
    assert [request["status"] for request in emulator.requests()] == [401]
    assert emulator.records() == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def rotel(emulator, tmp_path: Path) -> Iterator[str]:
    """The rotel agent, forwarding what it receives by OTLP/HTTP to the emulator; answers its own URL."""
    found = importlib.util.find_spec("rotel")
    binary = Path(found.origin).parent / "rotel-agent" if found is not None and found.origin else None
    if binary is None or not binary.exists():
        pytest.skip("the rotel agent is not installed")
    version = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=20, check=False)
    if version.returncode == 127:
        pytest.skip(f"the rotel agent cannot start here: {version.stderr.strip().partition(': ')[2]}")
    http, grpc = free_port(), free_port()
    command = [str(binary), "start", "--otlp-http-endpoint", f"127.0.0.1:{http}"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--pid-file", str(tmp_path / "pid")]
    command += ["--exporter", "otlp", "--otlp-exporter-protocol", "http"]
    command += ["--otlp-exporter-endpoint", emulator.url + "/e/abc12345/api/v2/otlp"]
    command += ["--otlp-exporter-custom-headers", f"Authorization=Api-Token {emulator.api_token}"]
    command += ["--otlp-exporter-retry-initial-backoff", "50ms", "--batch-timeout", "50ms"]
    log = (tmp_path / "log").open("w")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_for_port(http, process)
            yield f"http://127.0.0.1:{http}"
        finally:
            process.terminate()
            process.wait(10)


def wait_for_port(port: int, process: subprocess.Popen[Any]) -> None:
    for _ in range(200):
        assert process.poll() is None, "rotel ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("rotel does not listen")


def test_the_rotel_agent_forwards(emulator, rotel: str, otlp_request) -> None:
    stamp = time.time_ns()
    record = {"time_unix_nano": stamp, "severity_text": "WARN", "body": "through rotel", "attributes": {"k": [1, 2]}}
    message = otlp_request(record, record, resource={"service.name": "behind-rotel"}, scope_name="s")
    reply = urllib3.request(
        "POST",
        rotel + "/v1/logs",
        body=message.SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        retries=False,
        timeout=10,
    )
    assert reply.status == 200
    for stored in emulator.wait_for(2, timeout_seconds=15):
        assert stored["timestamp"].endswith(f"{stamp % 10**9:09d}Z")
        assert (stored["content"], stored["loglevel"], stored["k"]) == ("through rotel", "WARN", [1, 2])
        assert (stored["service.name"], stored["otel.scope.name"]) == ("behind-rotel", "s")
    [request] = emulator.requests()
    assert (request["status"], request["content_encoding"]) == (200, "gzip")


def test_the_rotel_agent_tries_again_after_a_503(emulator, rotel: str, otlp_request) -> None:
    from dt_otlp_logs.emulator import Fault

    emulator.order(Fault(status=503, times=1))
    urllib3.request(
        "POST",
        rotel + "/v1/logs",
        body=otlp_request({"body": "again"}).SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        retries=False,
        timeout=10,
    )
    assert [record["content"] for record in emulator.wait_for(1, timeout_seconds=15)] == ["again"]
    assert [request["status"] for request in emulator.requests()] == [503, 200]


def test_the_node_exporter_delivers(emulator) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if not (NODE / "node_modules").is_dir():
        pytest.skip("tests/emulator/node/node_modules is missing: run `npm ci` there")
    environment = {
        "PATH": os.environ["PATH"],
        "OTEL_EXPORTER_OTLP_ENDPOINT": emulator.url + "/api/v2/otlp",
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Api-Token%20{emulator.api_token}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    done = subprocess.run([node, "send.mjs"], cwd=NODE, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    [stored] = emulator.wait_for(1)
    assert (stored["content"], stored["loglevel"], stored["status"]) == ("from node", "ERROR", "ERROR")
    assert (stored["service.name"], stored["otel.scope.name"]) == ("node-app", "node.logger")
    assert (stored["text"], stored["whole"], stored["part"], stored["yes"]) == ("ä", 42, 1.5, True)
    assert (stored["list"], stored["map.inner"], stored["bytes"]) == (["a", "b"], 1, "aGVsbG8gd29ybGQ=")
    assert stored["trace_id"] == "5b8efff798038103d269b633813fc60c"
    assert stored["span_id"] == "eee19b7ec3c1b174"
    assert json.loads(done.stdout) == {"sent": 1}
    [request] = emulator.requests()
    assert (request["status"], request["content_encoding"]) == (200, "gzip")
