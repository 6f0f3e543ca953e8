"""A JSON line as Dynatrace would read it, with nothing lost."""

import json
from datetime import timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.cli.entry import Entry
from dt_otlp_logs.cli.json_lines import entry_of, parse_object

TIME = "2025-12-09T12:00:00Z"
TIME_NANOS = 1_765_281_600 * 10**9


def read(text: str) -> Entry:
    fields = parse_object(text)
    assert fields is not None
    return entry_of(text, fields, timezone.utc, TIME_NANOS)


@pytest.mark.parametrize("key", ["timestamp", "@timestamp", "Time", "epochSecond", "ts", "@t", "syslog.timestamp"])
@pytest.mark.parametrize("value", [TIME, TIME_NANOS // 10**9, TIME_NANOS // 10**6])
def test_the_time_is_found_under_the_keys_dynatrace_knows_in_any_case(key: str, value: object) -> None:
    entry = read(json.dumps({"message": "m", key: value}))
    assert entry.time_unix_nano == TIME_NANOS
    assert entry.attributes == {}


def test_the_first_key_that_holds_a_time_wins_and_the_others_stay_attributes() -> None:
    entry = read(json.dumps({"message": "m", "ts": 1, "time": 0.25, "date": "today", "@timestamp": TIME}))
    assert entry.time_unix_nano == TIME_NANOS
    assert entry.attributes == {"ts": 1, "time": 0.25, "date": "today"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"content": "a", "message": "b"}, ("a", {"message": "b"})),
        ({"log": "a\n"}, ("a\n", {})),
        ({"msg": "a", "n": 1}, ("a", {"n": 1})),
        ({"event": "a"}, ("a", {})),
        ({"event": {"kind": "x"}, "Message": "a"}, ("a", {"event": {"kind": "x"}})),
        ({"message": 42}, ("42", {})),
        ({"message": True}, ("true", {})),
        ({"message": "", "msg": "a"}, ("a", {"message": ""})),
    ],
)
def test_the_content_is_the_first_key_with_text(fields: dict[str, Any], expected: tuple[str, dict[str, Any]]) -> None:
    entry = read(json.dumps(fields))
    assert (entry.content, entry.attributes) == expected


def test_without_a_message_the_whole_line_is_the_content() -> None:
    line = '{"user": "ann",  "n": 1}'
    assert read(line) == Entry(line, attributes={"user": "ann", "n": 1})


@pytest.mark.parametrize(
    ("fields", "level", "attributes"),
    [
        ({"level": "INFO"}, "INFO", {}),
        ({"level": "warning"}, "WARN", {"log.raw_level": "warning"}),
        ({"level": 30}, "INFO", {"log.raw_level": "30"}),
        ({"status": 200, "level": "error"}, "ERROR", {"status": 200}),
        ({"status": "error", "level": "info"}, "ERROR", {"level": "info"}),
        ({"syslog.severity": "3"}, "ERROR", {"log.raw_level": "3"}),
        ({"levelname": "CRITICAL"}, "CRITICAL", {}),
        ({"level": "odd"}, None, {"level": "odd"}),
        ({"loglevel": "odd"}, None, {"log.raw_level": "odd"}),
    ],
)
def test_the_level_is_a_word_dynatrace_knows(
    fields: dict[str, Any], level: str | None, attributes: dict[str, Any]
) -> None:
    entry = read(json.dumps({"message": "m", **fields}))
    assert (entry.level.text if entry.level else None) == level
    assert entry.attributes == attributes


def test_trace_and_span_become_the_records_own() -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    entry = read(json.dumps({"message": "m", "trace_id": trace, "spanId": "0x" + span.upper()}))
    assert (entry.trace_id, entry.span_id, entry.attributes) == (int(trace, 16), int(span, 16), {})


@pytest.mark.parametrize("trace", ["", "0" * 32, "xyz", 7, None])
def test_what_is_no_trace_id_stays_an_attribute(trace: object) -> None:
    entry = read(json.dumps({"message": "m", "trace_id": trace, "span_id": "b7ad6b7169203331"}))
    assert (entry.trace_id, entry.span_id) == (0, 0)
    assert entry.attributes == {"trace_id": trace, "span_id": "b7ad6b7169203331"}


def test_attributes_keep_their_types_as_far_as_otlp_has_them() -> None:
    line = '{"message": "m", "a": {"b": [1, 2.5, null, true]}, "big": 18446744073709551616, "half": "\\ud83d"}'
    assert read(line).attributes == {
        "a": {"b": [1, 2.5, None, True]},
        "big": "18446744073709551616",
        "half": "\\ud83d",
    }


@pytest.mark.parametrize(
    "text", ["", "{", "{}x", "[1]", "{'a': 1}", '{"a": 1} {"b": 2}', '{"a":' * 100_000 + "1" + "}" * 100_000]
)
def test_what_is_no_object_is_none(text: str) -> None:
    assert parse_object(text) is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["message", "level", "ts", "trace_id", "span_id", "a", "B"]), _VALUES))
def test_any_object_is_read_and_everything_of_it_arrives(fields: dict[str, Any]) -> None:
    line = json.dumps(fields)
    entry = entry_of(line, fields, timezone.utc, TIME_NANOS)
    entry.content.encode()
    taken = {
        "message": entry.content != line,
        "level": entry.level is not None,
        "ts": entry.time_unix_nano is not None,
        "trace_id": entry.trace_id != 0,
        "span_id": entry.span_id != 0,
    }
    assert {key for key in fields if not taken.get(key)} <= set(entry.attributes)
