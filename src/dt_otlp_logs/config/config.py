"""The configuration: every setting read once, checked together, and frozen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dt_otlp_logs.config.address import is_loopback
from dt_otlp_logs.config.credentials import load_credentials
from dt_otlp_logs.config.endpoint import Endpoint
from dt_otlp_logs.config.files import has_private_key
from dt_otlp_logs.config.loading import Loading
from dt_otlp_logs.config.masking import shown
from dt_otlp_logs.config.problem import BadValueError, ConfigError, Origin
from dt_otlp_logs.config.proxies import Proxies, parse_no_proxy, parse_proxy, variable
from dt_otlp_logs.config.settings import BY_KEY
from dt_otlp_logs.config.token_source import TokenSource

_LONGEST_CONNECT_SECONDS = 3.0
_QUEUE_IN_MEMORY = 64_000_000
_QUEUE_ON_DISK = 1_000_000_000

CAPTURES = ("level", "loggers", "capture_warnings", "capture_unhandled")
"""The settings that say which records are made at all, not where they go."""

_READ_TOGETHER = {"api_token", "api_token_file", "headers", "proxy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting, ready to use. Times are in seconds, sizes in bytes; no secret shows in the repr.

    `origins` says for each setting where it came from, `notes` what should be said once at start.
    """

    endpoints: tuple[Endpoint, ...]
    token: TokenSource
    allow_http: bool
    fallback: Literal["auto", "never", "json-only"]
    compression: Literal["gzip", "none"]
    timeout_seconds: float
    connect_timeout_seconds: float
    max_request_bytes: int
    limits: Literal["grail", "classic"]
    queue_directory: Path | None
    queue_max_bytes: int
    queue_full: Literal["drop_oldest", "drop_newest"]
    stale: Literal["restamp", "drop"]
    shutdown_timeout_seconds: float
    flush_on_sigterm: bool
    fallback_after_seconds: float
    probe_seconds: float
    ca_file: Path | None
    client_certificate_file: Path | None
    client_key_file: Path | None
    proxies: Proxies
    enrich: bool
    structure: Literal["raw", "flattened"] | None
    redact: tuple[re.Pattern[str], ...]
    level: int
    loggers: tuple[str, ...]
    capture_warnings: bool
    capture_unhandled: bool
    headers: Mapping[str, str]
    notes: tuple[str, ...]
    origins: tuple[Origin, ...]


def load_config(settings: Mapping[str, object], environ: Mapping[str, str]) -> Config:
    """Answer the configuration from keyword arguments (None: not given) and environment variables.

    A value given in code wins over the environment, the environment over the default. Raises `ConfigError`
    with every problem there is.
    """
    loading = Loading(settings, environ)
    loading.check_names()
    values: dict[str, Any] = {key: loading.read(key) for key in BY_KEY if key not in _READ_TOGETHER}
    endpoints = values.pop("endpoint")
    _check_endpoints(loading, endpoints, values)
    token, headers = load_credentials(loading, endpoints)
    proxies = _proxies(loading, endpoints)
    _check_client_certificate(loading, values)
    if values["queue_max_bytes"] is None:
        values["queue_max_bytes"] = _QUEUE_ON_DISK if values["queue_directory"] else _QUEUE_IN_MEMORY
        loading.came_from("queue_max_bytes", values["queue_max_bytes"], "default")
    if loading.problems:
        raise ConfigError(tuple(loading.problems), loading.origins, loading.notes)
    return Config(
        endpoints=endpoints,
        token=token,
        headers=headers,
        proxies=proxies,
        connect_timeout_seconds=min(_LONGEST_CONNECT_SECONDS, values["timeout_seconds"]),
        notes=loading.notes,
        origins=loading.origins,
        **values,
    )


def with_captures(config: Config, settings: Mapping[str, object], environ: Mapping[str, str]) -> Config:
    """The same configuration with what `settings` and the environment say of level, loggers and captures.

    Raises `ConfigError` if one of these is wrong, or if a keyword is no setting.
    """
    loading = Loading(settings, environ)
    loading.check_names()
    values: dict[str, Any] = {key: loading.read(key) for key in CAPTURES}
    if loading.problems:
        raise ConfigError(tuple(loading.problems), loading.origins, loading.notes)
    return replace(config, **values)


def _check_endpoints(loading: Loading, endpoints: tuple[Endpoint, ...], values: Mapping[str, Any]) -> None:
    given = loading.find("endpoint")
    if given is None:
        loading.missing("endpoint", "https://abc12345.live.dynatrace.com (or endpoint=... in code)")
        return
    for endpoint in endpoints:
        url = str(endpoint.otlp_url or endpoint.json_url)
        plain = url.startswith("http://") and not is_loopback(endpoint.host)
        if plain and endpoint.sends_token and not values["allow_http"]:
            expected = "https://, or allow_http (DT_OTLP_LOGS_ALLOW_HTTP=true) to send the token unencrypted"
            loading.refuse("endpoint", given.source, shown(url), expected)
    if endpoints and not any(endpoint.urls(values["fallback"]) for endpoint in endpoints):
        found = f"{shown(values['fallback'])} with OTLP receivers only"
        loading.refuse("fallback", "the endpoint", found, "auto or never, or an endpoint with JSON ingest")
    protocol = loading.environ.get("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL") or loading.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", ""
    )
    if given.from_otel and protocol.strip().lower() not in ("", "http/protobuf"):
        loading.note(f"the protocol {shown(protocol)} is not used: logs go as http/protobuf")


def _proxies(loading: Loading, endpoints: tuple[Endpoint, ...]) -> Proxies:
    no_proxy = parse_no_proxy(loading.environ)
    given = loading.find("proxy")
    if given is not None:
        proxy = loading.read("proxy")
        proxies = Proxies(proxy, proxy, no_proxy if proxy else ())
        loading.came_from("proxy", proxies, given.source)
        return proxies
    # Only what is used is checked: a SOCKS proxy for http:// is no concern of an https:// endpoint.
    schemes = {url.partition(":")[0] for endpoint in endpoints for _, url in endpoint.urls()}
    found: dict[str, str | None] = {}
    sources = []
    for scheme in ("https", "http"):
        place = variable(loading.environ, f"{scheme.upper()}_PROXY") if scheme in schemes else None
        if place is None:
            continue
        name, text = place
        try:
            found[scheme] = parse_proxy(text)
            sources.append(name)
        except BadValueError as bad:
            loading.refuse("proxy", name, bad.found or shown(text), bad.expected)
    proxies = Proxies(found.get("https"), found.get("http"), no_proxy if any(found.values()) else ())
    loading.came_from("proxy", proxies, ", ".join(sources) or "default")
    return proxies


def _check_client_certificate(loading: Loading, values: Mapping[str, Any]) -> None:
    certificate, key = values["client_certificate_file"], values["client_key_file"]
    if loading.refused("client_certificate_file") or loading.refused("client_key_file"):
        return
    if key and not certificate:
        expected = "client_certificate_file beside it"
        loading.refuse("client_key_file", _source(loading, "client_key_file"), "without its certificate", expected)
    elif certificate and not key and not has_private_key(certificate):
        found = f"{shown(certificate)} without a key"
        expected = "client_key_file beside it, or a file that holds both"
        source = _source(loading, "client_certificate_file")
        loading.refuse("client_certificate_file", source, found, expected)


def _source(loading: Loading, key: str) -> str:
    given = loading.find(key)
    return given.source if given else "default"
