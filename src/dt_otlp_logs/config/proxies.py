"""Which proxy a URL goes through: one setting, or the variables every HTTP client reads."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from dt_otlp_logs.config.address import is_loopback
from dt_otlp_logs.config.masking import escape, mask, shown
from dt_otlp_logs.config.problem import BadValueError

EXPECTED = "a proxy's address such as http://proxy:3128, or none"
DIRECT = ("none", "off", "direct")

_PROXY = re.compile(r"(https?)://(?:[^\s/@]*@)?(\[[0-9a-f:.]+\]|[\w.-]+)(:[0-9]{1,5})?/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies for https and http URLs, and the hosts that are reached without one."""

    https: str | None = None
    http: str | None = None
    no_proxy: tuple[str, ...] = ()

    def for_url(self, url: str) -> str | None:
        """Answer the proxy for *url*, with user name and password if it has them; `None`: go directly."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        # OneAgent's local ingest listens on this machine only; a proxy elsewhere cannot reach it.
        if is_loopback(host) and parts.path == "/v2/logs/ingest":
            return None
        proxy = self.https if parts.scheme == "https" else self.http
        if proxy is None:
            return None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return None if any(_matches(rule, host, port) for rule in self.no_proxy) else proxy

    def __repr__(self) -> str:
        return f"Proxies({self})"

    def __str__(self) -> str:
        if not (self.https or self.http):
            return "none"
        shown_proxies = ", ".join(
            f"{scheme}: {escape(mask(proxy))}"
            for scheme, proxy in (("https", self.https), ("http", self.http))
            if proxy
        )
        return shown_proxies + (f"; not for {escape(', '.join(self.no_proxy))}" if self.no_proxy else "")


def parse_proxy(value: object) -> str | None:
    """Read one proxy's address, a bare `host:port` meaning http; `none` is no proxy. Raises `BadValueError`."""
    text = str(value).strip(" \t\r\n\"'") if isinstance(value, str) else ""
    if text.lower() in DIRECT:
        return None
    address = text if "://" in text else f"http://{text}"
    match = _PROXY.fullmatch(address)
    if match is None or (match[3] and not 1 <= int(match[3][1:]) <= 65_535):
        expected = f"{EXPECTED}; SOCKS proxies are not supported" if text.startswith("socks") else EXPECTED
        raise BadValueError(expected, shown(text) if text else "empty")
    return address.removesuffix("/")


def variable(environ: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """Answer the name and value of a proxy variable; the lower-case spelling wins, as with curl and Python."""
    for spelling in (name.lower(), name):
        # In a CGI process HTTP_PROXY is a request's header, set by a stranger (CVE-2016-1000110).
        if spelling == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
            continue
        if value := environ.get(spelling, "").strip():
            return spelling, value
    return None


def parse_no_proxy(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Read NO_PROXY: host names and domains, with or without port, addresses, networks, or `*`."""
    found = variable(environ, "NO_PROXY")
    return tuple(rule.lower() for rule in re.split(r"[,\s]+", found[1]) if rule) if found else ()


def _matches(rule: str, host: str, port: int) -> bool:
    if rule == "*":
        return True
    name, colon, rule_port = rule.rpartition(":")
    if colon and rule_port.isdigit() and (":" not in name or name.startswith("[")):
        if int(rule_port) != port:
            return False
        rule = name
    rule = rule.strip("[]").removeprefix("*")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        domain = rule.lstrip(".").removesuffix(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
