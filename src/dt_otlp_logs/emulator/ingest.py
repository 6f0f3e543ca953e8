"""One ingest request, from its bytes to the records that are stored and the answer that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from dt_otlp_logs.emulator import answers, ingest_json, ingest_otlp
from dt_otlp_logs.emulator.answers import Answer, RefusedError
from dt_otlp_logs.emulator.extra import ingest_parameters
from dt_otlp_logs.emulator.incoming import IncomingBatch, Route
from dt_otlp_logs.emulator.mapping import MappedRecord, RecordMapper, RequestContext
from dt_otlp_logs.emulator.settings import EmulatorSettings

OTLP_PATH = "/api/v2/otlp/v1/logs"
JSON_PATH = "/api/v2/logs/ingest"
ONEAGENT_PATH = "/v2/logs/ingest"


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What matters of one request once its body is uncompressed."""

    route: Route
    body: bytes
    content_type: str
    query: str = ""
    attributes_header: str = ""
    options_header: str = ""
    token_identifier: str | None = None
    oneagent: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is stored, how many records are not, and the answer."""

    answer: Answer
    stored: Sequence[dict[str, Any]]
    records: int
    rejected: int


def ingest(request: IngestRequest, settings: EmulatorSettings, rejected_by_order: int = 0) -> Outcome:
    """Decode, map and judge one request; raises RefusedError when all of it is refused."""
    parameters = ingest_parameters(request, settings)
    batch = _decode(request, parameters.media_type, parameters.extra, settings)
    context = RequestContext(
        route=request.route,
        source=_source(request),
        ingest_format=batch.ingest_format,
        structure=parameters.structure,
        token_identifier=request.token_identifier,
        extra=parameters.extra,
        oneagent=request.oneagent,
    )
    mapper = RecordMapper(settings, context)
    mapped = [mapper.map(record) for record in batch.records]
    _refuse_stale_request(mapped, request, settings)
    fresh = [record for record in mapped if not record.stale]
    kept = fresh[: len(fresh) - rejected_by_order] if rejected_by_order < len(fresh) else []
    message = _message(mapped, len(fresh) - len(kept))
    rejected = len(mapped) - len(kept)
    return Outcome(
        answer=_answer(request.route, rejected, message, settings),
        stored=[record.record for record in kept],
        records=len(mapped),
        rejected=rejected,
    )


def count_records(request: IngestRequest, settings: EmulatorSettings) -> int | None:
    """How many records a request has that is not going to be processed; None when that cannot be said."""
    try:
        if request.route == "otlp":
            return ingest_otlp.count_records(ExportLogsServiceRequest.FromString(request.body))
        parameters = ingest_parameters(request, settings)
        return len(ingest_json.decode(request.body, parameters.media_type, {}, settings).records)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the order is to answer with the fault
        return None


def _source(request: IngestRequest) -> str:
    if request.oneagent:
        return "oneagent"
    return OTLP_PATH if request.route == "otlp" else JSON_PATH


def _decode(
    request: IngestRequest, media_type: str, extra: Mapping[str, Any], settings: EmulatorSettings
) -> IncomingBatch:
    if request.route == "otlp":
        return ingest_otlp.decode(request.body, media_type, settings)
    return ingest_json.decode(request.body, media_type, extra, settings)


def _refuse_stale_request(mapped: Sequence[MappedRecord], request: IngestRequest, settings: EmulatorSettings) -> None:
    stale = sum(record.stale for record in mapped)
    if not stale or (stale < len(mapped) and settings.stale == "partial" and not request.oneagent):
        return
    # The second text is the one OneAgent's local endpoint gives, which has no partial success.
    text = "One or all logs are out of correct time range." if request.oneagent else None
    raise RefusedError(400, text or "All logs are out of correct time range.", len(mapped))


def _message(mapped: Sequence[MappedRecord], rejected_by_order: int) -> str:
    parts = []
    stale = sum(record.stale for record in mapped)
    if stale:
        parts.append(f"{stale} events were not ingested because of timestamp out of correct time range.")
    nested = [str(position) for position, record in enumerate(mapped) if record.too_nested]
    if nested:
        parts.append(f"Event(s) have attributes that are too nested for records: {', '.join(nested)}")
    if rejected_by_order:
        parts.append(f"{rejected_by_order} events were not ingested because a fault was ordered.")
    return " ".join(parts)


def _answer(route: Route, rejected: int, message: str, settings: EmulatorSettings) -> Answer:
    if route == "otlp":
        return answers.otlp_success(rejected, message)
    return answers.json_success(message, settings.partial_success_key)
