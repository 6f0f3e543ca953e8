"""The configuration as a whole: one precedence, every default, every problem at once."""

import dataclasses
import pickle
import re
from pathlib import Path

import pytest

from dt_otlp_logs.config import SETTINGS, ApiToken, ConfigError, load_config

DEFAULTS = {
    "allow_http": False, "fallback": "auto", "compression": "gzip", "timeout_seconds": 10, "connect_timeout_seconds": 3,
    "max_request_bytes": 2_000_000, "limits": "grail", "queue_directory": None, "queue_max_bytes": 64_000_000,
    "queue_full": "drop_oldest", "stale": "restamp", "shutdown_timeout_seconds": 5, "fallback_after_seconds": 30,
    "probe_seconds": 60, "ca_file": None, "client_certificate_file": None, "client_key_file": None, "enrich": True,
    "structure": None, "redact": (), "headers": {}, "notes": (),
}  # fmt: skip


def problems(settings: dict[str, object], environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(settings, environ)
    lines = str(caught.value).split("\n")
    assert len(lines) == len(caught.value.problems)
    return lines


def test_endpoint_and_token_are_all_that_is_needed(dynatrace):
    config = load_config({}, dynatrace)
    assert {key: getattr(config, key) for key in DEFAULTS} == DEFAULTS
    assert config.token.current() == ApiToken("dt0c01.abc123.abcdef")
    assert [endpoint.kind for endpoint in config.endpoints] == ["saas"]


@pytest.mark.parametrize(
    ("key", "variables", "given", "read"),
    [
        ("fallback", ["DT_OTLP_LOGS_FALLBACK"], "JSON_ONLY", "json-only"),
        ("compression", ["DT_OTLP_LOGS_COMPRESSION", "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
                         "OTEL_EXPORTER_OTLP_COMPRESSION"], "none", "none"),
        ("timeout_seconds", ["DT_OTLP_LOGS_TIMEOUT_SECONDS", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
                             "OTEL_EXPORTER_OTLP_TIMEOUT"], "2.5", 2.5),
        ("max_request_bytes", ["DT_OTLP_LOGS_MAX_REQUEST_BYTES"], "1MB", 1_000_000),
        ("limits", ["DT_OTLP_LOGS_LIMITS"], "Classic", "classic"),
        ("queue_max_bytes", ["DT_OTLP_LOGS_QUEUE_MAX_BYTES"], "512MB", 512_000_000),
        ("queue_full", ["DT_OTLP_LOGS_QUEUE_FULL"], "drop-newest", "drop_newest"),
        ("stale", ["DT_OTLP_LOGS_STALE"], "drop", "drop"),
        ("shutdown_timeout_seconds", ["DT_OTLP_LOGS_SHUTDOWN_TIMEOUT_SECONDS"], "0", 0),
        ("fallback_after_seconds", ["DT_OTLP_LOGS_FALLBACK_AFTER_SECONDS"], "500ms", 0.5),
        ("probe_seconds", ["DT_OTLP_LOGS_PROBE_SECONDS"], "2m", 120),
        ("enrich", ["DT_OTLP_LOGS_ENRICH"], "off", False),
        ("allow_http", ["DT_OTLP_LOGS_ALLOW_HTTP"], "yes", True),
        ("structure", ["DT_OTLP_LOGS_STRUCTURE"], "raw", "raw"),
        ("structure", ["DT_OTLP_LOGS_STRUCTURE"], "none", None),
        ("headers", ["OTEL_EXPORTER_OTLP_LOGS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"], "X-A=1", {"x-a": "1"}),
        ("redact", ["DT_OTLP_LOGS_REDACT"], "a+,b\n\\d{4}", (re.compile("a+,b"), re.compile(r"\d{4}"))),
    ],
)  # fmt: skip
def test_a_setting_is_read_from_code_and_from_each_of_its_variables(key, variables, given, read, dynatrace):
    assert getattr(load_config({key: given}, dynatrace), key) == read
    for variable in variables:
        config = load_config({key: None}, dynatrace | {variable: given})
        assert getattr(config, key) == read
        assert {origin.source for origin in config.origins if origin.key == key} == {variable}


def test_every_setting_has_one_variable_of_its_own_and_a_description():
    for setting in SETTINGS:
        assert setting.description
        if setting.key not in ("endpoint", "api_token", "api_token_file", "headers"):
            assert setting.variables[0] == f"DT_OTLP_LOGS_{setting.key.upper()}"


def test_code_wins_over_the_environment_and_the_first_variable_over_the_next(dynatrace):
    environ = dynatrace | {"OTEL_EXPORTER_OTLP_TIMEOUT": "4", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "3"}
    assert load_config({}, environ).timeout_seconds == 3
    environ["DT_OTLP_LOGS_TIMEOUT_SECONDS"] = "2"
    assert load_config({}, environ).timeout_seconds == 2
    assert load_config({"timeout_seconds": 1}, environ).timeout_seconds == 1
    assert load_config({"timeout_seconds": 1}, environ).connect_timeout_seconds == 1


def test_an_empty_variable_counts_as_unset(dynatrace):
    environ = dynatrace | {
        "DT_OTLP_LOGS_TIMEOUT_SECONDS": " ",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "4",
        "HTTPS_PROXY": "",
    }
    assert load_config({}, environ).timeout_seconds == 4


def test_nothing_but_the_given_environment_is_read(dynatrace, monkeypatch):
    monkeypatch.setenv("DT_OTLP_LOGS_TIMEOUT_SECONDS", "nonsense")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    config = load_config({}, dynatrace)
    assert config.proxies.for_url("https://abc12345.live.dynatrace.com/") is None


@pytest.mark.parametrize(
    ("text", "seconds", "said"),
    [("10", 10, False), ("299", 299, False), ("300", 0.3, True), ("10000", 10, True), ("10000ms", 10, False),
     ("400s", 400, False)],
)  # fmt: skip
def test_the_otel_timeout_is_seconds_or_milliseconds_whichever_makes_sense(text, seconds, said, dynatrace):
    config = load_config({}, dynatrace | {"OTEL_EXPORTER_OTLP_TIMEOUT": text})
    assert config.timeout_seconds == pytest.approx(seconds)
    assert bool(config.notes) is said
    assert load_config({"timeout_seconds": 400}, dynatrace).timeout_seconds == 400


def test_deflate_from_otel_becomes_gzip_and_is_said(dynatrace):
    config = load_config({}, dynatrace | {"OTEL_EXPORTER_OTLP_COMPRESSION": "deflate"})
    assert config.compression == "gzip"
    assert "deflate" in config.notes[0]
    assert "one of gzip, none" in problems({"compression": "deflate"}, dynatrace)[0]


def test_several_endpoints_keep_their_order_and_lose_their_doubles(dynatrace):
    listed = "https://ag-a:9999/e/x, https://ag-b:9999/e/x,, abc12345, https://ag-a:9999/e/x/"
    for config in (load_config({}, dynatrace | {"DT_ENDPOINT": listed}),
                   load_config({"endpoint": listed.split(",")}, dynatrace)):  # fmt: skip
        assert [one.host for one in config.endpoints] == ["ag-a", "ag-b", "abc12345.live.dynatrace.com"]


def test_a_queue_on_disk_is_larger_unless_it_is_said_how_large(dynatrace, tmp_path: Path):
    directory = tmp_path / "not" / "yet"
    config = load_config({"queue_directory": directory}, dynatrace)
    assert (config.queue_directory, config.queue_max_bytes) == (directory, 1_000_000_000)
    assert load_config({"queue_directory": str(directory), "queue_max_bytes": 5}, dynatrace).queue_max_bytes == 5


def test_a_queue_directory_that_cannot_be_is_refused_at_start(dynatrace, tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert "is not a directory" in problems({"queue_directory": tmp_path / "file" / "queue"}, dynatrace)[0]


@pytest.mark.parametrize("prefix", ["DT_OTLP_LOGS", "OTEL_EXPORTER_OTLP_LOGS", "OTEL_EXPORTER_OTLP"])
def test_certificates_come_from_their_variables(dynatrace, pem: Path, prefix):
    names = ("CA_FILE", "CLIENT_CERTIFICATE_FILE", "CLIENT_KEY_FILE")
    if prefix.startswith("OTEL"):
        names = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
    files = dict(zip(names, ("ca", "cert", "key"), strict=True))
    config = load_config({}, dynatrace | {f"{prefix}_{name}": str(pem / f"{file}.pem") for name, file in files.items()})
    assert (config.ca_file, config.client_certificate_file) == (pem / "ca.pem", pem / "cert.pem")
    assert config.client_key_file == pem / "key.pem"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"ca_file": "missing"}, "no such file"),
        ({"ca_file": "empty"}, "in PEM form"),
        ({"ca_file": "key"}, "in PEM form"),
        ({"client_key_file": "key"}, "without its certificate"),
        ({"client_certificate_file": "cert"}, "without a key"),
        ({"client_certificate_file": "cert", "client_key_file": "locked"}, "without a pass phrase"),
    ],
)
def test_certificates_that_cannot_work_are_refused_at_start(dynatrace, pem: Path, files, said):
    lines = problems({key: pem / f"{name}.pem" for key, name in files.items()}, dynatrace)
    assert len(lines) == 1
    assert said in lines[0]


