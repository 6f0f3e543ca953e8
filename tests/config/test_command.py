"""`dt-otlp-logs config`: what is set, where from, and every problem with exit status 2."""

import argparse
import io
import json
import os
import subprocess
import sys

import pytest

from dt_otlp_logs.cli import config as command
from dt_otlp_logs.config.enrichment import EnrichmentFile

TOKEN = "dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX.HUNTER2HUNTER2"


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words: str, **environ: str) -> tuple[int, str, str]:
        monkeypatch.setattr(os, "environ", environ)
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        status = command.run(parser.parse_args(words))
        output = capsys.readouterr()
        assert "HUNTER2" not in output.out + output.err
        return status, output.out, output.err

    return run


def test_each_setting_is_shown_with_its_value_and_where_it_came_from(run):
    status, out, err = run(DT_ENDPOINT="abc12345", DT_API_TOKEN=TOKEN, OTEL_EXPORTER_OTLP_TIMEOUT="5000",
                           HTTPS_PROXY="http://u:HUNTER2@proxy:3128")  # fmt: skip
    rows = [line.split() for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert ["endpoint", "https://abc12345.live.dynatrace.com", "DT_ENDPOINT"] in rows
    assert ["api_token", "dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX.***", "DT_API_TOKEN"] in rows
    assert ["timeout_seconds", "5", "OTEL_EXPORTER_OTLP_TIMEOUT"] in rows
    assert ["limits", "grail", "default"] in rows
    first, second = out.index("1. otlp  https://abc12345"), out.index("2. json  https://abc12345")
    assert first < second < out.index("is taken as milliseconds")


def test_a_broken_configuration_shows_what_is_fine_and_every_problem(run):
    status, out, err = run(DT_ENDPOINT="ftp://x", DT_OTLP_LOGS_STALE="drop", DT_OTLP_LOGS_LIMITS="\x1b[31m")
    assert status == 2
    assert "stale" in out
    lines = err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("dt-otlp-logs: ") for line in lines)
    assert "\x1b" not in out + err


@pytest.mark.parametrize("environ", [{"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": TOKEN}, {"DT_API_TOKEN": TOKEN}])
def test_json_is_for_other_programs(run, environ):
    status, out, _ = run("--json", **environ)
    report = json.loads(out)
    assert report["usable"] is (status == 0) is ("DT_ENDPOINT" in environ)
    assert {"setting", "value", "source", "description", "variables"} == set(report["settings"][0])
    assert bool(report["urls"]) is report["usable"]
    assert bool(report["problems"]) is not report["usable"]


def test_a_terminal_that_knows_ascii_only_is_enough(run, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    status, _, _ = run(DT_ENDPOINT="abc12345", DT_API_TOKEN=TOKEN, DT_OTLP_LOGS_LOGGERS="straße")
    assert status == 0
    assert rb"stra\xdfe" in stream.detach().getvalue()


def test_the_configuration_loads_nothing_heavy():
    code = "import sys, dt_otlp_logs.config; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"requests", "urllib3", "rich", "opentelemetry.sdk", "google.protobuf", "asyncio"} & set(output)


def test_dynatraces_metadata_files_are_shown_with_what_they_give(run, monkeypatch):
    files = [
        EnrichmentFile("/a.json", "read", {"host.name": "node", "dt.entity.host": "HOST-1"}),
        EnrichmentFile("/a.properties", "not needed"),
        EnrichmentFile("/b.json", "not there"),
        EnrichmentFile("/b.properties", "read", {"k\u202e": "v"}, "line 2 is not key=value"),
        EnrichmentFile("/c.json", "unusable", problem="\x1b[2J"),
        EnrichmentFile("/d.json", "read"),
    ]
    monkeypatch.setattr(command, "read_enrichment", lambda: files)
    _, shown, _ = run()
    lines = shown.splitlines()
    assert "  - /a.json: 2 attributes: host.name, dt.entity.host" in lines
    assert "  - /a.properties: not needed, its .json was read" in lines
    assert "  - /b.json: not there" in lines
    assert "  - /b.properties: 1 attribute: k\\u202e (line 2 is not key=value)" in lines
    assert "  - /c.json: \\x1b[2J" in lines
    assert "  - /d.json: 0 attributes" in lines
    _, report, _ = run("--json")
    first, second = json.loads(report)["metadata_files"][:2]
    assert first == {
        "path": "/a.json",
        "state": "read",
        "attributes": {"host.name": "node", "dt.entity.host": "HOST-1"},
        "problem": None,
    }
    assert second["state"] == "not needed"


def test_all_of_dynatraces_metadata_files_are_named(run):
    _, shown, _ = run()
    for name in ("dt_metadata", "dt_host_metadata", "dt_node_metadata"):
        for ending in ("json", "properties"):
            assert f"  - /var/lib/dynatrace/enrichment/{name}.{ending}: " in shown


def test_the_resource_detectors_are_shown_with_where_they_come_from(run):
    _, shown, _ = run()
    _, _, default = shown.partition("resource detectors, those of `configure()` and of the distro `dynatrace`:\n")
    assert default.splitlines()[:3] == ["  - process", "  - host", "  - os"]
    _, shown, _ = run(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="host,,k8s\x1b")
    _, _, chosen = shown.partition("resource detectors, from OTEL_EXPERIMENTAL_RESOURCE_DETECTORS:\n")
    assert chosen.splitlines() == ["  - host", "  - k8s\\x1b: not installed"]
    _, report, _ = run("--json", OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="*,k8s")
    assert json.loads(report)["resource_detectors"] == [
        {"name": "*", "installed": True},
        {"name": "k8s", "installed": False},
    ]


def test_patterns_are_shown_by_name_or_number_since_an_expression_may_be_a_secret(run):
    _, out, _ = run(DT_ENDPOINT="abc12345", DT_API_TOKEN=TOKEN, DT_OTLP_LOGS_REDACT="dynatrace-token\nhunter2")
    assert ["redact", "dynatrace-token,", "#1", "(7", "characters)", "DT_OTLP_LOGS_REDACT"] in [
        line.split() for line in out.splitlines()
    ]
    assert "hunter2" not in out
