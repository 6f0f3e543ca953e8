"""What the emulator writes back: Dynatrace's error envelope, success bodies, and a gateway's HTML pages."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

MESSAGES = {
    400: "Bad Request",
    401: "Token Authentication failed",
    402: "The license does not allow this",
    403: "Token is missing required scope. Use one of: logs.ingest (Ingest logs)",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too many requests",
    500: "Internal server error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class RefusedError(Exception):
    """The request is refused as a whole; `records` of it had been read when that was decided."""

    def __init__(self, status: int, message: str, records: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.records = records


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of one answer."""

    status: int
    body: bytes = b""
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def message_for(status: int) -> str:
    """Dynatrace's usual words for a status."""
    return MESSAGES.get(status, f"Status {status}")


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """The ErrorEnvelope, which both ingest paths use (fact sheet, section 2.4)."""
    return json_answer(status, {"error": {"code": status, "message": message}}, headers)


def json_answer(status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON document; characters outside ASCII are escaped, so nothing in it can be taken for markup."""
    return Answer(status, json.dumps(document).encode(), "application/json", headers or {})


def otlp_success(rejected: int = 0, message: str = "") -> Answer:
    """An ExportLogsServiceResponse: empty bytes when everything was accepted, which is a valid one."""
    response = ExportLogsServiceResponse()
    if rejected or message:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    return Answer(200, response.SerializeToString(), "application/x-protobuf")


def json_success(message: str = "", key: str = "details") -> Answer:
    """204 without a body, or 200 with Dynatrace's SuccessEnvelope when something has to be said."""
    if not message:
        return Answer(204)
    return json_answer(200, {key: {"code": 200, "message": message}})


def html_page(status: int, message: str, path: str, headers: Mapping[str, str]) -> Answer:
    """A page as a Jetty or a gateway writes it; below 400 it is a login page.

    fluent-bit issue 10977 shows such a page from Dynatrace itself: ISO-8859-1, a table of URI, STATUS, MESSAGE.
    """
    if status < 400:
        text = "<html><head><title>Sign in</title></head><body><form>User <input name=user></form></body></html>"
    else:
        rows = (("URI", path), ("STATUS", str(status)), ("MESSAGE", message))
        cells = "".join(f"<tr><th>{name}:</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
        title = f"Error {status} {html.escape(message)}"
        text = f"<html><head><title>{title}</title></head><body><h2>HTTP ERROR {status}</h2><table>{cells}</table>"
        text += "</body></html>"
    return Answer(status, text.encode("iso-8859-1", "replace"), "text/html;charset=iso-8859-1", headers)
