"""Scheme, host, port and path of an endpoint as a person wrote it, checked and put in one form."""

import ipaddress
import re
from dataclasses import dataclass

from dt_otlp_logs.config.masking import shown
from dt_otlp_logs.config.problem import BadValueError

EXPECTED = "an address such as https://abc12345.live.dynatrace.com or https://activegate:9999/e/abc12345"

_AROUND = " \t\r\n\f\v\"'\ufeff\u200b"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):/{1,2}(?=[^/]|$)", re.IGNORECASE)
_PARTS = re.compile(r"(?:\[([^\]]*)\]|([^/:\[\]]*))(?::([^/]*))?(/.*)?", re.DOTALL)
_ENVIRONMENT_ID = re.compile(r"[a-z]{3}[0-9]{5}", re.IGNORECASE)
_MANAGED_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")  # underscores: Docker Compose service names
_PATH = re.compile(r"[\x21\x24-\x3b\x3d\x40-\x5a\x5f\x61-\x7a\x7e]*")
_TOKEN = re.compile(r"dt0[a-z]\d\d\.\w+\.|^dt0[a-z]\d\d\.|^(api-token|bearer)[\s%]|\bey[\w-]{20,}\.", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a URL, in lower case where case carries no meaning, the default port left out."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port: what stands before the path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Tell whether *host* is `localhost`, 127.0.0.0/8 or ::1, by its spelling alone: no name is looked up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def unusable(address: Address, expected: str) -> BadValueError:
    """Answer the error for an address that was readable but is none of an endpoint."""
    return BadValueError(expected, shown(address.origin + address.path))


def parse_address(text: str) -> Address:
    """Read an address with or without scheme; raises `BadValueError`, with user names and tokens masked."""
    bare = text.strip(_AROUND)
    found = _shown_address(bare)
    if not bare:
        raise BadValueError(EXPECTED, "empty")
    if _TOKEN.search(bare):
        raise BadValueError(f"{EXPECTED}, not a token", found)
    if _ENVIRONMENT_ID.fullmatch(bare):
        return Address("https", f"{bare.lower()}.live.dynatrace.com", None, "")
    if _MANAGED_ID.fullmatch(bare):
        raise BadValueError("the id with its host: https://<host>/e/<environment id>", found)
    if re.search(r"[<>{}]|\$\(", bare):
        raise BadValueError(f"{EXPECTED}; this is a placeholder or an unresolved variable", found)
    if "?" in bare or "#" in bare:
        raise BadValueError("an address without anything from a ? or # on", found)
    if "@" in bare:
        raise BadValueError("an address without user name or password", found)
    scheme, rest = _split_scheme(bare, found)
    host, port, path = _split_rest(rest, found)
    if not scheme and "." not in host and ":" not in host and port is None and not is_loopback(host):
        raise BadValueError(f"{EXPECTED}; a host's name without a dot needs https:// before it", found)
    scheme = scheme or ("http" if is_loopback(host) else "https")
    return Address(scheme, host, None if port == _DEFAULT_PORTS[scheme] else port, path)


def _split_scheme(text: str, found: str) -> tuple[str, str]:
    match = _SCHEME.match(text)
    if match is None:
        return "", text.removeprefix("//")
    scheme = match[1].lower()
    if scheme == "grpc":
        raise BadValueError("an https:// address: this exporter speaks OTLP over HTTP, not gRPC", found)
    if scheme not in _DEFAULT_PORTS or not match[0].endswith("//"):
        raise BadValueError("an address that begins with https:// (or http://)", found)
    return scheme, text[match.end() :]


def _split_rest(rest: str, found: str) -> tuple[str, int | None, str]:
    """Answer host, port and path of what follows the scheme."""
    if rest.count(":") > 1 and _as_ipv6(rest):
        rest = f"[{rest}]"
    match = _PARTS.fullmatch(rest)
    if match is None:
        raise BadValueError(EXPECTED, found)
    literal, name, port_text, path = match.groups()
    host = _as_ipv6(literal) if literal is not None else name.lower().removesuffix(".")
    if not host or (literal is None and not _is_host_name(host)):
        raise BadValueError(f"a host's name in ASCII letters, digits, dots and hyphens: {EXPECTED}", found)
    port = None
    if port_text:
        if not re.fullmatch(r"[0-9]{1,5}", port_text) or not 1 <= int(port_text) <= 65_535:
            raise BadValueError("a port from 1 to 65535", found)
        port = int(port_text)
    path = (path or "").rstrip("/")
    if not _PATH.fullmatch(path) or re.search(r"/\.{1,2}(/|$)", path):
        raise BadValueError("a path of letters, digits and percent-encoded characters, without . or .. parts", found)
    return host, port, path


def _as_ipv6(text: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    # A zone id (fe80::1%eth0) has no place in a URL that a certificate is checked for.
    return None if address.scope_id else str(address)


def _is_host_name(host: str) -> bool:
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        return False
    # A last label of digits makes it an IPv4 address, or a mistyped one.
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]) is None:
        return True
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _shown_address(text: str) -> str:
    # A query may hold a token (`?api-token=`), so nothing from the mark on is shown.
    mark = re.search(r"[?#]", text)
    return shown(f"{text[: mark.end()]}***" if mark else text)
