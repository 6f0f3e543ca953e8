"""OpenTelemetry's variables that concern logs mean here what they mean elsewhere (docs/configuration-files.md)."""

import logging
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor

from doubles.instrumented import run_instrumented
from doubles.otlp_receiver import otlp_receiver
from doubles.strict_server import STRICT_TOKEN, Reply, Request, StrictServer, strict_server
from dt_otlp_logs import ConfigError, DynatraceLogExporter, configure
from dt_otlp_logs.emulator import RunningEmulator

SPECIFIC, GENERAL = "OTEL_EXPORTER_OTLP_LOGS_", "OTEL_EXPORTER_OTLP_"


def dynatrace(server: StrictServer) -> dict[str, str]:
    return {"DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN, "OTEL_LOGS_EXPORTER": "dynatrace"}


def set_all(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def emit_one(exporter: DynatraceLogExporter, **record: object) -> None:
    """One record through an ordinary provider, whose shutdown delivers it."""
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("app").emit(body="hello", **record)  # type: ignore[arg-type]
    provider.shutdown()


# Zero code: what opentelemetry-instrument makes of the variables when the exporter is ours.

LEVELS = """
    import logging
    log = logging.getLogger("app")
    log.info("info"), log.warning("warning"), log.error("error")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "stored"),
    [
        ({}, ["warning", "error"]),
        ({"OTEL_LOGS_EXPORTER": "none"}, []),
        ({"OTEL_SDK_DISABLED": "true"}, []),
        ({"OTEL_SDK_DISABLED": "TRUE"}, []),
        ({"OTEL_SDK_DISABLED": "no"}, ["warning", "error"]),
        ({"OTEL_PYTHON_LOG_HANDLER_LEVEL": "error"}, ["error"]),
        ({"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "false"}, []),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging"}, []),
        ({"OTEL_PYTHON_LOG_CORRELATION": "true"}, ["info", "warning", "error"]),
        ({"OTEL_PYTHON_LOG_CORRELATION": "true", "OTEL_PYTHON_LOG_LEVEL": "error"}, ["error"]),
        ({"OTEL_PYTHON_LOG_LEVEL": "error"}, ["warning", "error"]),
        ({"OTEL_LOG_LEVEL": "error"}, ["warning", "error"]),
        ({"OTEL_LOGS_EXPORTER": "otlp", "OTEL_PYTHON_LOG_HANDLER_LEVEL": "error"}, []),
    ],
    ids=lambda value: ",".join(f"{name}={text}" for name, text in value.items()) if isinstance(value, dict) else "",
)
def test_in_zero_code_mode_these_variables_choose_which_records_arrive(
    variables: dict[str, str], stored: list[str], tmp_path: Path
) -> None:
    # `otlp` is the stock exporter, whose own receiver is elsewhere: choosing it does not bring ours.
    with strict_server() as server, otlp_receiver() as collector:
        stock = {GENERAL + "ENDPOINT": collector.url, GENERAL + "PROTOCOL": "http/protobuf"}
        done = run_instrumented(tmp_path, LEVELS, **(dynatrace(server) | stock | variables))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (server.errors, server.stored) == ([], stored)


@pytest.mark.slow
def test_several_exporters_in_one_variable_each_get_every_record(tmp_path: Path) -> None:
    with strict_server() as server, otlp_receiver() as collector:
        done = run_instrumented(
            tmp_path,
            LEVELS,
            **dynatrace(server)
            | {
                "OTEL_LOGS_EXPORTER": "dynatrace, console,otlp_proto_http",
                GENERAL + "ENDPOINT": collector.url,
            },
        )
    assert done.returncode == 0, done.stderr
    assert (server.errors, server.stored, collector.contents) == ([], ["warning", "error"], ["warning", "error"])
    assert done.stdout.count('"body": "warning"') == 1


@pytest.mark.slow
def test_a_disabled_sdk_needs_no_configuration_and_says_nothing(tmp_path: Path) -> None:
    variables = {"OTEL_LOGS_EXPORTER": "dynatrace", "OTEL_SDK_DISABLED": "true", "DT_ENDPOINT": "ftp://nowhere"}
    done = run_instrumented(tmp_path, "print('runs')", **variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "runs\n", "")


@pytest.mark.slow
def test_attributes_and_format_of_the_logging_instrumentation_arrive(tmp_path: Path) -> None:
    with strict_server() as server:
        done = run_instrumented(
            tmp_path,
            "import logging\nlogging.getLogger('app').warning('hello')",
            **dynatrace(server)
            | {
                "OTEL_PYTHON_LOG_CODE_ATTRIBUTES": "true",
                "OTEL_PYTHON_LOG_CORRELATION": "true",
                "OTEL_PYTHON_LOG_FORMAT": "%(levelname)s of %(otelServiceName)s: %(message)s",
                "OTEL_SERVICE_NAME": "checkout",
                "OTEL_TRACES_EXPORTER": "console",
            },
        )
    assert (done.returncode, server.errors, server.stored) == (0, [], ["hello"])
    assert "WARNING of checkout: hello" in done.stderr
    ((record, _),) = server.records()
    assert {"code.file.path", "code.line.number"} <= {pair.key for pair in record.attributes}


# The exporter: OTEL_EXPORTER_OTLP_*, the variable for logs before the general one.


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({GENERAL + "ENDPOINT": "{url}"}, "/v1/logs"),
        ({GENERAL + "ENDPOINT": "{url}/"}, "/v1/logs"),
        ({GENERAL + "ENDPOINT": "{url}/team/a"}, "/team/a/v1/logs"),
        ({SPECIFIC + "ENDPOINT": "{url}/custom/path"}, "/custom/path"),
        ({SPECIFIC + "ENDPOINT": "{url}/v1/logs", GENERAL + "ENDPOINT": "http://127.0.0.1:9"}, "/v1/logs"),
        ({SPECIFIC + "ENDPOINT": "", GENERAL + "ENDPOINT": "{url}"}, "/v1/logs"),
        ({"DT_ENDPOINT": "{url}/v1/logs", GENERAL + "ENDPOINT": "http://127.0.0.1:9"}, "/v1/logs"),
        ({GENERAL + "ENDPOINT": "{url}", GENERAL + "PROTOCOL": "grpc"}, "/v1/logs"),
        ({GENERAL + "ENDPOINT": "{url}", SPECIFIC + "PROTOCOL": "http/json"}, "/v1/logs"),
        ({GENERAL + "ENDPOINT": "{url}", GENERAL + "INSECURE": "false"}, "/v1/logs"),
    ],
)
def test_the_endpoint_variables_lead_to_the_path_of_the_specification(
    variables: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with otlp_receiver() as receiver:
        set_all(monkeypatch, {name: value.format(url=receiver.url) for name, value in variables.items()})
        emit_one(DynatraceLogExporter())
    assert (receiver.contents, set(receiver.paths)) == (["hello"], {path})
    assert {headers["content-type"] for headers in receiver.headers} == {"application/x-protobuf"}


def test_insecure_is_for_grpc_and_sends_no_token_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GENERAL + "INSECURE", "true")
    with pytest.raises(ConfigError, match="allow_http"):
        DynatraceLogExporter(endpoint="http://dynatrace.example.org/e/abc12345", api_token=STRICT_TOKEN)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({GENERAL + "HEADERS": "x-a=1,X-B=two%20words"}, {"x-a": "1", "x-b": "two words"}),
        ({SPECIFIC + "HEADERS": "x-a=2", GENERAL + "HEADERS": "x-a=1,x-b=1"}, {"x-a": "2", "x-b": "1"}),
        ({GENERAL + "HEADERS": "authorization=Bearer%20of-the-receiver"}, {"authorization": "Bearer of-the-receiver"}),
        ({SPECIFIC + "COMPRESSION": "none", GENERAL + "COMPRESSION": "gzip"}, {"content-encoding": None}),
        ({GENERAL + "COMPRESSION": "gzip"}, {"content-encoding": "gzip"}),
        ({GENERAL + "COMPRESSION": "deflate"}, {"content-encoding": "gzip"}),
        ({}, {"content-encoding": "gzip", "authorization": None}),
    ],
)
def test_headers_and_compression_reach_the_receiver(
    variables: dict[str, str], expected: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with otlp_receiver() as receiver:
        set_all(monkeypatch, {GENERAL + "ENDPOINT": receiver.url, "DT_API_TOKEN": STRICT_TOKEN, **variables})
        emit_one(DynatraceLogExporter())
    (headers,) = receiver.headers
    assert {name: headers.get(name) for name in expected} == expected
    assert STRICT_TOKEN not in str(headers), "the token goes to Dynatrace only"


@pytest.mark.parametrize("exporter", ["dynatrace", "stock"])
def test_headers_for_one_receiver_are_not_sent_to_another(exporter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with otlp_receiver() as receiver:
        monkeypatch.setenv(GENERAL + "ENDPOINT", "https://another.example.org")
        monkeypatch.setenv(GENERAL + "HEADERS", "authorization=Bearer%20of-the-other,x-of-the-other=1")
        with configure(f"{receiver.url}/v1/logs", set_global=False, exporter=exporter) as pipeline:
            logging.getLogger("app").error("hello")
            pipeline.flush()
    (headers,) = receiver.headers
    assert not {"authorization", "x-of-the-other"} & set(headers)
    assert (headers["content-type"], headers["content-encoding"]) == ("application/x-protobuf", "gzip")


@pytest.mark.parametrize("name", [SPECIFIC + "TIMEOUT", GENERAL + "TIMEOUT"])
def test_the_timeout_ends_a_request_that_is_not_answered(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent_once(_: Request) -> Reply:
        return Reply(silent_seconds=3.0, stores=False) if len(server.requests) == 1 else Reply()

    with strict_server(silent_once) as server:
        set_all(monkeypatch, dynatrace(server) | {name: "0.3"})
        exporter = DynatraceLogExporter()
        emit_one(exporter)
    assert (len(server.requests), server.stored) == (2, ["hello"])
    assert exporter.stats().retries == 1


def self_signed(directory: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make certificates with")
@pytest.mark.parametrize("prefix", [SPECIFIC, GENERAL])
@pytest.mark.parametrize("exporter", ["dynatrace", "stock"])
def test_a_receiver_with_its_own_authority_and_client_certificates_is_reached(
    prefix: str, exporter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path, "server")
    client_certificate, client_key = self_signed(tmp_path, "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client_certificate)
    with otlp_receiver(context) as receiver:
        set_all(
            monkeypatch,
            {
                prefix + "CERTIFICATE": str(certificate),
                prefix + "CLIENT_CERTIFICATE": str(client_certificate),
                prefix + "CLIENT_KEY": str(client_key),
            },
        )
        with configure(f"{receiver.url}/v1/logs", set_global=False, exporter=exporter) as pipeline:
            logging.getLogger("app").error("hello")
            pipeline.flush()
    assert receiver.contents == ["hello"]


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"HTTP_PROXY": "{url}", GENERAL + "ENDPOINT": "http://collector.invalid:4318"},
         "http://collector.invalid:4318/v1/logs"),
        ({"http_proxy": "{url}", GENERAL + "ENDPOINT": "http://collector.invalid:4318", "NO_PROXY": "example.org"},
         "http://collector.invalid:4318/v1/logs"),
        ({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1", GENERAL + "ENDPOINT": "{url}"}, "/v1/logs"),
        ({"HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": "*", GENERAL + "ENDPOINT": "{url}"}, "/v1/logs"),
        ({"HTTPS_PROXY": "http://127.0.0.1:9", GENERAL + "ENDPOINT": "{url}"}, "/v1/logs"),
    ],
)  # fmt: skip
def test_proxy_variables_mean_what_they_mean_to_every_http_client(
    variables: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with otlp_receiver() as receiver:
        set_all(monkeypatch, {name: value.format(url=receiver.url) for name, value in variables.items()})
        emit_one(DynatraceLogExporter())
    assert (receiver.contents, set(receiver.paths)) == (["hello"], {path})


# The SDK's own limits and sizes, in a pipeline that someone wrote and in that of configure().

TEN = {f"a{number}": "x" * 20 for number in range(10)}


@pytest.mark.parametrize(
    ("variables", "count", "length"),
    [
        ({}, 10, 20),
        ({"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "3"}, 3, 20),
        ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "4"}, 4, 20),
        ({"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_ATTRIBUTE_COUNT_LIMIT": "4"}, 3, 20),
        ({"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5"}, 10, 5),
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "6"}, 10, 6),
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1"}, 10, 20),
    ],
)
def test_limits_on_attributes_hold_before_the_exporter(
    variables: dict[str, str], count: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with strict_server() as server:
        set_all(monkeypatch, dynatrace(server) | variables)
        emit_one(DynatraceLogExporter(), attributes=TEN)
    ((record, _),) = server.records()
    texts = [pair.value.string_value for pair in record.attributes if pair.key in TEN]
    assert [len(text) for text in texts] == [length] * count
    assert record.dropped_attributes_count == 10 - count


def test_configure_keeps_to_the_limits_on_attributes(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")
    with configure(emulator.url, emulator.api_token, set_global=False):
        logging.getLogger("app").error("a content is no attribute", extra={"long": "0123456789"})
    (record,) = emulator.records()
    assert (record["long"], record["content"]) == ("01234", "a content is no attribute")


def test_configure_takes_name_and_attributes_of_the_resource_from_their_variables(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=not this,team=a%20b,k8s.pod.name=shop-1")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process")
    with configure(emulator.url, emulator.api_token, set_global=False, resource_attributes={"k8s.pod.name": "in code"}):
        logging.getLogger("app").error("hello")
    (record,) = emulator.records()
    assert (record["service.name"], record["team"], record["k8s.pod.name"]) == ("shop", "a b", "in code")
    assert "process.pid" in record


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (16_384, 2_000, 1.0)),
        ({"OTEL_BLRP_MAX_QUEUE_SIZE": "4000", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "100",
          "OTEL_BLRP_SCHEDULE_DELAY": "250"}, (4_000, 100, 0.25)),
        ({"OTEL_BLRP_MAX_QUEUE_SIZE": "500"}, (500, 500, 1.0)),
        ({"OTEL_BLRP_MAX_QUEUE_SIZE": "many", "OTEL_BLRP_SCHEDULE_DELAY": "-1"}, (16_384, 2_000, 1.0)),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "7"}, (16_384, 2_000, 1.0)),
    ],
)  # fmt: skip
def test_configure_sizes_its_processor_by_the_batch_variables(
    variables: dict[str, str],
    expected: tuple[int, int, float],
    emulator: RunningEmulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_all(monkeypatch, variables)
    with configure(emulator.url, emulator.api_token, set_global=False) as pipeline:
        (processor,) = pipeline.provider._multi_log_record_processor._log_record_processors
        assert isinstance(processor, BatchLogRecordProcessor)
        batch = processor._batch_processor
        assert (batch._max_queue_size, batch._max_export_batch_size, batch._schedule_delay) == expected


def test_configure_under_a_disabled_sdk_exports_nothing_and_takes_every_call(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with configure(emulator.url, emulator.api_token, set_global=False) as pipeline:
        logging.getLogger("app").error("hello")
        assert pipeline.flush()
        assert pipeline.stats().accepted == 0
    assert (emulator.records(), emulator.requests()) == ([], [])