def test_a_certificate_file_may_hold_its_key(dynatrace, pem: Path):
    config = load_config({"client_certificate_file": pem / "both.pem"}, dynatrace)
    assert config.client_key_file is None


def test_every_problem_is_told_at_once_with_key_source_and_expectation():
    environ = {"DT_ENDPOINT": "ftp://x,abc12345,gopher://y", "DT_OTLP_LOGS_STALE": "keep", "HTTPS_PROXY": "socks5://p",
               "OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        load_config({"api_token": "", "queue_max_bytes": -1, "redact": ["("], "enrich": "perhaps"}, environ)
    told = {(problem.key, problem.source) for problem in caught.value.problems}
    assert told == {
        ("endpoint", "DT_ENDPOINT"), ("stale", "DT_OTLP_LOGS_STALE"), ("timeout_seconds", "OTEL_EXPORTER_OTLP_TIMEOUT"),
        ("api_token", "argument"), ("queue_max_bytes", "argument"), ("redact", "argument"), ("enrich", "argument"),
    }  # fmt: skip
    assert all(problem.expected for problem in caught.value.problems)
    assert len(caught.value.problems) == 8
    fine = {origin.key for origin in caught.value.origins}
    assert "limits" in fine
    assert not fine & {key for key, _ in told}


@pytest.mark.parametrize(
    ("settings", "environ", "line"),
    [
        ({}, {"DT_API_TOKEN": "dt0c01.a.b"}, "endpoint is not set; expected DT_ENDPOINT=https://"),
        ({}, {"DT_API_TOKEN": "dt0c01.a.b", "DT_ENDPOINT": ""}, "endpoint is not set (DT_ENDPOINT is empty)"),
        ({"endpoint": ""}, {"DT_API_TOKEN": "dt0c01.a.b"}, "endpoint is empty (in code)"),
        ({"endpoint": []}, {"DT_API_TOKEN": "dt0c01.a.b"}, "endpoint is empty (in code)"),
        ({"endpoint": 7}, {"DT_API_TOKEN": "dt0c01.a.b"}, "endpoint is a int (in code)"),
        ({"endpoint": "not a url"}, {"DT_API_TOKEN": "dt0c01.a.b"}, "endpoint is 'not a url' (in code)"),
        ({}, {"DT_ENDPOINT": "abc12345"}, "api_token is not set; expected DT_API_TOKEN="),
        ({}, {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": " "}, "api_token is not set (DT_API_TOKEN is empty)"),
        ({}, {"DT_ENDPOINT": "abc12345", "DT_TOKEN": "x"}, "(DT_TOKEN is set, but is not read)"),
        ({"api_token": ""}, {"DT_ENDPOINT": "abc12345"}, "api_token is empty (in code)"),
        ({"api_token_file": "/no/such"}, {"DT_ENDPOINT": "abc12345"}, "/no/such, which cannot be read: No such file"),
        ({"endpiont": "x"}, {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": "t"}, "did you mean endpoint?"),
        ({}, {"DT_ENDPOINT": "http://host.example.org", "DT_API_TOKEN": "t"}, "DT_OTLP_LOGS_ALLOW_HTTP=true"),
        ({}, {"DT_ENDPOINT": "http://abc12345.live.dynatrace.com", "DT_API_TOKEN": "t"}, "allow_http"),
        ({"fallback": "json-only"}, {"DT_ENDPOINT": "http://c:4318"}, "fallback is 'json-only'"),
        ({"max_request_bytes": "11MB"}, {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": "t"}, "at most 10_000_000"),
        ({"redact": "x*"}, {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": "t"}, "matches the empty text"),
    ],
)  # fmt: skip
def test_a_single_problem_is_one_clear_line(settings, environ, line):
    lines = problems(settings, environ)
    assert len(lines) == 1
    assert line in lines[0]


def test_plain_http_is_taken_to_this_machine_or_when_allowed(dynatrace):
    assert load_config({}, dynatrace | {"DT_ENDPOINT": "http://127.0.0.1:14680"}).endpoints
    config = load_config({"allow_http": True}, dynatrace | {"DT_ENDPOINT": "http://host.example.org"})
    assert config.endpoints[0].otlp_url == "http://host.example.org/api/v2/otlp/v1/logs"


def test_unknown_variables_of_ours_are_noted_not_refused(dynatrace):
    config = load_config({}, dynatrace | {"DT_OTLP_LOGS_TIMEOUT_SECS": "1", "DT_OTHER": "x"})
    assert len(config.notes) == 1
    assert "did you mean DT_OTLP_LOGS_TIMEOUT_SECONDS?" in config.notes[0]


def test_another_protocol_in_the_otel_variables_is_noted(dynatrace):
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert "http/protobuf" in load_config({}, environ).notes[0]


def test_a_configuration_is_frozen_and_its_error_travels_between_processes(dynatrace):
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_config({}, dynatrace).enrich = False
    with pytest.raises(ConfigError) as caught:
        load_config({}, {})
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
