"""Which lines are one record: stack traces stay whole, ordinary lines stay apart, and no text changes."""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.cli.entries import EntryReader
from dt_otlp_logs.cli.entry import Entry
from dt_otlp_logs.cli.lines import Line

NOW_NANOS = 1_764_100_000 * 10**9


def read(text: str, form: str = "auto", *, live: bool = False) -> tuple[list[Entry], EntryReader]:
    reader = EntryReader(form, timezone.utc, lambda: NOW_NANOS, live=live)
    entries = [entry for line in text.splitlines() for entry in reader.feed(Line(line))]
    return entries + list(reader.flush()), reader


def contents(text: str, form: str = "auto") -> list[str]:
    return [entry.content for entry in read(text, form)[0]]


PYTHON = """\
2024-03-01 10:00:00,123 ERROR shop payment failed
Traceback (most recent call last):
  File "/app/shop.py", line 7, in pay
    card.charge()
ValueError: no money

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/shop.py", line 9, in pay
    retry()
shop.errors.PaymentError: given up"""

JAVA = """\
2015-10-18 18:01:47,978 ERROR [main] Foo: failed
java.io.IOException: broken
\tat a.b.C(D.java:1)
Caused by: java.lang.RuntimeException: deeper
\tat a.b.C(D.java:2)
\t... 12 more"""

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "x.py", line 1, in <module>
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: 1
    +------------------------------------"""

NODE = """\
TypeError: x is not a function
    at pay (/app/shop.js:7:3)
    at main (/app/shop.js:9:1)"""


@pytest.mark.parametrize("trace", [PYTHON, JAVA, GROUP, NODE], ids=["python", "java", "group", "node"])
def test_a_stack_trace_is_one_record_with_the_line_that_reports_it(trace: str) -> None:
    after = "2024-03-01 10:00:01 INFO next\nplain\n"
    assert contents(f"{trace}\n{after}") == [trace, "2024-03-01 10:00:01 INFO next", "plain"]


@pytest.mark.parametrize("trace", [PYTHON, JAVA], ids=["python", "java"])
def test_lines_after_the_end_of_a_trace_are_their_own(trace: str) -> None:
    assert contents(f"{trace}\nDone with it.\nnext: 1") == [trace, "Done with it.", "next: 1"]


def test_two_tracebacks_in_a_row_are_two_records() -> None:
    one = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\nKeyError: 1'
    assert contents(f"{one}\n{one}\n") == [one, one]


def test_a_python_exception_without_a_message_ends_its_traceback() -> None:
    one = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\nKeyboardInterrupt'
    assert contents(f"{one}\nBye") == [one, "Bye"]


def test_indented_lines_stay_with_a_line_that_has_a_time_or_a_level() -> None:
    assert contents("2024-03-01 10:00:00 config:\n  a: 1\n\tb: 2\nERROR:root:x\n y") == [
        "2024-03-01 10:00:00 config:\n  a: 1\n\tb: 2",
        "ERROR:root:x\n y",
    ]


def test_a_file_of_indented_lines_does_not_become_one_record() -> None:
    assert contents("list:\n  one\n  two\n") == ["list:", "  one", "  two"]


def test_every_line_with_a_time_begins_a_record() -> None:
    lines = [f"2015-10-18 18:01:{second:02} INFO Caused by: {second}" for second in range(60)]
    assert contents("\n".join(lines)) == lines


def test_blank_lines_stay_with_the_record_before_or_at_the_beginning_with_the_first() -> None:
    assert contents("\n \none\n\ntwo\n\n") == ["\n \none\n", "two\n"]


def test_a_file_of_blank_lines_sends_nothing_and_counts_them() -> None:
    entries, reader = read("\n\n \n")
    assert entries == []
    assert (reader.counts.lines, reader.counts.records, reader.counts.blank) == (3, 0, 3)


def test_a_record_is_bounded_in_lines_and_in_characters() -> None:
    many = "2024-03-01 10:00:00 dump\n" + " x\n" * 1_200
    assert [content.count("\n") + 1 for content in contents(many)] == [500, *[1] * 701]
    long = "2024-03-01 10:00:00 dump\n" + (" " + "x" * 100_000 + "\n") * 3
    assert [content.count("\n") + 1 for content in contents(long)] == [3, 1]


def test_a_line_without_a_time_takes_the_time_of_the_one_before_it() -> None:
    entries, _ = read("first\n2024-03-01 10:00:00 one\nplain\n")
    second = int(datetime(2024, 3, 1, 10, tzinfo=timezone.utc).timestamp()) * 10**9
    assert [entry.time_unix_nano for entry in entries] == [NOW_NANOS, second, second]


def test_what_is_read_as_it_is_written_takes_the_time_of_reading() -> None:
    entries, _ = read("2024-03-01 10:00:00 one\nplain\n", live=True)
    assert entries[1].time_unix_nano == NOW_NANOS


def test_json_and_text_lines_may_be_mixed_and_stay_in_order() -> None:
    entries, reader = read('one\n{"message": "two", "level": "warn"}\n{not json}\n[1]\n')
    assert [entry.content for entry in entries] == ["one", "two", "{not json}", "[1]"]
    assert entries[1].level is not None
    assert reader.counts.not_json == 0


def test_where_all_should_be_json_what_is_not_is_sent_as_text_and_counted() -> None:
    entries, reader = read('{"message": "one"}\nboom\n', "json")
    assert [entry.content for entry in entries] == ["one", "boom"]
    assert reader.counts.not_json == 1


def test_where_all_is_text_json_is_text() -> None:
    assert contents('{"message": "one"}', "text") == ['{"message": "one"}']


def test_the_pieces_of_a_line_that_is_too_long_are_records_of_their_own() -> None:
    reader = EntryReader("auto", timezone.utc, lambda: NOW_NANOS)
    pieces = [Line("2024-03-01 10:00:00 ERROR a", True, False), Line("b", False, False), Line(" c", False, True)]
    entries = [entry for piece in pieces for entry in reader.feed(piece)] + list(reader.flush())
    assert [entry.content for entry in entries] == ["2024-03-01 10:00:00 ERROR a", "b", " c"]
    assert len({entry.time_unix_nano for entry in entries}) == 1
    assert (reader.counts.lines, reader.counts.split) == (1, 1)


SPECIMENS = [*PYTHON.split("\n"), *JAVA.split("\n"), *GROUP.split("\n"), *NODE.split("\n"), "", " ", "plain", " x"]


@given(st.lists(st.one_of(st.sampled_from(SPECIMENS), st.text(st.characters(exclude_categories=["Cs"])))))
def test_the_records_joined_are_the_lines_and_every_line_is_counted(lines: list[str]) -> None:
    reader = EntryReader("text", timezone.utc, lambda: NOW_NANOS)
    entries = [entry for line in lines for entry in reader.feed(Line(line))] + list(reader.flush())
    blank = lines[len(lines) - reader.counts.blank :]
    assert "\n".join([entry.content for entry in entries] + blank) == "\n".join(lines)
    assert all(not line.strip() for line in blank)
    assert reader.counts.lines == len(lines)
    assert reader.counts.records == len(entries)
    assert all(entry.content.strip() for entry in entries)
