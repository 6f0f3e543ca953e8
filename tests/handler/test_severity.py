"""Levels as severity: loglevels are Dynatrace's words (semantic dictionary), numbers OpenTelemetry's (data model)."""

import logging
from collections.abc import Iterator

import pytest

from handler.logged import Logged


@pytest.fixture(autouse=True)
def level_names_stay() -> Iterator[None]:
    names, levels = dict(logging._levelToName), dict(logging._nameToLevel)
    yield
    logging._levelToName.clear()
    logging._levelToName.update(names)
    logging._nameToLevel.clear()
    logging._nameToLevel.update(levels)


@pytest.mark.parametrize(
    ("level", "text", "number", "raw_level"),
    [
        (logging.CRITICAL, "CRITICAL", 21, None),
        (logging.ERROR, "ERROR", 17, None),
        (logging.WARNING, "WARN", 13, None),
        (logging.INFO, "INFO", 9, None),
        (logging.DEBUG, "DEBUG", 5, None),
        (9, "TRACE", 4, "Level 9"),
        (5, "TRACE", 1, "Level 5"),
        (1, "TRACE", 1, "Level 1"),
        (0, "TRACE", 1, "NOTSET"),
        (-5, "TRACE", 1, "Level -5"),
        (11, "DEBUG", 6, "Level 11"),
        (15, "DEBUG", 8, "Level 15"),
        (19, "DEBUG", 8, "Level 19"),
        (25, "INFO", 12, "Level 25"),
        (35, "WARN", 16, "Level 35"),
        (45, "ERROR", 20, "Level 45"),
        (55, "CRITICAL", 24, "Level 55"),
        (10**30, "CRITICAL", 24, f"Level {10**30}"),
    ],
)
def test_each_level_has_a_loglevel_that_dynatrace_knows(
    logged: Logged, level: int, text: str, number: int, raw_level: str | None
) -> None:
    attributes = logged.handle(levelno=level, levelname=logging.getLevelName(level))
    assert (logged.record.severity_text, logged.record.severity_number.value) == (text, number)
    assert attributes.get("log.raw_level") == raw_level


@pytest.mark.parametrize(
    ("level", "name", "text", "raw_level"),
    [
        (25, "SUCCESS", "INFO", "SUCCESS"),
        (25, "NOTICE", "NOTICE", None),
        (25, "Notice", "NOTICE", "Notice"),
        (45, "ALERT", "ALERT", None),
        (25, "ALERT", "INFO", "ALERT"),
        (5, "TRACE", "TRACE", None),
        (logging.WARNING, "WARN", "WARN", None),
        (logging.CRITICAL, "FATAL", "CRITICAL", None),
        (logging.INFO, "info", "INFO", "info"),
        (logging.INFO, "ERROR", "INFO", "ERROR"),
        (logging.INFO, "", "INFO", None),
        (logging.ERROR, "\x1b[31mERROR\x1b[0m", "ERROR", None),
        (logging.INFO, "INFO    ", "INFO", None),
        (logging.INFO, "\ud800", "INFO", "\ud800"),
    ],
)
def test_a_levels_own_name_is_kept_where_it_says_anything_else(
    logged: Logged, level: int, name: str, text: str, raw_level: str | None
) -> None:
    logging.addLevelName(level, name)
    logged.log.log(max(level, 1), "done")
    assert logged.record.severity_text == text
    assert logged.attributes.get("log.raw_level") == raw_level


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no str")

    __repr__ = __str__


class Level(int):
    """A level of a library's own, as loguru has."""


@pytest.mark.parametrize(
    ("level", "name", "text", "number"),
    [
        (Level(40), "ERROR", "ERROR", 17),
        (True, "x", "TRACE", 1),
        (30.5, "WARNING", "WARN", 13),
        (float("nan"), "ERROR", "ERROR", 17),
        (float("inf"), "nonsense", "INFO", 9),
        ("ERROR", "ERROR", "ERROR", 17),
        (None, "WARNING", "WARN", 13),
        (None, None, "INFO", 9),
        (Hostile(), Hostile(), "INFO", 9),
        ([], {}, "INFO", 9),
        (20, Hostile(), "INFO", 9),
    ],
)
def test_a_level_that_is_none_costs_no_record(
    logged: Logged, level: object, name: object, text: str, number: int
) -> None:
    logged.handle(levelno=level, levelname=name)
    assert (logged.record.severity_text, logged.record.severity_number.value) == (text, number)
