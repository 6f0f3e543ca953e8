"""A route is an endpoint and a form, OTLP or JSON; it turns a payload into a request and the answer into a verdict."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from dt_otlp_logs.delivery.clock import Clock
from dt_otlp_logs.delivery.transport import Response, Transport
from dt_otlp_logs.delivery.verdict import Form, Verdict, judge
from dt_otlp_logs.encoding.payload import Payload, decompress

_CONTENT_TYPES: Mapping[Form, str] = {
    "otlp": "application/x-protobuf",
    "json": "application/json; charset=utf-8",
}

# Set by this module: whatever else is in a request may be somebody's secret.
_KNOWN_HEADERS = frozenset({"content-type", "content-encoding", "user-agent", "x-dynatrace-options"})
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class RequestStyle:
    """What every request of this exporter has in common."""

    compression: Literal["gzip", "none"] = "gzip"
    structure: Literal["raw", "flattened"] | None = None
    """How the server is asked to keep nested values; None leaves it to the tenant."""
    classic: bool = False
    """For Classic and Managed, which keep nested values flattened without being asked."""
    headers: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = "dt-otlp-logs"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it."""

    response: Response
    verdict: Verdict


class Route:
    """Posts payloads to one URL in one form; the token is asked for anew for every request."""

    def __init__(
        self,
        *,
        url: str,
        form: Form,
        endpoint: int,
        authorization: Callable[[], str | None],
        style: RequestStyle,
        transport: Transport,
        clock: Clock,
    ) -> None:
        self.url = url
        self.form: Form = form
        self.endpoint = endpoint
        """Which of the configured endpoints this is, from 0."""
        self._authorization = authorization
        self._style = style
        self._transport = transport
        self._clock = clock

    def __repr__(self) -> str:
        return f"Route({self.form}, {self.url})"

    def post(self, payload: Payload, timeout_seconds: float) -> Exchange:
        """Send the payload once."""
        body, headers = self._body(payload), self._headers()
        response = _without_secrets(self._transport.post(self.url, headers, body, timeout_seconds), headers)
        verdict = judge(self.form, response, payload.records, self._clock.time_ns() / 1e9)
        return Exchange(response, verdict)

    def forget_connections(self) -> None:
        """Use no socket again that was opened before."""
        self._transport.forget_connections()

    def _headers(self) -> dict[str, str]:
        style = self._style
        headers = dict(style.headers)
        headers["content-type"] = _CONTENT_TYPES[self.form]
        headers["user-agent"] = style.user_agent
        if style.compression == "gzip":
            headers["content-encoding"] = "gzip"
        if style.structure is not None:
            # https://docs.dynatrace.com/docs/dynatrace-api/environment-api/opentelemetry/post-logs
            headers["x-dynatrace-options"] = f"structure={style.structure}"
        authorization = self._authorization()
        if authorization is not None:
            headers["authorization"] = authorization
        return headers

    def _body(self, payload: Payload) -> bytes:
        if self.form == "otlp":
            return payload.body if self._style.compression == "gzip" else decompress(payload)
        from dt_otlp_logs.encoding.events import encode_json

        style = self._style
        events = encode_json(decompress(payload), structure=style.structure, classic=style.classic)
        return gzip.compress(events, zlib.Z_BEST_SPEED) if style.compression == "gzip" else events


def _without_secrets(response: Response, headers: Mapping[str, str]) -> Response:
    """A server may quote what it was sent; its answers go to stderr and, after a loss, to Dynatrace."""
    secrets = [value.rpartition(" ")[2].encode() for name, value in headers.items() if name not in _KNOWN_HEADERS]
    body = response.body
    for secret in secrets:
        # A shorter value would hit ordinary words.
        if len(secret) >= _SHORTEST_SECRET and secret in body:
            body = body.replace(secret, b"***")
    return response if body is response.body else replace(response, body=body)
