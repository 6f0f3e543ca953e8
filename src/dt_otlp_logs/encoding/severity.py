"""The level a record is sent with: one of Dynatrace's words, which it cannot misread.

Dynatrace prefers the text of a severity to its number and looks at the text's beginning only: `s…` is SEVERE, an
error, be it loguru's SUCCESS, and `f…` is EMERGENCY. So the text sent is always a word that this table turns into
itself, and whose status is what the severity number means.
Prefix table: "Automatic log enrichment", docs.dynatrace.com; words: its semantic dictionary, `loglevel`.
Ranges of numbers: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
"""

from collections.abc import Iterable
from typing import NamedTuple

from .reserved_names import LOGLEVEL_KEYS

MAX_SEVERITY_NUMBER = 24

# Dynatrace's word for a record without a level (semantic dictionary, `loglevel`): sent where it would look further.
NO_LEVEL = "NONE"

# For 1 to 4, 5 to 8 and so on. OpenTelemetry's word for 21 to 24, FATAL, would be read as EMERGENCY.
_NUMBER_WORDS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL")

_STATUS = {
    "TRACE": "INFO",
    "DEBUG": "INFO",
    "INFO": "INFO",
    "NOTICE": "INFO",
    "WARN": "WARN",
    "ERROR": "ERROR",
    "SEVERE": "ERROR",
    "CRITICAL": "ERROR",
    "ALERT": "ERROR",
    "EMERGENCY": "ERROR",
}

_SAME = {"WARNING": "WARN", "FATAL": "CRITICAL"}

# Words of logging libraries (Python, loguru, java.util.logging as OpenTelemetry's data model maps it, .NET, syslog)
# and OpenTelemetry's short names such as INFO2. What is not here could mean anything.
_KNOWN = {
    **{word: word for word in _STATUS},
    **_SAME,
    **{f"{name}{n}": _SAME.get(name, name) for name in (*_NUMBER_WORDS[:5], "FATAL") for n in (2, 3, 4)},
    "SUCCESS": "INFO",
    "INFORMATION": "INFO",
    "INFORMATIONAL": "INFO",
    "VERBOSE": "DEBUG",
    "CONFIG": "DEBUG",
    "FINE": "DEBUG",
    "FINER": "DEBUG",
    "FINEST": "TRACE",
    "ERR": "ERROR",
    "CRIT": "CRITICAL",
    "EMERG": "EMERGENCY",
    "PANIC": "EMERGENCY",
}

_KEY_ORDER = {key: number for number, key in enumerate(LOGLEVEL_KEYS)}


class Level(NamedTuple):
    """`word` is the severity text to send, None for none; `raw` what the record said instead, if that differs."""

    word: str | None
    raw: str | None


def level_of(severity_number: int | None, severity_text: str | None) -> Level:
    """What to send for a record's severity. A number from 1 to 24 decides; without one the text does.

    A text keeps its word if that is one of Dynatrace's with the status (INFO, WARN, ERROR) of the number. Without
    a number, a text that is no known word gives none: by its first letter alone it could become an error.
    """
    text = (severity_text or "").strip()
    upper = text.upper()
    by_number = severity_word(severity_number or 0)
    if by_number is None:
        word = _KNOWN.get(upper)
    else:
        word = _SAME.get(upper, upper)
        if _STATUS.get(word) != _STATUS[by_number]:
            word = by_number
    says_the_same = not text or upper == word or (upper == "WARNING" and word == "WARN")
    return Level(word, None if says_the_same else severity_text)


def level_among(pairs: Iterable[tuple[object, object]]) -> tuple[str | None, Level] | None:
    """The level of a record without severity among its attributes or the keys of its body, and which of them says it.

    Dynatrace would take the first of LOGLEVEL_KEYS that is there and remove it, whatever its value says. Here it is
    the first, in the same order, whose value is a known word. None if none of the keys is there; if none of their
    values is known, no key and a level without a word.
    """
    # A loop with the plain key first: it is for each attribute of each record without severity.
    there = []
    for key, value in pairs:
        if type(key) is str:
            lowered = key.lower()
        elif isinstance(key, str):
            lowered = str.lower(key)
        else:
            continue
        if lowered in _KEY_ORDER:
            there.append((_KEY_ORDER[lowered], key, value))
    if not there:
        return None
    for _, key, value in sorted(there, key=lambda each: each[0]):
        level = level_of(None, str.__str__(value)) if isinstance(value, str) else Level(None, None)
        if level.word is not None:
            return key, level
    return None, Level(None, None)


def own_word(severity_number: int, name: str) -> str | None:
    """A level's name if that is itself one of Dynatrace's words, with the status that the number means; else None."""
    word = name.strip().upper()
    by_number = severity_word(severity_number)
    return word if by_number is not None and _STATUS.get(word) == _STATUS[by_number] else None


def severity_word(severity_number: int) -> str | None:
    """TRACE for 1 to 4, DEBUG for 5 to 8 and so on to CRITICAL for 21 to 24; None for anything else."""
    if 1 <= severity_number <= MAX_SEVERITY_NUMBER:
        return _NUMBER_WORDS[(severity_number - 1) // 4]
    return None
