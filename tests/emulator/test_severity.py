"""loglevel and status: the prefix table of Dynatrace's automatic log enrichment page."""

import pytest

from dt_otlp_logs.emulator.severity import level_of_number, level_of_text, status_of


@pytest.mark.parametrize(
    ("text", "loglevel", "status"),
    [
        ("emerg", "EMERGENCY", "ERROR"),
        ("Emergency", "EMERGENCY", "ERROR"),
        ("FATAL", "EMERGENCY", "ERROR"),
        ("error", "ERROR", "ERROR"),
        ("ERR", "ERROR", "ERROR"),
        ("Exception", "ERROR", "ERROR"),
        ("alert", "ALERT", "ERROR"),
        ("CRITICAL", "CRITICAL", "ERROR"),
        ("severe", "SEVERE", "ERROR"),
        ("SUCCESS", "SEVERE", "ERROR"),
        ("WARNING", "WARN", "WARN"),
        ("warn", "WARN", "WARN"),
        ("notice", "NOTICE", "INFO"),
        ("NOTSET", "NOTICE", "INFO"),
        ("Information", "INFO", "INFO"),
        ("debug", "DEBUG", "INFO"),
        ("TRACE", "DEBUG", "INFO"),
        ("verbose", "DEBUG", "INFO"),
        (" warn ", "WARN", "WARN"),
        ("none", "NONE", "NONE"),
    ],
)
def test_a_level_is_recognised_by_its_beginning(text: str, loglevel: str, status: str) -> None:
    assert level_of_text(text) == loglevel
    assert status_of(loglevel) == status


@pytest.mark.parametrize("text", ["", "17", "7", "unknown", "t", "very bad", "ünknown"])
def test_a_text_without_a_row_in_the_table_has_no_level(text: str) -> None:
    assert level_of_text(text) is None


@pytest.mark.parametrize(("text", "loglevel"), [("FATAL", "FATAL"), ("trace2", "TRACE"), ("fault", "EMERGENCY")])
def test_fatal_and_trace_can_be_levels_of_their_own(text: str, loglevel: str) -> None:
    assert level_of_text(text, "own") == loglevel


@pytest.mark.parametrize(
    ("number", "loglevel"),
    [
        (0, None),
        (1, "DEBUG"),
        (4, "DEBUG"),
        (5, "DEBUG"),
        (9, "INFO"),
        (12, "INFO"),
        (13, "WARN"),
        (16, "WARN"),
        (17, "ERROR"),
        (20, "ERROR"),
        (21, "EMERGENCY"),
        (24, "EMERGENCY"),
        (25, None),
        (-1, None),
    ],
)
def test_a_severity_number_means_what_opentelemetry_says(number: int, loglevel: str | None) -> None:
    assert level_of_number(number) == loglevel
