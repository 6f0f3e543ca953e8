"""From a level's text or number to Dynatrace's `loglevel` and `status`: the table of section 5 of the fact sheet."""

from functools import lru_cache
from typing import Literal

# In this order: the first prefix that fits decides. `none` stands before `n` because read literally the table
# would make NOTICE of it; Dynatrace surely means NONE, though no page says so.
_PREFIXES = (
    ("none", "NONE"),
    ("emerg", "EMERGENCY"),
    ("f", "EMERGENCY"),
    ("e", "ERROR"),
    ("a", "ALERT"),
    ("c", "CRITICAL"),
    ("s", "SEVERE"),
    ("w", "WARN"),
    ("n", "NOTICE"),
    ("i", "INFO"),
    ("d", "DEBUG"),
    ("trace", "DEBUG"),
    ("verbose", "DEBUG"),
)

_STATUS = {
    "EMERGENCY": "ERROR",
    "FATAL": "ERROR",
    "ERROR": "ERROR",
    "ALERT": "ERROR",
    "CRITICAL": "ERROR",
    "SEVERE": "ERROR",
    "WARN": "WARN",
    "NOTICE": "INFO",
    "INFO": "INFO",
    "DEBUG": "INFO",
    "TRACE": "INFO",
    "NONE": "NONE",
}

# No table for severity_number is published; these are OpenTelemetry's own ranges, four numbers a word.
_NUMBER_WORDS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


@lru_cache(maxsize=1_000)
def level_of_text(text: str, fatal_and_trace: Literal["table", "own"] = "table") -> str | None:
    """The loglevel a text stands for, or None when the table has no row for it."""
    lowered = text.strip().lower()
    if fatal_and_trace == "own":
        for word in ("fatal", "trace"):
            if lowered.startswith(word):
                return word.upper()
    for prefix, level in _PREFIXES:
        if lowered.startswith(prefix):
            return level
    return None


def level_of_number(number: int, fatal_and_trace: Literal["table", "own"] = "table") -> str | None:
    """The loglevel of an OTLP severity_number (1 to 24), or None for 0 and anything else."""
    if not 1 <= number <= 24:
        return None
    return level_of_text(_NUMBER_WORDS[(number - 1) // 4], fatal_and_trace)


def status_of(loglevel: str) -> str:
    """ERROR, WARN, INFO or NONE: the group a loglevel belongs to."""
    return _STATUS[loglevel]
