"""The stock OTLP exporter under our configuration: for comparison, and for those who want nothing else."""

from pathlib import Path

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

from dt_otlp_logs.config import Config, ConfigError, Problem


def stock_exporter(config: Config) -> OTLPLogExporter:
    """OpenTelemetry's own `OTLPLogExporter`, pointed at the first endpoint with its token, timeout and certificates.

    Delivery is then the stock exporter's, with its losses; nothing is counted. Raises `ConfigError` if the first
    endpoint has no OTLP route.
    """
    endpoint = config.endpoints[0]
    url = endpoint.otlp_url
    if url is None:
        raise ConfigError((Problem("exporter", "argument", "stock", "an endpoint that takes OTLP"),))
    headers = dict(config.headers)
    token = config.token.current() if endpoint.sends_token else None
    if token is not None:
        headers["authorization"] = token.authorization()
    session = requests.Session()
    # Without this a ~/.netrc entry for the host replaces the Authorization header.
    session.trust_env = False
    proxy = config.proxies.for_url(url)
    if proxy is not None:
        session.proxies = {"http": proxy, "https": proxy}
    return OTLPLogExporter(
        endpoint=url,
        headers=headers,
        timeout=config.timeout_seconds,
        compression=Compression.Gzip if config.compression == "gzip" else Compression.NoCompression,
        certificate_file=_text(config.ca_file),
        client_certificate_file=_text(config.client_certificate_file),
        client_key_file=_text(config.client_key_file),
        session=session,
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
