"""What the query string and the X-Dynatrace headers of an ingest request say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from dt_otlp_logs.emulator.incoming import Value
from dt_otlp_logs.emulator.settings import EmulatorSettings

if TYPE_CHECKING:
    from dt_otlp_logs.emulator.ingest import IngestRequest

# Never attributes (fact sheet, sections 3.8, 3.9 and 4.1); `api-token` is how classic APIs take a token in a URL.
RESERVED = frozenset({"structure", "content-type", "api-token"})

_STRUCTURES = ("raw", "flattened")


@dataclass(frozen=True, slots=True)
class IngestParameters:
    """The media type and data model of a request, and the attributes it gives to all its records."""

    media_type: str
    structure: str
    extra: dict[str, Value]


def ingest_parameters(request: IngestRequest, settings: EmulatorSettings) -> IngestParameters:
    """Read them; the query string wins over headers, and X-Dynatrace-Options counts outside Managed only."""
    query = dict(_several(request.query))
    options = dict(parse_qsl(request.options_header)) if settings.profile != "classic" else {}
    structures = (_last(query.get("structure")), options.get("structure"), settings.structure)
    media_type = request.content_type
    if request.route == "json" and "content-type" in query:
        media_type = _last(query["content-type"]) or ""
    extra = {**_several(request.attributes_header), **query}
    return IngestParameters(
        media_type=media_type.partition(";")[0].strip().lower(),
        structure=next(structure for structure in structures if structure in _STRUCTURES),
        extra={key: value for key, value in extra.items() if key.lower() not in RESERVED},
    )


def _several(text: str) -> dict[str, Value]:
    """Pairs of a query string; a key that comes more than once has a list."""
    found: dict[str, list[str]] = {}
    for key, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        found.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def _last(value: str | list[str] | None) -> str | None:
    return value[-1] if isinstance(value, list) else value
