"""Levels: what logging, loguru, Java and syslog call them, and the loglevel and status that Dynatrace shows.

Sources: "Automatic log enrichment", docs.dynatrace.com (prefix table), OpenTelemetry's data model (severity number
ranges), the README's table, `encoding.severity`'s docstring.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry._logs import SeverityNumber

from records.row import ANYTHING, Check, Row, Source, one_of

PREFIXES = (
    *(("emerg", "EMERGENCY", "ERROR"), ("f", "EMERGENCY", "ERROR"), ("e", "ERROR", "ERROR")),
    *(("a", "ALERT", "ERROR"), ("c", "CRITICAL", "ERROR"), ("s", "SEVERE", "ERROR"), ("w", "WARN", "WARN")),
    *(("n", "NOTICE", "INFO"), ("i", "INFO", "INFO"), ("d", "DEBUG", "INFO")),
    *(("trace", "DEBUG", "INFO"), ("verbose", "DEBUG", "INFO")),
)
WORDS = ("EMERGENCY", "ERROR", "ALERT", "CRITICAL", "SEVERE", "WARN", "NOTICE", "INFO", "DEBUG")

SYSLOG = ("EMERG", "CRIT", "ERR", "PANIC")
"""Its words for errors (RFC 5424 and syslog(3)) that are none of Dynatrace's."""


def by_table(text: str) -> tuple[str, str]:
    """The loglevel and status that Dynatrace finds by how a text begins."""
    for prefix, loglevel, status in PREFIXES:
        if text.lower().startswith(prefix):
            return loglevel, status
    return "NONE", "NONE"


STATUS = {1: "INFO", 5: "INFO", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "ERROR"}
LOGLEVEL = {1: "DEBUG", 5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "CRITICAL"}


def range_of(number: int) -> int:
    """The first number of its range of four."""
    return (number - 1) // 4 * 4 + 1


def original_kept(text: str) -> Any:
    """The record still says what its source called the level, in one field or the other."""

    def holds(record: dict[str, Any]) -> bool:
        raw = record.get("log.raw_level", "")
        # Where a value may have 250 bytes, the beginning of a long one.
        return raw == text or by_table(text)[0] == record["loglevel"] or (len(text) > 250 and raw[:200] == text[:200])

    return holds


def emitted(number: int | None, text: str | None) -> Row:
    """Severity number and text as another source of OpenTelemetry gives them."""

    def call(source: Source) -> None:
        severity = None if number is None else SeverityNumber(number)
        source.otel.emit(severity_number=severity, severity_text=text, body="kept", attributes=source.extra())

    expected: dict[str, Any] = {"content": "kept"}
    if number:
        first = range_of(number)
        expected["status"] = STATUS[first]
        word = (text or "").upper()
        own = word in (*WORDS, "TRACE", "FATAL") and by_table(word)[1] == STATUS[first]
        # Which word of one status is shown where number and text differ is open: the status is what must be right.
        same = [known for known in WORDS if by_table(known)[1] == STATUS[first]]
        expected["loglevel"] = one_of(*same) if own else LOGLEVEL[first]
    elif text and text.upper() in (*WORDS, "WARNING", "FATAL", "TRACE", *SYSLOG):
        expected["status"] = "ERROR" if text.upper() in SYSLOG else by_table(text)[1]
    elif text:
        # Nobody has said that this is an error.
        expected["status"] = Check("no error", lambda value: value in ("NONE", "INFO"))
    else:
        expected.update(loglevel="NONE", status="NONE")
    return Row(f"severity-{number}-{text!a:.20}", call, expected, holds=original_kept(text) if text else None)


TEXTS = (
    *(None, "", "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL", "ALERT"),
    *("EMERGENCY", "SEVERE", "SUCCESS", "NOTSET", "none", "info", "Warning", "error"),
    *("FINE", "FINEST", "CONFIG", "ALL", "OFF", "emerg", "crit", "err", "notice", "panic", "Information", "verbose"),
    *("17", "unknown", "audit", "\x1b[31mERROR", "e" * 300),
)
NUMBERS = (None, 5, 9, 13, 17, 21)
EMITTED = [emitted(number, text) for number in NUMBERS for text in TEXTS]
EMITTED += [emitted(number, None) for number in range(25) if number not in NUMBERS]
EMITTED += [emitted(number, text) for number in (0, 1) for text in ("", "INFO", "SUCCESS", "ERROR", "FINEST")]


@contextmanager
def named(level: int, name: str | None) -> Iterator[None]:
    """A level's name while it is logged; None leaves it as it is."""
    names, numbers = dict(logging._levelToName), dict(logging._nameToLevel)
    if name is not None:
        logging.addLevelName(level, name)
    try:
        yield
    finally:
        logging._levelToName.clear()
        logging._levelToName.update(names)
        logging._nameToLevel.clear()
        logging._nameToLevel.update(numbers)


