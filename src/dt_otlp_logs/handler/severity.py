"""A level of Python's logging as severity: OpenTelemetry's number, Dynatrace's word, and the level's own name."""

import logging
import re

from opentelemetry._logs.severity import SeverityNumber

from dt_otlp_logs.encoding.plain_value import words
from dt_otlp_logs.encoding.severity import own_word

# Level 5 is what many libraries add as TRACE; below it, too, everything is TRACE.
_TRACE = 5

# The words Dynatrace knows (loglevel in its semantic dictionary), from each level on; what Python calls the same.
_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL, "CRITICAL", ("CRITICAL", "FATAL")),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR", ("ERROR",)),
    (logging.WARNING, SeverityNumber.WARN, "WARN", ("WARNING", "WARN")),
    (logging.INFO, SeverityNumber.INFO, "INFO", ("INFO",)),
    (logging.DEBUG, SeverityNumber.DEBUG, "DEBUG", ("DEBUG",)),
    (_TRACE, SeverityNumber.TRACE, "TRACE", ("TRACE",)),
)
# A severity has four numbers: the level in between that is three or more above the standard one has the last.
_MOST_ABOVE = 3

_STANDARD = {(level, name): (number, word, None) for level, number, word, names in _SEVERITIES for name in names}

# Formatters that colour the level's name do so on the record itself, which later handlers get.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Severity = tuple[SeverityNumber, str, str | None]


def severity_of(record: logging.LogRecord) -> Severity:
    """Number and word of a record's level, and the level's own name if that says anything else (`log.raw_level`).

    Levels below DEBUG are TRACE, those in between get the numbers in between: 25 is INFO4. One that has the name of a
    word of Dynatrace's keeps it (NOTICE, ALERT). A level that is no number is looked up by name, and INFO if there is
    none.
    """
    level, name = record.levelno, record.levelname
    if type(level) is int and type(name) is str:
        known = _STANDARD.get((level, name))
        if known is not None:
            return known
    number, word, names = _severity(_level_number(level, name))
    raw_level = _COLOURS.sub("", words(name)).strip()
    own = own_word(number.value, raw_level)
    if own is not None:
        return number, own, raw_level if raw_level != own else None
    return number, word, raw_level if raw_level and raw_level not in names else None


def _severity(level: int) -> tuple[SeverityNumber, str, tuple[str, ...]]:
    for from_level, number, word, names in _SEVERITIES:
        if level >= from_level:
            return SeverityNumber(number.value + min(level - from_level, _MOST_ABOVE)), word, names
    return SeverityNumber.TRACE, "TRACE", ("TRACE",)


def _level_number(level: object, name: object) -> int:
    try:
        if isinstance(level, (int, float)):
            return int(level)
    except Exception:  # noqa: BLE001  # infinite, not a number, or of a class of the application's
        pass
    known = logging.getLevelName(level if type(level) is str else words(name))
    return known if isinstance(known, int) else logging.INFO
