"""Records older than the server accepts (24 hours): given a new time, or taken out.

One of them makes an ActiveGate refuse the whole request.
"""

from dataclasses import replace
from datetime import datetime, timezone

from .request import Group, Payload, seal, unpack
from .wire import LENGTH_DELIMITED, fields, length_delimited

ORIGINAL_TIMESTAMP = "log.original_timestamp"

# Dynatrace sorts by timestamp, so equal ones would lose their order.
_STEP_NANOSECONDS = 1_000

_ATTRIBUTE_NAME = length_delimited(b"\x0a", ORIGINAL_TIMESTAMP.encode())


def restamp_stale(payload: Payload, older_than_unix_nano: int, now_unix_nano: int) -> tuple[Payload, int]:
    """The payload with records older than a time stamped as of now, and how many that were.

    They keep their order: each is a microsecond later than the one before, the last is now.
    What was their time is kept, with its nanoseconds, in the attribute `log.original_timestamp` (ISO 8601, UTC);
    a record that has one already keeps the first. ValueError if the payload is damaged.
    """
    unpacked = unpack(payload)
    stale = sum(_is_stale(time, older_than_unix_nano) for group in unpacked for time in group.times)
    if not stale:
        return payload, 0
    next_time = now_unix_nano - (stale - 1) * _STEP_NANOSECONDS
    groups = []
    for group in unpacked:
        records = list(group.records)
        times = list(group.times)
        for index, time in enumerate(group.times):
            if _is_stale(time, older_than_unix_nano):
                records[index] = _restamp(records[index], time, next_time)
                times[index] = next_time
                next_time += _STEP_NANOSECONDS
        groups.append(replace(group, records=tuple(records), times=tuple(times)))
    return seal(groups), stale


def drop_stale(payload: Payload, older_than_unix_nano: int) -> tuple[Payload | None, int]:
    """The payload without records older than a time, None if none is left, and how many were taken out.

    ValueError if the payload is damaged.
    """
    dropped = 0
    groups: list[Group] = []
    for group in unpack(payload):
        kept = [
            (record, time)
            for record, time in zip(group.records, group.times, strict=True)
            if not _is_stale(time, older_than_unix_nano)
        ]
        dropped += len(group.records) - len(kept)
        if kept:
            records, times = zip(*kept, strict=True)
            groups.append(replace(group, records=records, times=times))
    if not dropped:
        return payload, 0
    return (seal(groups) if groups else None), dropped


def _is_stale(time: int, older_than_unix_nano: int) -> bool:
    # 0 means that the record has no time: the server takes the time of arrival.
    return 0 < time < older_than_unix_nano


def _restamp(record: bytes, time: int, now_unix_nano: int) -> bytes:
    rest = []
    has_original = False
    for field in fields(record):
        if field.number == 1:
            continue
        if field.number == 6 and field.wire_type == LENGTH_DELIMITED:
            has_original |= record.startswith(_ATTRIBUTE_NAME, field.content, field.end)
        rest.append(record[field.start : field.end])
    if not has_original:
        value = length_delimited(b"\x0a", _iso_8601(time).encode())
        rest.append(length_delimited(b"\x32", _ATTRIBUTE_NAME + length_delimited(b"\x12", value)))
    return b"\x09" + now_unix_nano.to_bytes(8, "little") + b"".join(rest)


def _iso_8601(unix_nano: int) -> str:
    seconds, nanoseconds = divmod(unix_nano, 1_000_000_000)
    day_and_time = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{day_and_time}.{nanoseconds:09d}Z"
