"""OTLP values as JSON values, and their place in a flat event."""

import base64
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, Literal

Structure = Literal["raw", "flattened"] | None
"""How Dynatrace keeps maps: as JSON text, or an attribute for each leaf. None: as the tenant is set, not known here."""

CONTENT_KEYS = ("content", "message", "payload", "body", "log")
"""A flattened map as the body: the first of these that has a plain value is the content ("Log ingestion API")."""

FIELDS = frozenset({"content", "timestamp", "loglevel"})
"""Names that JSON ingest takes for the record's own, whatever their case ("Log ingestion API")."""

# Nesting depth of Dynatrace's limits pages, and the text it puts in place of what lies deeper.
_MAX_LEVELS = 5
_TOO_DEEP = "<truncated due to nesting limit>"


def json_value(value: Any) -> object:
    """An AnyValue as what the json module knows: bytes as base64, NaN and the infinities as text."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    content = getattr(value, kind)
    if kind == "array_value":
        return [json_value(element) for element in content.values]
    if kind == "kvlist_value":
        return {pair.key: json_value(pair.value) for pair in content.values}
    if kind == "bytes_value":
        return base64.b64encode(content).decode()
    if kind == "double_value" and not math.isfinite(content):
        return "NaN" if math.isnan(content) else "Infinity" if content > 0 else "-Infinity"
    return content


def json_text(value: object) -> str:
    """A value as compact JSON text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def shaped(key: str, value: object, structure: Structure) -> Iterable[tuple[str, object]]:
    """The attributes one becomes: itself, with a map as JSON text in raw mode, or its leaves in flattened mode."""
    if isinstance(value, dict):
        if structure == "flattened":
            return _leaves(key, value, 1)
        return ((key, json_text(value) if structure == "raw" else value),)
    return ((key, _of_one_type(value) if isinstance(value, list) else value),)


def add(event: dict[str, object], attributes: Iterable[tuple[str, object]]) -> None:
    """Adds attributes to an event; one whose name is taken is counted up until it finds a free one.

    The names of the record's fields are looked for whatever their case: a `Timestamp` would be taken for the record's.
    """
    for key, value in attributes:
        name, count = key, 0
        while name in event or (not count and key.lower() in FIELDS and key.lower() in event):
            count += 1
            name = f"overwritten{count}.{key}"
        event[name] = value


def _leaves(path: str, value: object, level: int) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict):
        yield path, _of_one_type(value) if isinstance(value, list) else value
    elif level >= _MAX_LEVELS:
        yield path, _TOO_DEEP
    else:
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner, level + 1)


def _of_one_type(values: list[object]) -> list[object]:
    """Arrays have one type in Dynatrace: one text, array or map among the elements makes all of them text."""
    if not any(isinstance(value, (str, list, dict)) for value in values):
        return values
    return [value if value is None or isinstance(value, str) else json_text(value) for value in values]
