"""How Dynatrace keeps what OpenTelemetry sent, as its documentation says: types, arrays, maps, names.

Source: "Ingest OTLP logs", docs.dynatrace.com, sections on attribute values, arrays, maps and data models.
"""

import base64
import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from records.row import Check


@dataclass(frozen=True, slots=True)
class Environment:
    """A kind of Dynatrace environment, and what the exporter is told of it."""

    name: str
    profile: Literal["grail", "classic"]
    structure: Literal["raw", "flattened"]
    told: Literal["raw", "flattened"] | None

    @property
    def text_only(self) -> bool:
        return self.profile == "classic"


ENVIRONMENTS = (
    Environment("raw", "grail", "raw", None),
    Environment("flattened", "grail", "flattened", None),
    Environment("raw-told", "grail", "raw", "raw"),
    Environment("flattened-told", "grail", "flattened", "flattened"),
    Environment("classic", "classic", "flattened", None),
)

WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def stored(expected: dict[str, Any], environment: Environment) -> dict[str, Any]:
    """The attributes and fields that have to be on the stored record."""
    found: dict[str, Any] = {}
    for name, value in expected.items():
        found.update(_stored(name.lower() if environment.text_only else name, value, environment))
    return found


def _stored(name: str, value: Any, environment: Environment) -> dict[str, Any]:
    if isinstance(value, dict):
        if environment.structure == "raw":
            return {name: json_text(value)}
        leaves: dict[str, Any] = {}
        for key, inner in value.items():
            path = f"{name}.{key}"
            leaves.update(_stored(path.lower() if environment.text_only else path, inner, environment))
        return leaves
    if isinstance(value, list):
        return {name: _array(value, environment)}
    return {name: _scalar(value, environment)}


def _array(values: list[Any], environment: Environment) -> Any:
    """One type for all: text as soon as one is text, map or array; null fits any."""
    text = environment.text_only or any(isinstance(value, (str, bytes, dict, list)) for value in values)
    if not text:
        return [_scalar(value, environment) for value in values]
    return [None if value is None else _text(value) for value in values]


def _scalar(value: Any, environment: Environment) -> Any:
    if isinstance(value, Check):
        return value if not environment.text_only else _cut(value)
    if environment.text_only:
        # Values are made text; whether null is one is not said.
        return _text(value) if value is not None else Check("null", lambda found: found in (None, "null"))
    if value is None:
        return value
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return _text(value)
    return Check(
        f"{value!r} ({type(value).__name__})",
        lambda found: (
            type(found) is type(value)
            and found == value
            and (not isinstance(value, float) or math.copysign(1, found) == math.copysign(1, value))
        ),
    )


def _cut(value: Check) -> Check:
    """The same, or as much of it as 250 bytes hold, which is what Classic keeps of a value."""
    return Check(
        f"{value.words}, or its first 250 bytes",
        lambda found: found == value or (isinstance(found, str) and 200 < len(found.encode()) <= 250),
    )


def _text(value: Any) -> Any:
    if isinstance(value, (str, Check)):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (dict, list)):
        return json_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    return str(value)


def _float_text(value: float) -> Check:
    """How a float is spelled is not documented: any text that means this number."""

    def means(found: Any) -> bool:
        if not isinstance(found, str):
            return False
        try:
            number = WORDS[found] if found in WORDS else float(found)
        except ValueError:
            return False
        same = number == value and math.copysign(1, number) == math.copysign(1, value)
        return same or (math.isnan(number) and math.isnan(value))

    return Check(f"a text that means {value!r}", means)


def json_text(value: Any) -> Check:
    """JSON text of this value: how it is spaced and ordered is not documented."""
    return Check(
        f"JSON text of {value!r}",
        lambda found: isinstance(found, str) and _json_equal(value, _parsed(found)),
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return Check("no JSON", lambda _: False)


def _json_equal(value: Any, found: Any) -> bool:
    if isinstance(value, dict):
        return (
            isinstance(found, dict)
            and value.keys() == found.keys()
            and all(_json_equal(inner, found[key]) for key, inner in value.items())
        )
    if isinstance(value, list):
        return isinstance(found, list) and len(value) == len(found) and all(map(_json_equal, value, found))
    if isinstance(value, bytes):
        return found == base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return _float_text(value) == found
    return type(value) is type(found) and value == found if not isinstance(value, Check) else value == found
