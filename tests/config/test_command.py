"""`dt-otlp-logs config`: what is set, where from, and every problem with exit status 2."""

import argparse
import io
import json
import os
import subprocess
import sys

import pytest

from dt_otlp_logs.cli import config as command

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
    status, _, _ = run(DT_ENDPOINT="abc12345", DT_API_TOKEN=TOKEN, DT_OTLP_LOGS_REDACT="straße")
    assert status == 0
    assert rb"stra\xdfe" in stream.detach().getvalue()


def test_the_configuration_loads_nothing_heavy():
    code = "import sys, dt_otlp_logs.config; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"requests", "urllib3", "rich", "opentelemetry.sdk", "google.protobuf", "asyncio"} & set(output)


def test_dynatraces_metadata_files_are_shown_with_what_they_give(run, monkeypatch):
    from dt_otlp_logs.config.enrichment import EnrichmentFile

    files = [
        EnrichmentFile("/a.json", {"host.name": "node"}),
        EnrichmentFile("/b.json", {}),
        EnrichmentFile("/c.json", {}, "ValueError: \x1b[2J"),
    ]
    monkeypatch.setattr(command, "read_enrichment", lambda: files)
    _, shown, _ = run()
    assert "/a.json: host.name" in shown
    assert "/b.json: not there" in shown
    assert "/c.json: ValueError: \\x1b[2J" in shown
