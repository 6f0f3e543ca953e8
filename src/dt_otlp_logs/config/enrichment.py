"""The files in which OneAgent and the Dynatrace Operator say what host, process and pod this is.

https://docs.dynatrace.com/docs/ingest-from/extend-dynatrace/extend-data
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dt_otlp_logs.config.masking import shown
from dt_otlp_logs.config.metadata import MetadataError, parse_json, parse_properties

# Virtual: OneAgent answers an open() of this name in any working directory with the path of the file to open next,
# though no such file exists and stat() says so. That path is good for a moment only.
ONEAGENT_NAME = "dt_metadata_e617c525669e072eebe3d0f08212e8f2"

# The pod (Operator), the host (OneAgent), the node (Operator): what comes later wins.
NAMES = ("dt_metadata", "dt_host_metadata", "dt_node_metadata")

# Metadata is a few hundred bytes; whatever is so large is not metadata.
MAX_FILE_BYTES = 256_000

_LONGEST_PATH = 4_096  # Linux's PATH_MAX

_Parse = Callable[[str], tuple[dict[str, str], str | None]]


@dataclass(frozen=True, slots=True)
class EnrichmentFile:
    """One file that was looked for: what it gave, and in words what was wrong with it or with parts of it.

    "not needed" is a properties file beside a JSON file that could be read: both say the same.
    """

    path: str
    state: Literal["read", "not there", "not needed", "unusable"]
    attributes: dict[str, str] = field(default_factory=dict)
    problem: str | None = None


def enrichment_directory(environ: Mapping[str, str], system: str = os.name) -> str:
    """Where Dynatrace puts its metadata files on this system, with a separator at the end."""
    if system == "nt":
        return (environ.get("PROGRAMDATA") or r"C:\ProgramData") + r"\dynatrace\enrichment" + "\\"
    return "/var/lib/dynatrace/enrichment/"


def read_file(path: str) -> bytes:
    """What is in a file, at most one byte more than `MAX_FILE_BYTES`; raises as `open` does, or `MetadataError`.

    Only regular files are opened, since opening a pipe waits for ever. A file that stat() does not find is
    opened all the same: it may be OneAgent's.
    """
    try:
        found = Path(path).stat()
    except OSError:
        found = None
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise MetadataError("not a regular file")
    if found is not None and not found.st_size:
        raise MetadataError("empty")  # or one of /proc, some of which wait for ever as well
    with Path(path).open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def read_enrichment(read: Callable[[str], bytes] = read_file, directory: str | None = None) -> list[EnrichmentFile]:
    """Every file there may be, in the order in which later ones win. Nothing here raises, a bad file costs nothing.

    Of a JSON and a properties file of one name the JSON file decides; the other is read where that cannot be.
    """
    directory = enrichment_directory(os.environ) if directory is None else directory
    files = []
    for stem in (ONEAGENT_NAME, *(directory + name for name in NAMES)):
        names_another = stem == ONEAGENT_NAME
        files.append(_read_one(f"{stem}.json", parse_json, read, names_another=names_another))
        properties = f"{stem}.properties"
        if files[-1].state == "read":
            files.append(EnrichmentFile(properties, "not needed"))
        else:
            files.append(_read_one(properties, parse_properties, read, names_another=names_another))
    return files


def read_enrichment_attributes(
    read: Callable[[str], bytes] = read_file, directory: str | None = None
) -> dict[str, str]:
    """The attributes of all files together."""
    return {key: value for file in read_enrichment(read, directory) for key, value in file.attributes.items()}


def _read_one(path: str, parse: _Parse, read: Callable[[str], bytes], *, names_another: bool) -> EnrichmentFile:
    try:
        content = _content(path, read)
        if content is None:
            return EnrichmentFile(path, "not there")
        if names_another:
            content = _content_of_named(content, read)
        attributes, problem = parse(_decoded(content))
    except MetadataError as error:
        return EnrichmentFile(path, "unusable", problem=str(error))
    return EnrichmentFile(path, "read", attributes, problem)


def _content(path: str, read: Callable[[str], bytes]) -> bytes | None:
    try:
        content = read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except MetadataError:
        raise
    except OSError as error:
        raise MetadataError(f"it cannot be read: {error.strerror or type(error).__name__}") from None
    except Exception as error:  # noqa: BLE001  # an audit hook may refuse with anything, open() a path with a NUL
        raise MetadataError(f"it cannot be read: {type(error).__name__}") from None
    if len(content) > MAX_FILE_BYTES:
        raise MetadataError(f"larger than {MAX_FILE_BYTES // 1_000} kB")
    return content


def _content_of_named(content: bytes, read: Callable[[str], bytes]) -> bytes:
    path = _decoded(content).strip()
    if not path or len(path) > _LONGEST_PATH or not path.isprintable():
        raise MetadataError("it does not name a file")
    try:
        named = _content(path, read)
    except MetadataError as error:
        raise MetadataError(f"of {shown(path)}, which it names: {error}") from None
    if named is None:
        raise MetadataError(f"{shown(path)}, which it names, is not there")
    return named


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MetadataError("not UTF-8 text") from None
