"""Request headers from the OTEL variables: the grammar of Python's SDK, with values kept out of print."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from dt_otlp_logs.config.masking import shown
from dt_otlp_logs.config.problem import BadValueError

# The grammar of opentelemetry.util.re.parse_env_headers(liberal=True). Not called, because it writes a
# malformed header, token and all, to the log and goes on without it.
_NAME = r"[\x21\x23-\x27\x2a\x2b\x2d\x2e\x30-\x39\x41-\x5a\x5e-\x7a\x7c\x7e]+"
_ENCODED = re.compile(rf"({_NAME})[ \t]*=[ \t]*([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)")
_WITH_BLANKS = re.compile(rf"({_NAME})[ \t]*=[ \t]*([\x20\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.1
_UNSENDABLE = re.compile(r"[^\x20-\x7e\xa0-\xff\t]")

# What the exporter itself says about a request's body and peer; a second voice would break the request.
RESERVED = frozenset({"content-encoding", "content-length", "content-type", "host", "transfer-encoding"})

EXPECTED = "headers such as name=value,other=value, special characters percent-encoded"


class Headers(Mapping[str, str]):
    """Header names in lower case and their values; the repr shows names only."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = {name.lower(): value for name, value in (values or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Headers({', '.join(f'{name}=***' for name in self._values)})"

    def without(self, name: str) -> "Headers":
        """Answer the same headers less one."""
        return Headers({key: value for key, value in self._values.items() if key != name})


def parse_headers(text: str) -> Headers:
    """Read a header variable; raises `BadValueError`, which names the header but never shows its value."""
    text = text.strip()
    # `docker --env-file` and YAML keep the quotes people put around a value with a blank in it.
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    values: dict[str, str] = {}
    for header in re.split(r"[ \t]*,[ \t]*", text):
        if not header:
            continue
        if match := _ENCODED.fullmatch(header.strip()):
            values[unquote(match[1]).strip().lower()] = unquote(match[2]).strip()
        elif match := _WITH_BLANKS.fullmatch(header.strip()):
            values[match[1].lower()] = match[2].strip()
        else:
            raise BadValueError(EXPECTED, _without_value(header))
    return checked(values)


def checked(values: Mapping[Any, Any]) -> Headers:
    """Answer *values* as `Headers`; raises `BadValueError` for what HTTP cannot carry or the exporter sets itself."""
    headers: dict[str, str] = {}
    for name, value in values.items():
        if not isinstance(name, str) or not isinstance(value, str) or not _FIELD_NAME.fullmatch(name):
            raise BadValueError("header names and values that are text", _without_value(str(name)))
        if _UNSENDABLE.search(value):
            raise BadValueError("header values without control characters, in Latin-1", f"{shown(name)} with others")
        if name.lower() in RESERVED:
            raise BadValueError("headers other than those the exporter sets itself", shown(name))
        headers[name.lower()] = value
    return Headers(headers)


def _without_value(header: str) -> str:
    name, sign, _ = header.partition("=")
    # Without a `=` the whole text may be a secret that was pasted where `name=value` belongs.
    return f"malformed at {shown(f'{name.strip()}=***')}" if sign else "malformed: a part has no ="
