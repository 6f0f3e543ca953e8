"""Time stamps: every format the ingest pages name, to the nanosecond."""

from datetime import datetime, timezone

import pytest

from dt_otlp_logs.emulator.incoming import ExactFloat
from dt_otlp_logs.emulator.timestamps import format_rfc3339, parse

NOW = 1_765_300_000 * 10**9


@pytest.mark.parametrize(
    ("value", "seconds", "nanoseconds"),
    [
        (1765281600, 1765281600, 0),
        ("1765281600", 1765281600, 0),
        (1765281600123, 1765281600, 123_000_000),
        ("1765281600123", 1765281600, 123_000_000),
        (1765281600123456, 1765281600, 123_456_000),
        ("1765281600.123456789", 1765281600, 123_456_789),
        (ExactFloat("1765281600.123456789"), 1765281600, 123_456_789),
        (ExactFloat("1.7652816005e9"), 1765281600, 500_000_000),
        (1765281600.5, 1765281600, 500_000_000),
        (0, 0, 0),
        ("2025-12-09T12:00:00Z", 1765281600, 0),
        ("2025-12-09T12:00:00", 1765281600, 0),
        ("2025-12-09T12:00:00.1234", 1765281600, 123_400_000),
        ("2025-12-09t12:00:00.123456789z", 1765281600, 123_456_789),
        ("2025-12-09 12:00:00,5", 1765281600, 500_000_000),
        ("2025-12-09T13:30:00+01:30", 1765281600, 0),
        ("2025-12-09T07:00:00.25-0500", 1765281600, 250_000_000),
        ("Dec  9 12:00:00", 1765281600, 0),
        ("Dec 09 12:00:00", 1765281600, 0),
    ],
)
def test_every_documented_format_is_read_exactly(value: object, seconds: int, nanoseconds: int) -> None:
    assert parse(value, NOW) == seconds * 10**9 + nanoseconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2025-13-01T00:00:00Z",
        "2025-12-09",
        "12:00:00",
        None,
        True,
        [],
        {},
        -5,
        10**17,
        "1" * 40,
        float("nan"),
        float("inf"),
        ExactFloat("1e999"),
        "Foo  9 12:00:00",
        "١٢٣",
        "2025-12-09T25:00:00Z",
    ],
)
def test_anything_else_is_no_time_stamp(value: object) -> None:
    assert parse(value, NOW) is None


def test_a_line_of_december_read_in_january_is_of_last_year() -> None:
    january = int(datetime(2026, 1, 2, tzinfo=timezone.utc).timestamp()) * 10**9
    december = int(datetime(2025, 12, 31, 23, 59, 59, tzinfo=timezone.utc).timestamp()) * 10**9
    assert parse("Dec 31 23:59:59", january) == december


def test_a_time_stamp_is_shown_with_all_its_nanoseconds() -> None:
    assert format_rfc3339(1_765_281_600_123_456_789) == "2025-12-09T12:00:00.123456789Z"
    assert format_rfc3339(1_765_281_600_000_000_001) == "2025-12-09T12:00:00.000000001Z"
