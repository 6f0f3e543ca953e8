"""Sizes, times and switches as people write them: `512MB`, `64MiB`, `2_000_000`, `30s`, `500ms`, `1.5`, `on`."""

import math
import re

from dt_otlp_logs.config.problem import BadValueError

_QUANTITY = re.compile(r"([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([a-z]*)", re.IGNORECASE | re.ASCII)
# `64Mi` and `64M` are Kubernetes' spellings; letter case carries no meaning here.
_BYTES = {"": 1, "b": 1} | {
    f"{letter}{suffix}": factor**power
    for power, letter in enumerate("kmgt", start=1)
    for suffix, factor in (("", 1000), ("b", 1000), ("i", 1024), ("ib", 1024))
}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_SWITCH = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)

SIZE = "a size in bytes such as 2_000_000, 512MB or 64MiB (units: B, KB, MB, GB, KiB, MiB, GiB)"
TIME = "a time in seconds such as 10, 1.5, 30s or 500ms (units: ms, s, m, h)"

LONGEST_SECONDS = 86_400.0
"""A day: anything longer is a slip of the unit, and far longer ones overflow a socket's timeout."""


def parse_bytes(value: object, at_least: int = 1, at_most: int | None = None) -> int:
    """Read a size in bytes; raises `BadValueError` when it is none or out of range."""
    amount = _amount(value, _BYTES, SIZE)
    if amount < at_least:
        raise BadValueError(f"at least {at_least}: {SIZE}")
    if at_most is not None and amount > at_most:
        raise BadValueError(f"at most {at_most:_} bytes")
    return round(amount)


def parse_seconds(value: object, zero_allowed: bool = False) -> float:
    """Read a time in seconds; raises `BadValueError` when it is none, negative, endless or longer than a day."""
    amount = _amount(value, _SECONDS, TIME)
    if amount < 0 or (amount == 0 and not zero_allowed):
        raise BadValueError(f"more than 0: {TIME}" if not zero_allowed else f"0 or more: {TIME}")
    if amount > LONGEST_SECONDS:
        raise BadValueError("at most a day (24h)")
    return amount


def parse_switch(value: object) -> bool:
    """Read a switch; raises `BadValueError` when it is neither on nor off."""
    switch = _SWITCH.get(str(value).strip().lower()) if isinstance(value, (bool, int, str)) else None
    if switch is None:
        raise BadValueError("true or false (also 1/0, yes/no, on/off)")
    return switch


def has_unit(value: object) -> bool:
    """Tell whether a time or size was written with its unit."""
    match = _QUANTITY.fullmatch(str(value).strip())
    return bool(match and match[2])


def _amount(value: object, units: dict[str, float] | dict[str, int], expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadValueError(expected)
    match = _QUANTITY.fullmatch(str(value).strip())
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise BadValueError(expected)
    try:
        amount = float(match[1].replace("_", "")) * factor
    except (OverflowError, ValueError):
        raise BadValueError(expected) from None
    if not math.isfinite(amount):
        raise BadValueError(expected)
    return amount
