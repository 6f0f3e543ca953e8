"""Dynatrace's metadata files as resource attributes; contents are those of the documentation's examples."""

import json
from collections.abc import Callable

from dt_otlp_logs import DynatraceResourceDetector
from dt_otlp_logs.config.enrichment import ENRICHMENT_FILES, ONEAGENT_FILE, read_enrichment

VIRTUAL, POD, HOST = ENRICHMENT_FILES
TARGET = "/var/lib/dynatrace/oneagent/agent/config/1234"


def files(**contents: str) -> Callable[[str], str]:
    def read(path: str) -> str:
        if path not in contents:
            raise FileNotFoundError(path)
        return contents[path]

    return read


def merged(read: Callable[[str], str]) -> dict[str, str]:
    return {key: value for file in read_enrichment(read) for key, value in file.attributes.items()}


def test_the_virtual_file_names_another_to_open() -> None:
    read = files(**{ONEAGENT_FILE: TARGET + "\n", TARGET: json.dumps({"dt.entity.host": "HOST-1"})})
    assert merged(read) == {"dt.entity.host": "HOST-1"}


def test_later_files_win() -> None:
    read = files(
        **{
            POD: json.dumps({"k8s.pod.name": "checkout-1", "host.name": "pod"}),
            HOST: json.dumps({"host.name": "node"}),
        }
    )
    assert merged(read) == {"k8s.pod.name": "checkout-1", "host.name": "node"}


def test_files_that_are_not_there_are_no_problem() -> None:
    assert all(file.problem is None for file in read_enrichment(files()))


def test_a_bad_file_costs_nothing_and_says_what_is_wrong() -> None:
    def read(path: str) -> str:
        if path == POD:
            raise PermissionError(path)
        return {VIRTUAL: TARGET, TARGET: "{not json", HOST: '{"host.name": "node"}'}[path]

    virtual, pod, host = read_enrichment(read)
    assert "JSON" in virtual.problem
    assert "PermissionError" in pod.problem
    assert host.attributes == {"host.name": "node"}


def test_only_plain_values_are_taken() -> None:
    (_, pod, _) = read_enrichment(files(**{POD: json.dumps({"a": "x", "n": 1, "nested": {"b": 1}, "none": None})}))
    assert pod.attributes == {"a": "x", "n": "1"}
    assert read_enrichment(files(**{POD: "[1, 2]"}))[1].problem == "not a JSON object"


def test_the_detector_never_raises_where_there_is_no_dynatrace() -> None:
    assert dict(DynatraceResourceDetector().detect().attributes) == {}
