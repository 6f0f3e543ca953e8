"""How the value of each setting is read: one function a kind of value, each raising `BadValueError`."""

import logging
from pathlib import Path

from dt_otlp_logs.config.endpoint import Endpoint, parse_endpoint, split_endpoints
from dt_otlp_logs.config.files import pem_file, readable_path, writable_directory
from dt_otlp_logs.config.headers import EXPECTED as HEADERS_EXPECTED
from dt_otlp_logs.config.headers import Headers, checked, parse_headers
from dt_otlp_logs.config.problem import BadValueError
from dt_otlp_logs.config.proxies import parse_proxy
from dt_otlp_logs.config.quantity import has_unit, parse_bytes, parse_seconds, parse_switch
from dt_otlp_logs.config.setting import Given, choice
from dt_otlp_logs.config.token import EXPECTED as TOKEN_EXPECTED
from dt_otlp_logs.config.token import ApiToken

_MILLISECONDS_FROM = 300.0
_CERTIFICATE = ("BEGIN CERTIFICATE-----", "BEGIN TRUSTED CERTIFICATE-----")
_PRIVATE_KEY = ("PRIVATE KEY-----",)


def endpoints(given: Given) -> tuple[Endpoint, ...]:
    """Read one endpoint or, from our own variable and from code, several."""
    texts = [str(given.value)] if given.from_otel else split_endpoints(given.value)
    found: dict[Endpoint, None] = {}
    bad: list[BadValueError] = []
    for text in texts:
        try:
            endpoint, notes = parse_endpoint(text, given.source)
        except BadValueError as error:
            bad.append(error)
            continue
        for note in notes:
            given.note(note)
        found[endpoint] = None
    if bad:
        raise BadValueError(bad[0].expected, bad[0].found, tuple(bad[1:]))
    if not found:
        raise BadValueError("an address such as https://abc12345.live.dynatrace.com", "empty")
    return tuple(found)


def token(given: Given) -> ApiToken:
    """Read a token."""
    if isinstance(given.value, ApiToken):
        return given.value
    if not isinstance(given.value, str):
        raise BadValueError(TOKEN_EXPECTED, f"a {type(given.value).__name__}")
    return ApiToken(given.value)


def compression(given: Given) -> str:
    """Read gzip or none."""
    if given.from_otel and str(given.value).strip().lower() == "deflate":
        given.note(f"{given.source} is deflate, which Dynatrace does not take; gzip is used")
        return "gzip"
    return choice("gzip", "none")(given)


def timeout(given: Given) -> float:
    """Read the time a request may take."""
    # OpenTelemetry's specification has these variables in milliseconds, Python's SDK reads seconds. Nobody waits
    # five minutes for a log request, and nobody allows one less than 0.3 s: from 300 on it is milliseconds.
    if not given.from_otel or has_unit(given.value):
        return parse_seconds(given.value)
    try:
        milliseconds = float(str(given.value)) >= _MILLISECONDS_FROM
    except ValueError:
        milliseconds = False
    if not milliseconds:
        return parse_seconds(given.value)
    limit = parse_seconds(f"{str(given.value).strip()}ms")
    given.note(f"{given.source} is taken as milliseconds: {limit:g} s; DT_OTLP_LOGS_TIMEOUT_SECONDS is in seconds")
    return limit


def structure(given: Given) -> str | None:
    """Read how the server is to keep nested values; none leaves it to the tenant's settings."""
    word = choice("none", "raw", "flattened")(given)
    return None if word == "none" else word


def headers(given: Given) -> Headers:
    """Read headers from a mapping or from text in the form of the OTEL variables."""
    if isinstance(given.value, str):
        return checked(dict(parse_headers(given.value)))
    try:
        return checked(dict(given.value))  # type: ignore[call-overload]
    except (TypeError, ValueError) as error:
        if isinstance(error, BadValueError):
            raise
        raise BadValueError(HEADERS_EXPECTED, f"a {type(given.value).__name__}") from None


def certificate_file(given: Given) -> Path:
    """Read the path of a PEM file with one or more certificates."""
    return pem_file(given.value, _CERTIFICATE, "a file with a certificate")


def key_file(given: Given) -> Path:
    """Read the path of a PEM file with a private key."""
    return pem_file(given.value, _PRIVATE_KEY, "a file with a private key")


def directory(given: Given) -> Path:
    """Read the path of a directory that is there or can be made."""
    return writable_directory(given.value)


def path(given: Given) -> Path:
    """Read a path without looking at what is there."""
    return readable_path(given.value)


def switch(given: Given) -> bool:
    """Read true or false."""
    return parse_switch(given.value)


def seconds(given: Given) -> float:
    """Read a time that must be more than nothing."""
    return parse_seconds(given.value)


def seconds_or_zero(given: Given) -> float:
    """Read a time that may be nothing."""
    return parse_seconds(given.value, zero_allowed=True)


def proxy(given: Given) -> str | None:
    """Read one proxy's address."""
    return parse_proxy(given.value)


def request_bytes(given: Given) -> int:
    """Read the size of a request: at most 10 MB, the largest Dynatrace documents for logs."""
    return parse_bytes(given.value, at_most=10_000_000)


def queue_bytes(given: Given) -> int:
    """Read the size of the queue."""
    return parse_bytes(given.value)


def level(given: Given) -> int:
    """Read a level of logging: one of its names, or a number."""
    value = given.value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    text = str(value).strip()
    if text.isdecimal():
        return int(text)
    for name in (text, text.upper()):  # an application's own level may have a name in small letters
        number = logging.getLevelName(name)
        if isinstance(number, int):
            return number
    raise BadValueError("a level such as INFO, or its number")


def names(given: Given) -> tuple[str, ...]:
    """Read names of loggers, separated by commas."""
    value = given.value
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise BadValueError("names of loggers, separated by commas")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
