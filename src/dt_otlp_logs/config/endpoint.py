"""One endpoint: every spelling people use for a Dynatrace tenant, and the URLs it stands for."""

import re
from dataclasses import dataclass
from typing import Literal

from dt_otlp_logs.config.address import Address, parse_address, unusable
from dt_otlp_logs.config.problem import BadValueError

Kind = Literal["saas", "managed", "activegate", "oneagent", "otlp_receiver", "dynatrace"]
Form = Literal["otlp", "json"]

LOGS_VARIABLE = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
BASE_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"

# https://docs.dynatrace.com/docs/ingest-from/opentelemetry/otlp-api: below the tenant's (or /e/<id>) address.
OTLP_PATH = "/api/v2/otlp/v1/logs"
JSON_PATH = "/api/v2/logs/ingest"
ONEAGENT_PATH = "/v2/logs/ingest"

# What people leave on the tenant's address, longest first.
_API_TAIL = re.compile(r"(/api/v2/otlp(/(v1|logs|traces|metrics))*|/api/v2/logs(/ingest)?|/api(/v[12])?)$")
_DYNATRACE_API = re.compile(r"/api/v2/(otlp|logs/ingest)(/|$)")
_ENVIRONMENT_PATH = re.compile(r"(.*?/e/[A-Za-z0-9-]+)(/.*)?")
_WEB_PAGE = re.compile(r"/(ui|platform|apps)(/.*)?")
_SAAS_DOMAINS = (".dynatrace.com", ".dynatracelabs.com")
# Dynatrace's own hosts that are no tenant.
_NO_TENANT = {"www", "docs", "sso", "account", "myaccount", "community", "live", "apps", "sprint", "dev"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where logs go: `otlp_url` and `json_url`, either of them `None` where the host does not offer that form."""

    kind: Kind
    host: str
    otlp_url: str | None
    json_url: str | None
    needs_token: bool
    sends_token: bool

    def urls(self, fallback: str = "auto") -> tuple[tuple[Form, str], ...]:
        """Answer the forms and URLs to try, in order, under a `fallback` setting."""
        otlp: tuple[tuple[Form, str], ...] = (("otlp", self.otlp_url),) if self.otlp_url else ()
        json: tuple[tuple[Form, str], ...] = (("json", self.json_url),) if self.json_url else ()
        if fallback == "json-only":
            return json
        # OneAgent takes JSON alone: that is its first route, not a fallback.
        return otlp + json if fallback == "auto" or not otlp else otlp


def parse_endpoint(text: str, source: str = "argument") -> tuple[Endpoint, tuple[str, ...]]:
    """Read one endpoint; answer it with what should be said about it once.

    *source* decides how a host that is not known to be Dynatrace's is meant: from `DT_ENDPOINT` or code it is
    Dynatrace, from the OTEL variables an OTLP receiver. Raises `BadValueError` for what cannot be an endpoint.
    """
    notes: list[str] = []
    address = parse_address(text)
    from_otel = source in (LOGS_VARIABLE, BASE_VARIABLE)
    if address.port == 4317:
        notes.append(f"{address.host}:4317 is the port of OTLP over gRPC; this is OTLP over HTTP, usually on 4318")
    if _is_saas(address.host):
        return _saas(address, notes), tuple(notes)
    if _is_oneagent(address):
        url = f"{address.origin}{ONEAGENT_PATH}"
        return Endpoint("oneagent", address.host, None, url, needs_token=False, sends_token=False), ()
    if _is_receiver(address, from_otel):
        url = _receiver_url(address, source, notes)
        endpoint = Endpoint("otlp_receiver", address.host, url, None, needs_token=False, sends_token=False)
        return endpoint, tuple(notes)
    base = _base_path(address, notes)
    kind = _kind(address, base)
    if kind == "activegate" and "/e/" not in base:
        notes.append(f"{address.host} looks like an ActiveGate, whose address ends in /e/<environment id>")
    return _dynatrace(kind, address.host, address.origin + base), tuple(notes)


def _dynatrace(kind: Kind, host: str, base: str) -> Endpoint:
    return Endpoint(kind, host, base + OTLP_PATH, base + JSON_PATH, needs_token=True, sends_token=True)


def _is_saas(host: str) -> bool:
    return host.endswith(_SAAS_DOMAINS) or f".{host}" in _SAAS_DOMAINS


def _saas(address: Address, notes: list[str]) -> Endpoint:
    name, _, domain = address.host.rpartition(".dynatrace")
    if not name or name in _NO_TENANT:
        raise unusable(address, "a tenant's address such as https://abc12345.live.dynatrace.com")
    host = address.host
    if ".apps." in host:
        # The web interface's host answers API calls with 404 (troubleshooting page of the OTLP docs).
        labels = [label for label in name.split(".") if label != "apps"]
        if domain == ".com" and "live" not in labels and len(labels) == 1:
            labels.append("live")
        host = f"{'.'.join(labels)}.dynatrace{domain}"
        notes.append(f"{address.host} is the host of the web interface; logs go to {host}")
    base = _base_path(address, notes)
    if base and not _ENVIRONMENT_PATH.fullmatch(base):
        expected = "a tenant's address without a path, or with /api/v2/otlp or /api/v2/logs/ingest"
        raise unusable(address, expected)
    return _dynatrace("saas", host, address.origin.replace(address.host, host, 1) + base)


def _is_oneagent(address: Address) -> bool:
    """OneAgent listens on this machine only, on 14499 unless changed, and its path has no /api before it."""
    return address.loopback and (
        address.path == ONEAGENT_PATH or (address.port == 14499 and not address.path.strip("/"))
    )


def _is_receiver(address: Address, from_otel: bool) -> bool:
    if _DYNATRACE_API.search(address.path) or _ENVIRONMENT_PATH.fullmatch(address.path):
        return False
    if from_otel or address.path.endswith("/v1/logs"):
        return True
    return address.port in (4317, 4318) and not address.path


def _receiver_url(address: Address, source: str, notes: list[str]) -> str:
    path = address.path
    if re.search(r"(/v1/logs){2,}$", path):
        path = re.sub(r"(/v1/logs){2,}$", "/v1/logs", path)
        notes.append("/v1/logs was doubled at the end of the endpoint and is used once")
    elif source == BASE_VARIABLE and not path.endswith("/v1/logs"):
        path += "/v1/logs"
    elif source != BASE_VARIABLE and not path and (source != LOGS_VARIABLE or address.port == 4318):
        path = "/v1/logs"
        if source == LOGS_VARIABLE:
            notes.append(f"{LOGS_VARIABLE} has no path; /v1/logs was added")
    return address.origin + (path or "/")


def _base_path(address: Address, notes: list[str]) -> str:
    """Take the API's part off the path, however often it is there; what is left is the tenant's own."""
    path = re.sub(r"/{2,}", "/", address.path)
    if re.search(r"(/v1/logs){2,}$", path):
        notes.append("/v1/logs was doubled at the end of the endpoint and is used once")
    elif re.search(r"/v1/(traces|metrics)$", path):
        notes.append("the endpoint is that of another signal; logs go to /v1/logs beside it")
    below_environment = _ENVIRONMENT_PATH.fullmatch(path)
    while True:
        if below_environment or _is_saas(address.host):
            path = re.sub(r"(/v1/(logs|traces|metrics))+$", "", path)
        shorter = _API_TAIL.sub("", path).rstrip("/")
        if shorter == path:
            break
        path = shorter
    if path == ONEAGENT_PATH:
        notes.append(f"{ONEAGENT_PATH} is OneAgent's path, on this machine only; logs go to {JSON_PATH}")
        return ""
    if _is_saas(address.host) and _WEB_PAGE.fullmatch(path):
        return ""
    if below_environment and (match := _ENVIRONMENT_PATH.fullmatch(path)) and match[2]:
        if not _WEB_PAGE.fullmatch(match[2]):
            raise unusable(address, "nothing after /e/<environment id> but /api/v2/otlp or /api/v2/logs/ingest")
        return match[1]
    return path


def _kind(address: Address, base: str) -> Kind:
    # A containerised ActiveGate has no port of its own: its service's name tells it.
    in_cluster = address.host.endswith((".svc", ".svc.cluster.local"))
    if address.port == 9999 or in_cluster or "activegate" in address.host:
        return "activegate"
    return "managed" if "/e/" in base else "dynatrace"


def split_endpoints(value: object) -> list[str]:
    """Take a comma-separated list, or a sequence, apart; blank parts are left out."""
    if isinstance(value, str):
        return [part for part in value.strip().strip("\"'").split(",") if part.strip(" \t\r\n\"'")]
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return [part for part in value if part.strip()]
    raise BadValueError("a text, or a list of texts", f"a {type(value).__name__}")
