"""The table of settings: every key, its environment variables in order, its default and what it is for."""

import logging
from typing import Any

from dt_otlp_logs.config import readers
from dt_otlp_logs.config.endpoint import BASE_VARIABLE, LOGS_VARIABLE, OTLP_PATH
from dt_otlp_logs.config.headers import Headers
from dt_otlp_logs.config.masking import escape, mask
from dt_otlp_logs.config.redaction import patterns, show_patterns
from dt_otlp_logs.config.setting import Setting, choice

OWN_PREFIX = "DT_OTLP_LOGS_"


def _own(key: str) -> str:
    return OWN_PREFIX + key.upper()


def _otel(name: str) -> tuple[str, str]:
    return f"OTEL_EXPORTER_OTLP_LOGS_{name}", f"OTEL_EXPORTER_OTLP_{name}"


def _show_endpoints(endpoints: Any) -> str:
    addresses = [str(endpoint.otlp_url or endpoint.json_url).removesuffix(OTLP_PATH) for endpoint in endpoints]
    return escape(mask(", ".join(addresses)))


def _show_headers(headers: Any) -> str:
    return ", ".join(f"{escape(name)}=***" for name in headers) or "none"


def _show_level(level: int) -> str:
    return logging.getLevelName(level)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "endpoint", ("DT_ENDPOINT", LOGS_VARIABLE, BASE_VARIABLE), readers.endpoints, (),
        "the Dynatrace tenant, ActiveGate or OneAgent that logs go to; several, separated by commas, in order",
        _show_endpoints,
    ),
    Setting("api_token", ("DT_API_TOKEN",), readers.token, None, "the access token, scope logs.ingest"),
    Setting(
        "api_token_file", ("DT_API_TOKEN_FILE",), readers.path, None,
        "a file that holds the token; read again when it changes",
    ),
    Setting(
        "allow_http", (_own("allow_http"),), readers.switch, False,
        "send the token over http:// to a host other than this machine",
    ),
    Setting(
        "fallback", (_own("fallback"),), choice("auto", "never", "json-only"), "auto",
        "when JSON ingest is used: `auto` (where OTLP is not offered), `never`, `json-only`",
    ),
    Setting(
        "compression", (_own("compression"), *_otel("COMPRESSION")), readers.compression, "gzip",
        "how request bodies are compressed: `gzip` or `none`",
    ),
    Setting(
        "timeout_seconds", (_own("timeout_seconds"), *_otel("TIMEOUT")), readers.timeout, 10.0,
        "the longest one request may take; connecting takes at most 3 seconds of it",
    ),
    # 2 MB for a batch: the access-limits page's figure for OTLP logs, the smaller of the two documented ones.
    Setting(
        "max_request_bytes", (_own("max_request_bytes"),), readers.request_bytes, 2_000_000,
        "the largest request made of several records, before compression",
    ),
    Setting(
        "limits", (_own("limits"),), choice("grail", "classic"), "grail",
        "which of Dynatrace's limits on a record apply: `grail`, or `classic` (also Managed)",
    ),
    Setting(
        "queue_directory", (_own("queue_directory"),), readers.directory, None,
        "where records wait on disk, to outlive the process; none: in memory",
    ),
    Setting(
        "queue_max_bytes", (_own("queue_max_bytes"),), readers.queue_bytes, None,
        "how much may wait, compressed: 64 MB in memory, 1 GB on disk unless set",
    ),
    Setting(
        "queue_full", (_own("queue_full"),), choice("drop_oldest", "drop_newest"), "drop_oldest",
        "what is given up when the queue is full: `drop_oldest` or `drop_newest`",
    ),
    Setting(
        "stale", (_own("stale"),), choice("restamp", "drop"), "restamp",
        "records older than 24 hours, which Dynatrace refuses: `restamp` (time of sending, the original one kept in "
        "`log.original_timestamp`) or `drop`",
    ),
    Setting(
        "shutdown_timeout_seconds", (_own("shutdown_timeout_seconds"),), readers.seconds_or_zero, 5.0,
        "how long the end of the process may wait for delivery",
    ),
    Setting(
        "flush_on_sigterm", (_own("flush_on_sigterm"),), readers.switch, False,
        "when SIGTERM comes, deliver what waits (within the shutdown timeout), then go on as without it",
    ),
    Setting(
        "fallback_after_seconds", (_own("fallback_after_seconds"),), readers.seconds_or_zero, 30.0,
        "how long a route may fail before the next one is used",
    ),
    Setting(
        "probe_seconds", (_own("probe_seconds"),), readers.seconds, 60.0,
        "how often a route that was left is tried again",
    ),
    Setting(
        "ca_file", (_own("ca_file"), *_otel("CERTIFICATE")), readers.certificate_file, None,
        "certificates to trust (PEM); none: the system's",
    ),
    Setting(
        "client_certificate_file", (_own("client_certificate_file"), *_otel("CLIENT_CERTIFICATE")),
        readers.certificate_file, None, "the certificate to show to the server (PEM)",
    ),
    Setting(
        "client_key_file", (_own("client_key_file"), *_otel("CLIENT_KEY")), readers.key_file, None,
        "the key of that certificate (PEM); none: in the certificate's file",
    ),
    Setting(
        "proxy", (_own("proxy"),), readers.proxy, None,
        "the proxy to use; unless set, HTTPS_PROXY and HTTP_PROXY; NO_PROXY names exceptions",
    ),
    Setting("enrich", (_own("enrich"),), readers.switch, True,
        "add the attributes of host, process and pod in Dynatrace's metadata files to every resource without them"),
    Setting(
        "structure", (_own("structure"),), readers.structure, None,
        "how Dynatrace keeps nested values: `raw` or `flattened`; unset: as the tenant is set, and a map that is the "
        "body of an OpenTelemetry record is kept as JSON text",
    ),
    Setting(
        "redact", (_own("redact"),), patterns, (),
        "regular expressions, one a line without the blanks around it, whose matches become *** in the content and in "
        "attributes that are text, bytes of text, lists or maps, not in names and single numbers; `dynatrace-token` "
        "on a line of its own finds access tokens, keeping their public part", show_patterns,
    ),
    Setting(
        "level", (_own("level"),), readers.level, logging.NOTSET,
        "the least level that the handler sends, a name or a number; a logger that lets less through is opened for it",
        _show_level,
    ),
    Setting(
        "loggers", (_own("loggers"),), readers.names, (),
        "loggers that get the handler beside the root logger since they do not propagate to it, e.g. `uvicorn.access`",
        lambda names: escape(", ".join(names)) or "none",
    ),
    Setting(
        "capture_warnings", (_own("capture_warnings"),), readers.switch, False,
        "log what the `warnings` module says, as records of the logger `py.warnings`",
    ),
    Setting(
        "capture_unhandled", (_own("capture_unhandled"),), readers.switch, False,
        "log exceptions that nothing caught, in the main thread, in other threads and in asyncio tasks",
    ),
    Setting(
        "headers", _otel("HEADERS"), readers.headers, Headers(),
        "further request headers, name=value separated by commas", _show_headers,
    ),
)  # fmt: skip

BY_KEY = {setting.key: setting for setting in SETTINGS}
