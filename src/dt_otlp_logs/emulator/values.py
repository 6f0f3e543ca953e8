"""Attribute values as Dynatrace stores them: flattened or as JSON text, arrays of one type, cut to the limits."""

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from dt_otlp_logs.emulator.incoming import Pairs, Value
from dt_otlp_logs.emulator.settings import RecordLimits

NESTING_MARKER = "<truncated due to nesting limit>"


@dataclass(frozen=True, slots=True)
class ValueRules:
    """How one request's attributes are treated."""

    limits: RecordLimits
    flattened: bool
    text_only: bool
    uniform_arrays: bool
    mark_too_deep: bool


@dataclass(slots=True)
class Notes:
    """What happened to one record on the way: names for dt.ingest.warnings, and whether something was too deep."""

    warnings: list[str] = field(default_factory=list)
    too_nested: bool = False

    def warn(self, name: str) -> None:
        """Remember a warning once."""
        if name not in self.warnings:
            self.warnings.append(name)


def shaped(pairs: Pairs, rules: ValueRules, notes: Notes) -> list[tuple[str, Value]]:
    """The attributes a record gets from these pairs, in order; names may repeat, the caller resolves that."""
    shaped_pairs = []
    # Nearly all attributes are short text under a short name, which nothing below would change.
    short_key, short_value = rules.limits.key_bytes // 4, rules.limits.value_bytes // 4
    for key, value in _flat(pairs, rules, notes):
        if type(value) is str and len(value) <= short_value and len(key) <= short_key and not rules.text_only:
            shaped_pairs.append((key, value))
            continue
        name = cut(key.lower() if rules.text_only else key, rules.limits.key_bytes)
        if len(name) != len(key):
            notes.warn("attr_key_trimmed")
        shaped_pairs.append((name, _shaped_value(value, rules, notes)))
    return shaped_pairs


def text_of(value: Value) -> str:
    """A value as content or in an array of text: text unchanged, numbers as JSON writes them, bytes as base64."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float):
        return json.dumps(_scalar(value)).strip('"')
    return json_text(value)


def json_text(value: Value) -> str:
    """Compact JSON of a value, with bytes as base64 and numbers JSON does not know as text."""
    return json.dumps(_jsonable(value), separators=(",", ":"), ensure_ascii=False)


def cut(text: str, limit: int) -> str:
    """The longest beginning of a text that has at most `limit` UTF-8 bytes and no half characters."""
    if len(text) * 4 <= limit or (len(text) <= limit and text.isascii()):
        return text
    encoded = text.encode()
    return text if len(encoded) <= limit else encoded[:limit].decode("utf-8", "ignore")


def _flat(
    pairs: Pairs, rules: ValueRules, notes: Notes, prefix: str = "", depth: int = 1
) -> Iterator[tuple[str, Value]]:
    for key, value in pairs:
        name = prefix + key
        if not isinstance(value, dict):
            yield name, value
        elif not rules.flattened:
            yield name, json_text(value)
        elif depth < rules.limits.nesting:
            yield from _flat(list(value.items()), rules, notes, name + ".", depth + 1)
        elif rules.mark_too_deep:
            yield name, NESTING_MARKER
        else:
            notes.too_nested = True


def _shaped_value(value: Value, rules: ValueRules, notes: Notes) -> Value:
    if not isinstance(value, list):
        return _cut_value(text_of(value) if rules.text_only else _scalar(value), rules, notes)
    if len(value) > rules.limits.array_values:
        notes.warn("attr_val_count_trimmed")
        value = value[: rules.limits.array_values]
    return [_cut_value(element, rules, notes) for element in _array(value, rules)]


def _array(elements: list[Value], rules: ValueRules) -> list[Value]:
    kinds = {_kind(element) for element in elements if element is not None}
    mixed = "text" in kinds or len(kinds) > 1
    if rules.text_only or (mixed and rules.uniform_arrays):
        return [None if element is None else text_of(element) for element in elements]
    return [json_text(element) if isinstance(element, (dict, list)) else _scalar(element) for element in elements]


def _kind(element: Value) -> str:
    if isinstance(element, bool):
        return "bool"
    return "number" if isinstance(element, (int, float)) and math.isfinite(element) else "text"


def _cut_value(value: Value, rules: ValueRules, notes: Notes) -> Value:
    if not isinstance(value, str):
        return value
    shortened = cut(value, rules.limits.value_bytes)
    if len(shortened) != len(value):
        notes.warn("attr_val_size_trimmed")
    return shortened


def _scalar(value: Value) -> Value:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float):
        # A plain float, or text for the three numbers JSON cannot write.
        return float(value) if math.isfinite(value) else _not_finite(value)
    return value


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _jsonable(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_jsonable(inner) for inner in value]
    return _scalar(value)
