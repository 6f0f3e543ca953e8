"""The levels real programs write, and words that only look like one."""

from datetime import timezone

import pytest
from opentelemetry._logs import SeverityNumber

from dt_otlp_logs.cli.entries import EntryReader
from dt_otlp_logs.cli.levels import level_of_value
from dt_otlp_logs.cli.lines import Line

LINES = [
    ("2015-10-18 18:01:47,978 INFO [main] a.B: Error in the message", "INFO"),
    ("2015-10-18 18:01:47 -0700 WARN x", "WARN"),
    ("081109 203615 148 WARN dfs.DataNode: x", "WARN"),
    ("[Sun Dec 04 04:47:44 2005] [notice] x", "NOTICE"),
    ("[Sun Dec 04 04:47:44 2005] [error] x", "ERROR"),
    ("[Sun Dec 04 04:47:44.1 2005] [core:error] [pid 7] x", "ERROR"),
    ("nova.log.1 2017-05-16 00:00:00.008 25746 WARNING nova.x [req-1 - - -] x", "WARN"),
    ("[2024-03-01 10:00:00 +0100] [7] [CRITICAL] WORKER TIMEOUT", "CRITICAL"),
    ("2024-03-01 10:00:00,123 - shop.cart - ERROR - x", "ERROR"),
    ("2024-03-01 10:00:00.123  DEBUG 1 --- [main] c.e.App : x", "DEBUG"),
    ("2024-03-01 10:00:00.123 | SUCCESS  | shop:pay:12 - x", "INFO"),
    ("2021-06-09 20:10:40.123 CEST [123] FATAL:  role does not exist", "FATAL"),
    ("2021/06/09 20:10:40 [emerg] 12#12: x", "EMERGENCY"),
    ("09-Jun-2021 20:10:40.123 SEVERE [main] x", "SEVERE"),
    ('time="2024-03-01T10:00:00Z" level=warning msg="x"', "WARN"),
    ('ts=2024-03-01T10:00:00Z caller=a.go:1 msg="an ERROR" level=info', "INFO"),
    ("Jun 14 15:16:01 host app[7]: ERROR x", "ERROR"),
    ("<34>1 2003-10-11T22:14:15.003Z host su - ID47 - x", "CRITICAL"),
    ("<191>Oct 11 22:14:15 host su: x", "DEBUG"),
    ("<1000>Oct 11 22:14:15 host su: x", None),
    ("W0614 15:16:01.123456    7 file.go:10] x", "WARN"),
    ("03-17 16:13:38.811  1702  2395 E WindowManager: x", "ERROR"),
    ("E/ActivityManager( 7): x", "ERROR"),
    ("INFO:     127.0.0.1:1 - x", "INFO"),
    ("WARNING:root:x", "WARN"),
    ("ERROR 2024-03-01 10:00:00 x", "ERROR"),
    ("[trace] x", "TRACE"),
    ("2024-03-01 10:00:00 an error occurred", None),
    ("2024-03-01 10:00:00 something went wrong with an ERROR at last", None),
    ("Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass; ERROR unknown", None),
    ("see the ERROR file", None),
    ("I/O error on device", None),
    ("INFORMED about nothing", None),
    ('10.0.0.7 - - [10/Oct/2000:13:55:36 -0700] "GET /ERROR HTTP/1.0" 500 5', None),
    ("2024-03-01 10:00:00 10 I went home", None),
]


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line[:50] for line, _ in LINES])
def test_a_level_is_recognised_in_the_head_of_a_line_only(line: str, expected: str | None) -> None:
    reader = EntryReader("text", timezone.utc, lambda: 1_764_100_000 * 10**9)
    [entry] = [*reader.feed(Line(line)), *reader.flush()]
    assert (entry.level.text if entry.level else None) == expected
    assert entry.content == line


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        ("warning", "WARN", SeverityNumber.WARN),
        ("Information", "INFO", SeverityNumber.INFO),
        (" error ", "ERROR", SeverityNumber.ERROR),
        ("notice", "NOTICE", SeverityNumber.INFO2),
        (3, "ERROR", SeverityNumber.ERROR),
        ("3", "ERROR", SeverityNumber.ERROR),
        (50, "ERROR", SeverityNumber.ERROR),
        (60, "FATAL", SeverityNumber.FATAL),
    ],
)
def test_a_json_level_is_a_word_a_syslog_number_or_a_pino_number(
    value: object, text: str, number: SeverityNumber
) -> None:
    level = level_of_value(value)
    assert level is not None
    assert (level.text, level.number) == (text, number)


@pytest.mark.parametrize("value", [200, "200", "success", "ok", "", None, True, 3.0, {}, -1])
def test_an_http_status_or_an_outcome_is_no_level(value: object) -> None:
    assert level_of_value(value) is None
