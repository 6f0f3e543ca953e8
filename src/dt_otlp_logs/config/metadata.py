"""The text of one of Dynatrace's metadata files as resource attributes; what is not usable is said in words."""

import json
import re
from collections import Counter
from collections.abc import Iterable

from dt_otlp_logs.config.masking import shown

# The files hold some ten names and ids. What is far beyond is no metadata, and Dynatrace copies every resource
# attribute to every record: of 500 attributes a record may have, four files of 100 leave room for its own.
# A key of more than 100 bytes is trimmed there.
# https://docs.dynatrace.com/docs/analyze-explore-automate/logs/lma-limits
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 100
MAX_VALUE_BYTES = 4_096

_MOST_PROBLEMS = 3
# Control characters and unpaired surrogates: no name has them, and OpenTelemetry's own exporters fail at the latter.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|\n")


class MetadataError(ValueError):
    """A file gives nothing; `str()` says why, in words that go on after the file's name."""


def parse_json(text: str) -> tuple[dict[str, str], str | None]:
    """The attributes of a JSON object, and what of it had to be left out; raises `MetadataError`.

    Numbers and booleans become their JSON text, and so do nested values; null is no attribute.
    """
    twice: list[str] = []

    def object_of(pairs: list[tuple[str, object]]) -> dict[str, object]:
        twice.extend(_said_of_repeated(key for key, _ in pairs))
        return dict(pairs)

    try:
        content = json.loads(text, object_pairs_hook=object_of)
    except json.JSONDecodeError as error:
        raise MetadataError(f"not valid JSON: line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        raise MetadataError("not usable JSON: a number too long, or values nested too deeply") from None
    if not isinstance(content, dict):
        raise MetadataError("not a JSON object")
    return _checked(((key, _text(value)) for key, value in content.items() if value is not None), twice)


def parse_properties(text: str) -> tuple[dict[str, str], str | None]:
    """The attributes of `key=value` lines, and what had to be left out.

    The first `=` divides, blanks around both do not count, `#` and `!` begin comments. Nothing is unescaped: the
    Operator writes values as they are, and Dynatrace's own reader in Python (dynatrace-metric-utils) takes them so.
    """
    pairs = []
    malformed = []
    for number, line in enumerate(_LINE_END.split(text), start=1):
        line = line.strip(" \t\f")  # noqa: PLW2901  # the line without its indentation
        if not line or line.startswith(("#", "!")):
            continue
        key, divides, value = line.partition("=")
        if divides:
            pairs.append((key.strip(" \t\f"), value.strip(" \t\f")))
        else:
            malformed.append(f"line {number} is not key=value")
    return _checked(pairs, [*malformed, *_said_of_repeated(key for key, _ in pairs)])


def _said_of_repeated(keys: Iterable[str]) -> list[str]:
    return [
        f"{shown(key)} is there {times} times, the last one counts" for key, times in Counter(keys).items() if times > 1
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _checked(pairs: Iterable[tuple[str, str]], problems: Iterable[str] = ()) -> tuple[dict[str, str], str | None]:
    attributes: dict[str, str] = {}
    said = list(problems)
    for key, value in pairs:
        if reason := _unusable(key, value):
            said.append(f"{shown(key)} is left out, {reason}")
        elif key in attributes or len(attributes) < MAX_ATTRIBUTES:
            attributes[key] = value
        else:
            said.append(f"{shown(key)} is left out, there are {MAX_ATTRIBUTES} attributes before it")
    more = [f"and {len(said) - _MOST_PROBLEMS} more"] if len(said) > _MOST_PROBLEMS else []
    return attributes, "; ".join(said[:_MOST_PROBLEMS] + more) or None


def _unusable(key: str, value: str) -> str | None:
    if not key or not value:
        return "its key or value is empty"
    if _UNPRINTABLE.search(key) or _UNPRINTABLE.search(value):
        return "it has control characters"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"its key is longer than {MAX_KEY_BYTES} bytes"
    if len(value.encode()) > MAX_VALUE_BYTES:
        return f"its value is longer than {MAX_VALUE_BYTES:_} bytes"
    return None
