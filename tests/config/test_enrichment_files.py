"""Which of Dynatrace's metadata files are read, in which order, and what a bad one costs: nothing.

Names and order: https://docs.dynatrace.com/docs/ingest-from/extend-dynatrace/extend-data
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dt_otlp_logs.config.enrichment import (
    EnrichmentFile,
    enrichment_directory,
    read_enrichment,
    read_enrichment_attributes,
    read_file,
)
from dt_otlp_logs.config.metadata import MetadataError

VIRTUAL = "dt_metadata_e617c525669e072eebe3d0f08212e8f2"
TARGET = "/var/lib/dynatrace/oneagent/agent/config/1234"
DIRECTORY = "/var/lib/dynatrace/enrichment/"
POD, HOST, NODE = (f"{DIRECTORY}dt_{name}metadata" for name in ("", "host_", "node_"))


def files(contents: dict[str, str | bytes | Exception]) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        content = contents.get(path, FileNotFoundError(2, "No such file or directory", path))
        if isinstance(content, Exception):
            raise content
        return content.encode() if isinstance(content, str) else content

    return read


def found(contents: dict[str, str | bytes | Exception]) -> dict[str, EnrichmentFile]:
    return {file.path: file for file in read_enrichment(files(contents), DIRECTORY)}


def attributes_of(contents: dict[str, str | bytes | Exception]) -> dict[str, str]:
    return read_enrichment_attributes(files(contents), DIRECTORY)


def test_oneagents_file_names_another_to_open() -> None:
    assert attributes_of({f"{VIRTUAL}.json": TARGET + "\n", TARGET: '{"dt.entity.host": "HOST-1"}'}) == {
        "dt.entity.host": "HOST-1"
    }
    assert attributes_of({f"{VIRTUAL}.properties": TARGET, TARGET: "dt.entity.host=HOST-1\n"}) == {
        "dt.entity.host": "HOST-1"
    }


def test_the_file_it_names_is_opened_at_once_since_the_name_is_soon_forgotten() -> None:
    opened: list[str] = []
    read = files({f"{VIRTUAL}.json": TARGET, TARGET: "{}"})
    read_enrichment(lambda path: opened.append(path) or read(path), DIRECTORY)
    assert opened[:2] == [f"{VIRTUAL}.json", TARGET]


def test_a_name_that_is_virtual_too_is_opened_as_it_is() -> None:
    # As in the tests of Dynatrace's own reader in Java: github.com/dynatrace-oss/dynatrace-metric-utils-java.
    specifier = f"{VIRTUAL}_private_target_file_specifier.properties"
    assert attributes_of({f"{VIRTUAL}.properties": specifier, specifier: "a=b"}) == {"a": "b"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "it does not name a file"),
        (" \n", "it does not name a file"),
        ("/a\0b", "it does not name a file"),
        ('{"host.name": "node"}\n{}', "it does not name a file"),
        ("/" + "x" * 5_000, "it does not name a file"),
        (b"\xff\xfe", "not UTF-8 text"),
        ("/gone", "'/gone', which it names, is not there"),
        (TARGET, f"of '{TARGET}', which it names: it cannot be read: Permission denied"),
    ],
)
def test_a_name_that_leads_nowhere_is_said(content: str | bytes, problem: str) -> None:
    file = found({f"{VIRTUAL}.json": content, TARGET: PermissionError(13, "Permission denied")})[f"{VIRTUAL}.json"]
    assert (file.state, file.attributes, file.problem) == ("unusable", {}, problem)


def test_later_files_win() -> None:
    contents: dict[str, str | bytes | Exception] = {
        f"{VIRTUAL}.json": TARGET,
        TARGET: json.dumps({"from": "process", "dt.entity.process_group_instance": "PGI-1"}),
        f"{POD}.json": json.dumps({"from": "pod", "k8s.pod.name": "checkout-1"}),
        f"{HOST}.json": json.dumps({"from": "host", "host.name": "node"}),
        f"{NODE}.properties": "from=node\nk8s.cluster.name=main\n",
    }
    assert attributes_of(contents) == {
        "dt.entity.process_group_instance": "PGI-1",
        "k8s.pod.name": "checkout-1",
        "host.name": "node",
        "k8s.cluster.name": "main",
        "from": "node",
    }


@pytest.mark.parametrize("stem", [POD, HOST, NODE])
def test_of_two_forms_json_decides_and_the_other_is_not_read(stem: str) -> None:
    contents: dict[str, str | bytes | Exception] = {
        f"{stem}.json": '{"a": "json"}',
        f"{stem}.properties": AssertionError("not to be read"),
    }
    assert attributes_of(contents) == {"a": "json"}
    assert found(contents)[f"{stem}.properties"] == EnrichmentFile(f"{stem}.properties", "not needed")


@pytest.mark.parametrize("broken", ["", "{not json", "[]", b"\xff", PermissionError(13, "Permission denied")])
def test_where_json_cannot_be_read_properties_are(broken: str | bytes | Exception) -> None:
    contents: dict[str, str | bytes | Exception] = {f"{HOST}.json": broken, f"{HOST}.properties": "host.name=node"}
    assert attributes_of(contents) == {"host.name": "node"}
    assert found(contents)[f"{HOST}.json"].state == "unusable"


def test_files_that_are_not_there_are_no_problem() -> None:
    assert {(file.state, file.problem) for file in found({}).values()} == {("not there", None)}
    assert len(found({})) == 8
    assert found({f"{POD}.json": NotADirectoryError(20, "Not a directory")})[f"{POD}.json"].state == "not there"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (PermissionError(13, "Permission denied"), "it cannot be read: Permission denied"),
        (OSError(5, "Input/output error"), "it cannot be read: Input/output error"),
        (OSError(), "it cannot be read: OSError"),
        (RuntimeError("an audit hook says no"), "it cannot be read: RuntimeError"),
        ("a=b".encode("utf-16"), "not UTF-8 text"),
        (b" " * 256_001, "larger than 256 kB"),
    ],
)
def test_a_bad_file_costs_nothing_and_is_said_in_words(content: bytes | Exception, problem: str) -> None:
    contents: dict[str, str | bytes | Exception] = {f"{POD}.json": content, f"{HOST}.json": '{"host.name": "node"}'}
    assert attributes_of(contents) == {"host.name": "node"}
    file = found(contents)[f"{POD}.json"]
    assert (file.state, file.problem) == ("unusable", problem)


def test_a_byte_order_mark_does_not_matter() -> None:
    contents: dict[str, str | bytes | Exception] = {
        f"{POD}.json": b'\xef\xbb\xbf{"a": "b"}',
        f"{HOST}.properties": b"\xef\xbb\xbfc=d\r\n",
    }
    assert attributes_of(contents) == {"a": "b", "c": "d"}


def test_windows_has_a_directory_of_its_own() -> None:
    assert enrichment_directory({"PROGRAMDATA": r"D:\Data"}, "nt") + "dt_host_metadata.json" == (
        r"D:\Data\dynatrace\enrichment\dt_host_metadata.json"
    )
    assert enrichment_directory({}, "nt") == "C:\\ProgramData\\dynatrace\\enrichment\\"
    assert enrichment_directory({"PROGRAMDATA": r"D:\Data"}, "posix") == "/var/lib/dynatrace/enrichment/"


def test_an_empty_file_is_said_and_one_of_proc_that_only_looks_so_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "dt_metadata.json").touch()
    with pytest.raises(MetadataError, match="empty"):
        read_file(str(tmp_path / "dt_metadata.json"))
    if Path("/proc/kmsg").exists():  # reading it waits for the kernel's next message
        with pytest.raises(MetadataError, match="empty"):
            read_file("/proc/kmsg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in directories here")
def test_a_pipe_is_not_opened_since_that_would_wait_for_ever(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dt_metadata.json")
    (tmp_path / "dt_host_metadata.json").mkdir()
    (tmp_path / "dt_node_metadata.json").symlink_to("/dev/zero")
    states = {Path(file.path).name: (file.state, file.problem) for file in read_enrichment(read_file, f"{tmp_path}/")}
    for name in ("dt_metadata", "dt_host_metadata", "dt_node_metadata"):
        assert states[f"{name}.json"] == ("unusable", "not a regular file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in directories here")
@pytest.mark.parametrize("place", ["in oneagent's place", "named by it"])
def test_nor_is_a_pipe_that_only_looks_like_oneagents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    if place == "named by it":
        Path(f"{VIRTUAL}.json").write_text(str(tmp_path / "pipe"))
    else:
        Path("pipe").rename(f"{VIRTUAL}.json")
    first = read_enrichment(read_file, f"{tmp_path}/")[0]
    assert first.state == "unusable"
    assert "not a regular file" in str(first.problem)


def test_real_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "1234"
    target.write_text('{"dt.entity.process_group_instance": "PGI-1"}')
    Path(f"{VIRTUAL}.json").write_text(f"{target}\n")
    (tmp_path / "dt_metadata.properties").write_bytes(b"k8s.pod.name=checkout-1\r\n")
    (tmp_path / "dt_host_metadata.json").write_bytes(b"x" * 300_000)
    files = read_enrichment(read_file, f"{tmp_path}/")
    assert [file.state for file in files[:5]] == ["read", "not needed", "not there", "read", "unusable"]
    assert read_enrichment_attributes(read_file, f"{tmp_path}/") == {
        "dt.entity.process_group_instance": "PGI-1",
        "k8s.pod.name": "checkout-1",
    }


def test_a_working_directory_that_is_gone_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert read_enrichment(read_file, f"{tmp_path}/")[0].state == "not there"
