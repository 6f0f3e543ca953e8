"""Through a gateway: our exporter to an OTLP receiver, which forwards to Dynatrace with a token of its own."""

import importlib.util
import logging
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.sdk.trace import TracerProvider

from doubles.instrumented import run_instrumented
from doubles.otlp_receiver import otlp_receiver
from doubles.strict_server import STRICT_TOKEN, Reply, Request, StrictServer, strict_server
from dt_otlp_logs import configure

NUMBERS = [f"record {number}" for number in range(1000)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Unavailable:
    """Answers 503 until told otherwise."""

    def __init__(self) -> None:
        self.available = True

    def __call__(self, _: Request) -> Reply:
        return Reply() if self.available else Reply(503)


@pytest.fixture
def dynatrace_behind() -> Iterator[tuple[StrictServer, Unavailable]]:
    """What the gateway forwards to: it accepts nothing without the token."""
    script = Unavailable()
    with strict_server(script) as server:
        yield server, script


@pytest.fixture
def gateway(dynatrace_behind: tuple[StrictServer, Unavailable], tmp_path: Path) -> Iterator[str]:
    """The rotel agent as a gateway; answers the URL of its OTLP/HTTP receiver."""
    found = importlib.util.find_spec("rotel")
    binary = Path(found.origin).parent / "rotel-agent" if found is not None and found.origin else None
    if binary is None or not binary.exists():
        pytest.skip("the rotel agent is not installed")
    version = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=60, check=False)
    if version.returncode == 127:
        pytest.skip(f"the rotel agent cannot start here: {version.stderr.strip().partition(': ')[2]}")
    http, grpc = free_port(), free_port()
    command = [str(binary), "start", "--otlp-http-endpoint", f"127.0.0.1:{http}"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--pid-file", str(tmp_path / "pid")]
    command += ["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--batch-timeout", "50ms"]
    command += ["--otlp-exporter-endpoint", dynatrace_behind[0].url + "/api/v2/otlp"]
    command += ["--otlp-exporter-custom-headers", f"Authorization=Api-Token {STRICT_TOKEN}"]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_for_port(http, process)
            yield f"http://127.0.0.1:{http}"
        finally:
            process.terminate()
            process.wait(30)


def wait_for_port(port: int, process: subprocess.Popen[Any]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the gateway ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the gateway does not listen")


def wait_for(server: StrictServer, count: int) -> None:
    for _ in range(1200):
        if len(server.stored) >= count:
            return
        time.sleep(0.05)
    pytest.fail(f"{len(server.stored)} of {count} records came through")


@pytest.mark.slow
def test_every_record_comes_through_once_with_service_severity_and_trace(
    gateway: str, dynatrace_behind: tuple[StrictServer, Unavailable]
) -> None:
    server, _ = dynatrace_behind
    tracer = TracerProvider().get_tracer("test")
    with configure(f"{gateway}/v1/logs", service_name="checkout", level=logging.INFO, set_global=False) as pipeline:
        with tracer.start_as_current_span("work") as span:
            logging.getLogger("app").warning("inside a span", extra={"order.id": 42})
        for content in NUMBERS:
            logging.getLogger("app").info(content)
        assert pipeline.flush(30.0)
        wait_for(server, 1001)
    assert server.errors == []
    assert sorted(server.stored) == sorted(["inside a span", *NUMBERS])
    (traced,) = [record for record, _ in server.records() if record.body.string_value == "inside a span"]
    context = span.get_span_context()
    assert traced.trace_id.hex() == trace.format_trace_id(context.trace_id)
    assert traced.span_id.hex() == trace.format_span_id(context.span_id)
    assert traced.severity_number == SeverityNumber.SEVERITY_NUMBER_WARN
    assert [pair.value.int_value for pair in traced.attributes if pair.key == "order.id"] == [42]
    assert {resource["service.name"] for _, resource in server.records()} == {"checkout"}


@pytest.mark.slow
def test_zero_code_goes_through_a_gateway_without_a_token(
    gateway: str, dynatrace_behind: tuple[StrictServer, Unavailable], tmp_path: Path
) -> None:
    server, _ = dynatrace_behind
    done = run_instrumented(
        tmp_path,
        "import logging\nfor number in range(1000): logging.warning('record %d', number)",
        OTEL_LOGS_EXPORTER="dynatrace",
        OTEL_EXPORTER_OTLP_ENDPOINT=gateway,
        OTEL_SERVICE_NAME="checkout",
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    wait_for(server, 1000)
    assert (server.errors, sorted(server.stored)) == ([], sorted(NUMBERS))
    assert {resource["service.name"] for _, resource in server.records()} == {"checkout"}


@pytest.mark.slow
def test_an_outage_behind_the_gateway_costs_no_record(
    gateway: str, dynatrace_behind: tuple[StrictServer, Unavailable]
) -> None:
    server, script = dynatrace_behind
    script.available = False
    with configure(f"{gateway}/v1/logs", level=logging.INFO, set_global=False) as pipeline:
        for content in NUMBERS:
            logging.getLogger("app").info(content)
        # To us the gateway has taken them; they are its to deliver now.
        assert pipeline.flush(30.0)
        script.available = True
        wait_for(server, 1000)
    assert sorted(server.stored) == sorted(NUMBERS)


def test_while_the_gateway_is_away_the_records_wait_here() -> None:
    port = free_port()
    with configure(f"http://127.0.0.1:{port}/v1/logs", level=logging.INFO, set_global=False) as pipeline:
        for content in NUMBERS:
            logging.getLogger("app").info(content)
        assert not pipeline.flush(0.5)
        assert pipeline.stats().queued == 1000
        with otlp_receiver(port=port) as receiver:
            assert pipeline.flush(60.0)
    assert receiver.contents == NUMBERS


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"DT_ENDPOINT": "http://collector.invalid:4318"}, "/v1/logs"),
        ({"DT_ENDPOINT": "http://collector.invalid:4318/v1/logs"}, "/v1/logs"),
        ({"DT_ENDPOINT": "http://collector.invalid/otlp/v1/logs"}, "/otlp/v1/logs"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318"}, "/v1/logs"),
    ],
)
def test_a_collectors_address_means_v1_logs_and_no_token(
    variables: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with otlp_receiver() as receiver:
        # A proxy gets the whole URL, so the port need not be free here.
        for name, value in {"HTTP_PROXY": receiver.url, "DT_API_TOKEN": STRICT_TOKEN, **variables}.items():
            monkeypatch.setenv(name, value)
        with configure(set_global=False) as pipeline:
            logging.getLogger("app").error("hello")
            assert pipeline.flush(30.0)
    assert [url.partition("collector.invalid")[2].removeprefix(":4318") for url in receiver.paths] == [path]
    assert "authorization" not in receiver.headers[0]
    assert STRICT_TOKEN not in str(receiver.headers)


def test_around_a_gateway_that_is_away_records_go_to_dynatrace_with_the_token() -> None:
    with strict_server() as server:
        endpoint = f"http://127.0.0.1:{free_port()}/v1/logs,{server.url}"
        with configure(endpoint, STRICT_TOKEN, set_global=False) as pipeline:
            logging.getLogger("app").error("hello")
            assert pipeline.flush(30.0)
    assert (server.errors, server.stored) == ([], ["hello"])


def test_a_gateway_beside_dynatrace_does_not_get_the_token() -> None:
    with strict_server() as server, otlp_receiver() as receiver:
        with configure(f"{receiver.url}/v1/logs,{server.url}", STRICT_TOKEN, set_global=False) as pipeline:
            logging.getLogger("app").error("hello")
            assert pipeline.flush(30.0)
    assert (receiver.contents, server.stored) == (["hello"], [])
    assert STRICT_TOKEN not in str(receiver.headers)
