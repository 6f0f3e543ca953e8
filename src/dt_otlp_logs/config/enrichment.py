"""The files in which OneAgent and the Dynatrace Operator say what host, process and pod this is."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# The first name is virtual: OneAgent answers an open() of it in any working directory with the path of the real
# file, though no such file exists and stat() says so. Later files win.
# https://docs.dynatrace.com/docs/ingest-from/extend-dynatrace/extend-data
ONEAGENT_FILE = "dt_metadata_e617c525669e072eebe3d0f08212e8f2.json"
ENRICHMENT_FILES = (
    ONEAGENT_FILE,
    "/var/lib/dynatrace/enrichment/dt_metadata.json",
    "/var/lib/dynatrace/enrichment/dt_host_metadata.json",
)

# Metadata is a few hundred bytes; whatever is larger is not metadata.
_LARGEST_FILE_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class EnrichmentFile:
    """One file that was looked for: what it gave, or why it gave nothing (`problem` is None where it is not there)."""

    path: str
    attributes: dict[str, str]
    problem: str | None = None


def read_text(path: str) -> str:
    """The file's text; raises OSError or ValueError as `open` does."""
    with Path(path).open(encoding="utf-8") as file:
        return file.read(_LARGEST_FILE_CHARACTERS)


def read_enrichment(read: Callable[[str], str] = read_text) -> list[EnrichmentFile]:
    """Every file of `ENRICHMENT_FILES` with what it says; nothing here raises, a bad file costs nothing."""
    return [_read_one(path, read) for path in ENRICHMENT_FILES]


def _read_one(path: str, read: Callable[[str], str]) -> EnrichmentFile:
    try:
        text = read(path)
        if path == ONEAGENT_FILE:
            text = read(text.strip())
        content = json.loads(text)
    except FileNotFoundError:
        return EnrichmentFile(path, {})
    except (OSError, ValueError, RecursionError) as error:
        return EnrichmentFile(path, {}, f"{type(error).__name__}: {error}")
    if not isinstance(content, dict):
        return EnrichmentFile(path, {}, "not a JSON object")
    return EnrichmentFile(
        path, {str(key): str(value) for key, value in content.items() if isinstance(value, (str, int, float))}
    )
