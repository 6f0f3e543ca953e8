"""The stock OTLP exporter under our configuration: for comparison, and for those who want nothing else."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from requests.auth import AuthBase

from dt_otlp_logs.config import Config, ConfigError, Problem


def stock_exporter(config: Config) -> OTLPLogExporter:
    """OpenTelemetry's own `OTLPLogExporter`, pointed at the first endpoint with its token, timeout and certificates.

    Delivery is then the stock exporter's, with its losses; nothing is counted. Raises `ConfigError` if the first
    endpoint has no OTLP route, and if there is something to redact: it would be sent as it is.
    """
    endpoint = config.endpoints[0]
    url = endpoint.otlp_url
    if url is None or config.redact:
        raise ConfigError(tuple(_problems(config)))
    headers = dict(config.headers)
    token = config.token.current() if endpoint.sends_token else None
    if token is not None:
        headers["authorization"] = token.authorization()
    session = requests.Session()
    session.auth = _ConfiguredHeaders(headers)
    # Without this a ~/.netrc entry for the host replaces the Authorization header.
    session.trust_env = False
    proxy = config.proxies.for_url(url)
    if proxy is not None:
        session.proxies = {"http": proxy, "https": proxy}
    return OTLPLogExporter(
        endpoint=url,
        timeout=config.timeout_seconds,
        compression=Compression.Gzip if config.compression == "gzip" else Compression.NoCompression,
        certificate_file=_text(config.ca_file),
        client_certificate_file=_text(config.client_certificate_file),
        client_key_file=_text(config.client_key_file),
        session=session,
    )


def _problems(config: Config) -> Iterator[Problem]:
    if config.endpoints[0].otlp_url is None:
        yield Problem("exporter", "argument", "stock", "an endpoint that takes OTLP")
    if config.redact:
        (source,) = [origin.source for origin in config.origins if origin.key == "redact"]
        yield Problem("redact", source, "set", "none, or another exporter than stock, which redacts nothing")


class _ConfiguredHeaders(AuthBase):
    """Sends the configuration's headers, and none that the stock exporter reads from the OTEL variables by itself.

    Those may be meant for another receiver, and hold its credentials; the configuration has sorted that out.
    """

    _OF_THE_REQUEST = ("accept", "connection", "content-", "host", "user-agent")

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        for name in list(request.headers):
            if not name.lower().startswith(self._OF_THE_REQUEST):
                del request.headers[name]
        request.headers.update(self._headers)
        return request


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
