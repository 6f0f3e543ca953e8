"""A JSON line as a record: time, level and message under the keys Dynatrace looks for, the rest as attributes."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any

from dt_otlp_logs.cli.entry import Entry
from dt_otlp_logs.cli.levels import Level, level_of_value
from dt_otlp_logs.cli.timestamps import read_time

# The orders of the log ingest API, case-insensitive; behind them what loggers write that Dynatrace has no rule for.
_TIME_KEYS = (
    *("timestamp", "@timestamp", "_timestamp", "eventtime", "date", "published_date", "syslog.timestamp"),
    *("time", "epochsecond", "starttime", "datetime", "ts", "timemillis", "@t"),
    *("asctime", "t"),
)
_LEVEL_KEYS = (
    *("loglevel", "status", "severity", "level", "syslog.severity"),
    *("levelname", "log.level", "severity_text", "severitytext", "lvl", "@l"),
)
_CONTENT_KEYS = ("content", "message", "payload", "body", "log", "msg", "event", "@m", "@mt")
_TRACE_KEYS = ("trace_id", "traceid", "trace.id", "oteltraceid")
_SPAN_KEYS = ("span_id", "spanid", "span.id", "otelspanid")
_TRACE_ID = re.compile(r"(?:0x)?([0-9a-fA-F]{32})")
_SPAN_ID = re.compile(r"(?:0x)?([0-9a-fA-F]{16})")
# Dynatrace reads these keys as the record's own fields: an attribute of that name would fight with them.
_RESERVED = {
    "timestamp": "unparsed_timestamp",
    "content": "unparsed_content",
    "loglevel": "log.raw_level",
}


def parse_object(text: str) -> dict[str, Any] | None:
    """The one JSON object a line consists of, or None."""
    line = text.strip()
    if not (line.startswith("{") and line.endswith("}")):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def entry_of(text: str, fields: Mapping[str, Any], zone: tzinfo | None, now_unix_nano: int) -> Entry:
    """The record a JSON line stands for; without a message its content is the whole line."""
    by_key: dict[str, list[str]] = {}
    for name in fields:
        by_key.setdefault(name.lower(), []).append(name)
    rest = dict(fields)

    def candidates(keys: tuple[str, ...]) -> Iterator[str]:
        for key in keys:
            yield from by_key.get(key, ())

    time: int | None = None
    for name in candidates(_TIME_KEYS):
        time = read_time(fields[name], zone, now_unix_nano)
        if time is not None:
            del rest[name]
            break
    level: Level | None = None
    for name in candidates(_LEVEL_KEYS):
        level = level_of_value(fields[name])
        if level is not None:
            del rest[name]
            break
    raw_level = fields[name] if level is not None else None
    content = text
    for name in candidates(_CONTENT_KEYS):
        found = _content(fields[name])
        if found:
            content = found
            del rest[name]
            break
    trace_id = _take_id(rest, candidates(_TRACE_KEYS), _TRACE_ID)
    span_id = _take_id(rest, candidates(_SPAN_KEYS), _SPAN_ID) if trace_id else 0
    attributes = {_RESERVED.get(name.lower(), name): value for name, value in rest.items()}
    if level is not None and str(raw_level).upper() != level.text:
        attributes.setdefault("log.raw_level", str(raw_level))
    return Entry(_printable(content), time, level, _attribute(attributes), trace_id, span_id)


def _content(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return ""


def _take_id(rest: dict[str, Any], names: Iterator[str], form: re.Pattern[str]) -> int:
    for name in names:
        value = rest.get(name)
        match = form.fullmatch(value) if isinstance(value, str) else None
        if match is not None and int(match[1], 16):
            del rest[name]
            return int(match[1], 16)
    return 0


def _attribute(value: Any) -> Any:
    """`value` as OTLP can carry it: text without lone surrogates, integers of 64 bits."""
    if isinstance(value, str):
        return _printable(value)
    if isinstance(value, dict):
        return {_printable(name): _attribute(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_attribute(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