def logged(level: int, name: str | None, loglevel: Any, status: str, raw: Any = ANYTHING) -> Row:
    def call(source: Source) -> None:
        with named(level, name):
            # Not log(): that lets nothing below the logger's own level through.
            source.log.handle(
                source.log.makeRecord(source.log.name, level, "shop.py", 7, "kept", (), None, extra=source.extra())
            )

    expected: dict[str, Any] = {"content": "kept", "loglevel": loglevel, "status": status}
    if raw is not ANYTHING:
        expected["log.raw_level"] = raw
    return Row(f"level-{level:g}-{name!a:.20}", call, expected)


LOGGED = [
    logged(logging.DEBUG, None, "DEBUG", "INFO"),
    logged(logging.INFO, None, "INFO", "INFO"),
    logged(logging.WARNING, None, "WARN", "WARN"),
    logged(logging.ERROR, None, "ERROR", "ERROR"),
    logged(logging.CRITICAL, None, "CRITICAL", "ERROR"),
    logged(0, None, "DEBUG", "INFO"),
    logged(1, None, "DEBUG", "INFO"),
    logged(5, None, "DEBUG", "INFO"),
    logged(5, "TRACE", "DEBUG", "INFO"),
    logged(9, None, "DEBUG", "INFO"),
    logged(11, None, "DEBUG", "INFO"),
    logged(15, None, "DEBUG", "INFO"),
    logged(15, "VERBOSE", "DEBUG", "INFO", "VERBOSE"),
    logged(19, None, "DEBUG", "INFO"),
    logged(21, None, "INFO", "INFO"),
    logged(25, None, "INFO", "INFO", "Level 25"),
    logged(25, "SUCCESS", "INFO", "INFO", "SUCCESS"),
    logged(25, "NOTICE", "NOTICE", "INFO"),
    logged(25, "AUDIT", "INFO", "INFO", "AUDIT"),
    logged(25, "FATAL", "INFO", "INFO", "FATAL"),
    logged(25, "ERROR", "INFO", "INFO", "ERROR"),
    logged(25, "NOTSET", "INFO", "INFO", "NOTSET"),
    logged(25, "none", "INFO", "INFO", "none"),
    logged(25, "", "INFO", "INFO"),
    logged(25, "\x1b[31mSTOP\n\ud800", "INFO", "INFO"),
    logged(25, "x" * 100_000, "INFO", "INFO"),
    logged(29, None, "INFO", "INFO"),
    logged(31, None, "WARN", "WARN"),
    logged(35, None, "WARN", "WARN", "Level 35"),
    logged(35, "NOTICE", "WARN", "WARN", "NOTICE"),
    logged(35, "SEVERE", "WARN", "WARN", "SEVERE"),
    logged(45, None, "ERROR", "ERROR"),
    logged(45, "ALERT", "ALERT", "ERROR"),
    logged(45, "OK", "ERROR", "ERROR", "OK"),
    logged(60, None, "CRITICAL", "ERROR", "Level 60"),
    logged(60, "EMERGENCY", "EMERGENCY", "ERROR"),
    logged(60, "PANIC", "CRITICAL", "ERROR", "PANIC"),
    logged(10**6, None, "CRITICAL", "ERROR"),
    logged(10**30, None, "CRITICAL", "ERROR"),
    logged(logging.INFO, "ERROR", "INFO", "INFO", "ERROR"),
    logged(logging.INFO, "SUCCESS", "INFO", "INFO", "SUCCESS"),
    logged(logging.INFO, "info", "INFO", "INFO"),
    logged(logging.WARNING, "wrn", "WARN", "WARN"),
    logged(logging.ERROR, "INFO", "ERROR", "ERROR", "INFO"),
    logged(logging.ERROR, "\x1b[31mERROR\x1b[0m", "ERROR", "ERROR"),
    logged(logging.CRITICAL, "FATAL", one_of("CRITICAL", "EMERGENCY"), "ERROR"),
    logged(logging.DEBUG, "E", "DEBUG", "INFO", "E"),
]


def said(id_: str, loglevel: str, status: str, **attributes: Any) -> Row:
    """A record without severity: a word that is known in an attribute is its level, and all attributes stay."""
    return Row(
        f"said-{id_}",
        lambda source: source.otel.emit(body="kept", attributes=source.extra(**attributes)),
        {"content": "kept", "loglevel": loglevel, "status": status, **attributes},
    )


SAID = [
    said("error", "ERROR", "ERROR", level="error"),
    said("success", "INFO", "INFO", severity="success"),
    said("second", "WARN", "WARN", severity="sev-2", level="warn"),
]

ROWS: list[Row] = [*EMITTED, *LOGGED, *SAID]
