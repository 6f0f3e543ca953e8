"""What an answer means: one function, one table; nobody else reads a status code."""

import json
import re
from dataclasses import dataclass
from typing import Literal

from dt_otlp_logs.delivery.backoff import retry_after_seconds
from dt_otlp_logs.delivery.transport import Response
from dt_otlp_logs.diagnostics import mask_secrets, printable

Form = Literal["otlp", "json"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The server took the records, all or some; `note` is what it remarked."""

    accepted: int
    rejected: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Retryable:
    """Nobody took the records; the same request may work later, at the earliest after `after` seconds."""

    reason: str
    after: float | None = None
    no_answer: bool = False


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The request is over a size limit."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The request is refused for what is in it; `by_dynatrace` when the answer carries Dynatrace's error envelope."""

    reason: str
    by_dynatrace: bool = False


@dataclass(frozen=True, slots=True)
class Denied:
    """The token, its scope, or the licence does not allow it: a person must act, nothing is lost meanwhile."""

    reason: str
    status: int


@dataclass(frozen=True, slots=True)
class Unsupported:
    """This URL does not serve this kind of ingest."""

    reason: str
    status: int


@dataclass(frozen=True, slots=True)
class Misdirected:
    """Something answered, but not Dynatrace's ingest: a redirect, a login page, a captive portal."""

    reason: str


Verdict = Delivered | Retryable | TooLarge | Rejected | Denied | Unsupported | Misdirected

# Statuses after which the same bytes may be accepted later: gateway and overload codes of Dynatrace's ingest pages,
# 408 and 500 by common sense (a fault of the server is not the record's), 425 by RFC 8470.
_RETRYABLE = frozenset({408, 425, 429})
_DENIED = frozenset({401, 402, 403, 407})
_UNSUPPORTED = frozenset({404, 405, 415, 501})

# "1531 events were not ingested because of timestamp out of correct time range."
_NOT_INGESTED = re.compile(r"\b(\d+) events? (?:was|were) not ingested", re.IGNORECASE)

_LONGEST_QUOTE = 300


def judge(form: Form, response: Response, records: int, now_unix_seconds: float) -> Verdict:
    """The verdict on one answer to a request that carried `records` records."""
    status = response.status
    if status is None:
        return Retryable(response.error or "no answer", no_answer=True)
    if 200 <= status < 300:
        return _judge_success(form, response, records)
    reason = _reason(response)
    if 300 <= status < 400:
        to = response.headers.get("location")
        return Misdirected(f"{reason}, redirected to {_quote(to)}" if to else reason)
    if status in _DENIED:
        return Denied(reason, status)
    if status in _UNSUPPORTED:
        return Unsupported(reason, status)
    if status == 413:
        return TooLarge(reason)
    if status in _RETRYABLE or status >= 500:
        return Retryable(reason, retry_after_seconds(response.headers.get("retry-after"), now_unix_seconds))
    return Rejected(reason, by_dynatrace=_envelope_message(response.body) is not None)


def _judge_success(form: Form, response: Response, records: int) -> Verdict:
    if _is_html(response):
        return Misdirected(f"HTTP {response.status} with an HTML page instead of Dynatrace's answer")
    if not response.body.strip():
        return Delivered(records)
    partial = _otlp_partial_success(response) if form == "otlp" else _json_partial_success(response.body)
    if partial is None:
        return Misdirected(f"HTTP {response.status} with an answer that is not Dynatrace's: {_quote(response.body)}")
    rejected, note = partial
    rejected = min(max(rejected, 0), records)
    return Delivered(records - rejected, rejected, _quote(note) if note else "")


def _otlp_partial_success(response: Response) -> tuple[int, str] | None:
    from google.protobuf.message import DecodeError
    from google.protobuf.unknown_fields import UnknownFieldSet
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

    try:
        answer = ExportLogsServiceResponse.FromString(response.body)
    except DecodeError:
        return _otlp_json_partial_success(response.body)
    # "It works!" happens to be a valid message of unknown fields.
    if len(UnknownFieldSet(answer)) and "protobuf" not in response.headers.get("content-type", ""):
        return None
    return answer.partial_success.rejected_log_records, answer.partial_success.error_message


def _otlp_json_partial_success(body: bytes) -> tuple[int, str] | None:
    # Gateways exist that take protobuf and answer in OTLP/JSON, most of them just `{}`.
    answer = _json_object(body)
    if answer is None or set(answer) - {"partialSuccess"}:
        return None
    partial = answer.get("partialSuccess") or {}
    if not isinstance(partial, dict):
        return None
    try:
        # OTLP/JSON writes 64-bit integers as strings.
        return int(partial.get("rejectedLogRecords", 0)), str(partial.get("errorMessage", ""))
    except (TypeError, ValueError, OverflowError):
        return None


def _json_partial_success(body: bytes) -> tuple[int, str] | None:
    # The documentation calls the key `details`, Dynatrace's own sample code `success`: both are read.
    answer = _json_object(body)
    if answer is None:
        return None
    details = answer.get("details") or answer.get("success")
    if not isinstance(details, dict):
        return None
    message = str(details.get("message", ""))
    count = _NOT_INGESTED.search(message)
    return (int(count.group(1)) if count else 0), message


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _is_html(response: Response) -> bool:
    start = response.body[:200].lstrip().lower()
    return "html" in response.headers.get("content-type", "").lower() or start.startswith((b"<!doctype", b"<html"))


def _envelope_message(body: bytes) -> str | None:
    # {"error": {"code": 401, "message": "..."}}: the ErrorEnvelope of Dynatrace's API.
    answer = _json_object(body)
    error = answer.get("error") if answer else None
    message = error.get("message") if isinstance(error, dict) else None
    return str(message) if message else None


def _reason(response: Response) -> str:
    said = _envelope_message(response.body)
    if said is None and not _is_html(response):
        said = response.body[:_LONGEST_QUOTE].decode("utf-8", "backslashreplace")
    elif said is None:
        said = "an HTML page"
    return f"HTTP {response.status}" + (f": {_quote(said)}" if said.strip() else "")


def _quote(text: str | bytes) -> str:
    if isinstance(text, bytes):
        text = text[:_LONGEST_QUOTE].decode("utf-8", "backslashreplace")
    text = printable(mask_secrets(" ".join(text.split())))
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."
