"""The times real programs put in front of their lines."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.cli.timestamps import read_stamp, read_time

UTC = timezone.utc
NOW = datetime(2025, 11, 25, 19, 46, 40, tzinfo=UTC)
NOW_NANOS = int(NOW.timestamp()) * 10**9


def iso(nanos: int | None) -> str | None:
    """Nanoseconds as text, all nine digits of the fraction."""
    if nanos is None:
        return None
    seconds, fraction = divmod(nanos, 10**9)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}"


LINES = [
    ("2015-10-18 18:01:47,978 INFO [main] a.B: started", "2015-10-18T18:01:47.978000000"),
    ("2015-10-18T18:01:47Z up", "2015-10-18T18:01:47.000000000"),
    ("2015-10-18T18:01:47.123456789Z stdout F up", "2015-10-18T18:01:47.123456789"),
    ("2015-10-18T18:01:47.1234567891234Z more digits than there are nanoseconds", "2015-10-18T18:01:47.123456789"),
    ("2015-10-18T18:01:47+02:00 up", "2015-10-18T16:01:47.000000000"),
    ("2015-10-18T18:01:47.5-0330 up", "2015-10-18T21:31:47.500000000"),
    ("2015-10-18 18:01:47 +0000 up", "2015-10-18T18:01:47.000000000"),
    ("2015-10-18 18:01 to the minute", "2015-10-18T18:01:00.000000000"),
    ("[2024-03-01 10:00:00 +0100] [7] [INFO] Listening", "2024-03-01T09:00:00.000000000"),
    ("2021/06/09 20:10:40 [error] 12#12: *1 open() failed", "2021-06-09T20:10:40.000000000"),
    ("INFO 2024-03-01 10:00:00,001 up", "2024-03-01T10:00:00.001000000"),
    ("[WARN][2024-03-01 10:00:00.5] up", "2024-03-01T10:00:00.500000000"),
    ('time="2024-03-01T10:00:00Z" level=info msg="up"', "2024-03-01T10:00:00.000000000"),
    ("nova.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 2 INFO nova up", "2017-05-16T00:00:00.008000000"),
    ('10.0.0.7 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5', "2000-10-10T20:55:36.000000000"),
    ('shop:443 10.0.0.7 - ann [10/Oct/2000:13:55:36 +0000] "GET /"', "2000-10-10T13:55:36.000000000"),
    ("[Sun Dec 04 04:47:44 2005] [notice] ready", "2005-12-04T04:47:44.000000000"),
    ("[Sun Dec 04 04:47:44.123456 2005] [core:error] [pid 7] no", "2005-12-04T04:47:44.123456000"),
    ("Wed Jun  9 20:10:40 UTC 2021 up", "2021-06-09T20:10:40.000000000"),
    ("Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure", "2025-06-14T15:16:01.000000000"),
    ("Nov 26 03:00:00 host app: a zone ahead of ours", "2025-11-26T03:00:00.000000000"),
    ("Dec  1 00:00:05 host app: last year's", "2024-12-01T00:00:05.000000000"),
    ("Feb 29 12:00:00 host app: the last leap year's", "2024-02-29T12:00:00.000000000"),
    ("Jun 14 2021 15:16:01 fw : %ASA-6-302013", "2021-06-14T15:16:01.000000000"),
    ("<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed", "2003-10-11T22:14:15.003000000"),
    ("<34>Oct 11 22:14:15 host su: failed", "2025-10-11T22:14:15.000000000"),
    ("081109 203615 148 INFO dfs.DataNode: up", "2008-11-09T20:36:15.000000000"),
    ("17/06/09 20:10:40 INFO executor.Backend: up", "2017-06-09T20:10:40.000000000"),
    ("20171223-22:15:29:606|Step_LSC|30002312|up", "2017-12-23T22:15:29.606000000"),
    ("20171223T221529.25Z up", "2017-12-23T22:15:29.250000000"),
    ("09-Jun-2021 20:10:40.123 INFO [main] up", "2021-06-09T20:10:40.123000000"),
    ("[09-Jun-2021 20:10:40 UTC] PHP Warning: no", "2021-06-09T20:10:40.000000000"),
    ("I0614 15:16:01.123456    7 file.go:10] up", "2025-06-14T15:16:01.123456000"),
    ("03-17 16:13:38.811  1702  2395 D WindowManager: up", "2025-03-17T16:13:38.811000000"),
    ("1157689312.049   5006 10.1.1.1 TCP_MISS/200", "2006-09-08T04:21:52.049000000"),
    ("1157689312049 up", "2006-09-08T04:21:52.049000000"),
    ("- 1117838570 2005.06.03 R02-M1 up", "2005-06-03T22:42:50.000000000"),
    ("2016-12-31T23:59:60Z a leap second", "2016-12-31T23:59:59.000000000"),
    ("2015-10-18 18:01:47 -99 not a zone but a number", "2015-10-18T18:01:47.000000000"),
]

NO_TIMES = [
    "",
    "no time here",
    "an event at 2015-10-18 18:01:47 is part of the message",
    "2015-13-18 18:01:47 there is no month 13",
    "2015-02-30 18:01:47 there is no such day",
    "2015-10-18 only a day",
    "  2015-10-18 18:01:47 indented: belongs to the line before",
    "0001-01-01 00:00:00 before 1970",
    "123456 999999 numbers",
    "1234567890123456789012 too many digits",
    "12/10/11 10:00:00 which of them is the year?",
]


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line[:40] for line, _ in LINES])
def test_the_time_at_the_start_of_a_line_is_read_to_the_nanosecond(line: str, expected: str) -> None:
    stamp = read_stamp(line, UTC, NOW_NANOS)
    assert iso(stamp.time_unix_nano if stamp else None) == expected


@pytest.mark.parametrize("line", NO_TIMES)
def test_what_is_no_time_or_stands_inside_the_message_is_none(line: str) -> None:
    assert read_stamp(line, UTC, NOW_NANOS) is None


def test_a_time_without_a_zone_is_in_the_zone_that_was_named() -> None:
    stamp = read_stamp("2015-07-18 18:01:47 up", ZoneInfo("Europe/Vienna"), NOW_NANOS)
    assert stamp is not None
    assert iso(stamp.time_unix_nano) == "2015-07-18T16:01:47.000000000"


def test_a_time_without_a_zone_is_local_by_default() -> None:
    stamp = read_stamp("2015-07-18 18:01:47 up", None, NOW_NANOS)
    assert stamp is not None
    assert stamp.time_unix_nano == int(datetime(2015, 7, 18, 18, 1, 47).astimezone().timestamp()) * 10**9


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_765_281_600, "2025-12-09T12:00:00.000000000"),
        ("1765281600", "2025-12-09T12:00:00.000000000"),
        (1_765_281_600_123, "2025-12-09T12:00:00.123000000"),
        (1_765_281_600_123_456, "2025-12-09T12:00:00.123456000"),
        (1_765_281_600_123_456_789, "2025-12-09T12:00:00.123456789"),
        (1_765_281_600.123456, "2025-12-09T12:00:00.123456000"),
        ("2025-12-09T12:00:00.1234Z", "2025-12-09T12:00:00.123400000"),
        (" 2025-12-09T13:00:00+01:00 ", "2025-12-09T12:00:00.000000000"),
        ("2025-12-09T12:00:00Z and more", None),
        ("soon", None),
        (0.2477, None),
        (35, None),
        (-1, None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**30, None),
        ("9" * 5000, None),
        ([], None),
    ],
)
def test_a_json_time_is_text_or_a_number_of_s_ms_us_or_ns_by_its_size(value: object, expected: str | None) -> None:
    assert iso(read_time(value, UTC, NOW_NANOS)) == expected


@given(st.integers(2 * 10**9, 9 * 10**15), st.integers(-14 * 60, 14 * 60))
def test_every_iso_time_with_an_offset_is_read_exactly(microseconds: int, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    written = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(zone)
    stamp = read_stamp(written.isoformat() + " text", UTC, NOW_NANOS)
    expected = None if written.year < 1970 else microseconds * 1000
    assert (stamp.time_unix_nano if stamp else None) == expected


@given(st.text())
def test_any_line_is_read_without_an_error(line: str) -> None:
    read_stamp(line, UTC, NOW_NANOS)
    read_time(line, UTC, NOW_NANOS)
