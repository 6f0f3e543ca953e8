"""The time at the start of a log line, in nanoseconds since 1970: integers only, so no digit of a fraction is lost."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache

# A timestamp further in than this is part of the message.
_HEAD_CHARACTERS = 512
_NANOS = 10**9
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
# Before 2000 no log line of today was written: a smaller number in a field called `time` is a duration.
_EARLIEST_SECONDS = 946_684_800
# OTLP holds 64 bits of nanoseconds; signed readers end in 2262.
_LATEST_YEAR = 2261

_YEAR = r"(?P<y>\d{4})"
_MONTH = r"(?P<mon>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = r"(?P<d>\d{1,2})"
_TIME = r"(?P<h>\d{2}):(?P<mi>\d{2}):(?P<s>\d{2})(?:[.,:](?P<f>\d+))?(?!\d)"
_TIME_TO_THE_MINUTE = r"(?P<h2>\d{2}):(?P<mi2>\d{2})(?!\d)"
_TIME_IN_SIX_DIGITS = r"(?P<h2>\d{2})(?P<mi2>\d{2})(?P<s2>\d{2})(?:[.,](?P<f2>\d+))?(?!\d)"
_ZONE = r"(?P<zone>(?:Z|[+-]\d{2}(?::?\d{2})?| (?:UTC|GMT|Z|[+-]\d{2}:?\d{2}))(?![\w:]))?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        # 2015-10-18 18:01:47,978 and everything ISO 8601; 2021/06/09 of nginx and Go; seconds may be missing.
        _YEAR + r"[-/](?P<mo>\d{2})[-/](?P<d>\d{2})(?:[Tt_]| {1,2})" + f"(?:{_TIME}|{_TIME_TO_THE_MINUTE}){_ZONE}",
        # Jun 14 15:16:01 of RFC 3164, with the year some devices put behind the day.
        f"{_MONTH} {{1,2}}{_DAY} (?:{_YEAR} )?{_TIME}{_ZONE}",
        # Sun Dec 04 04:47:44 2005 of Apache and `date`.
        f"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} {{1,2}}{_DAY} {_TIME}(?P<zone> UTC| GMT)? {_YEAR}(?!\\d)",
        # 10/Oct/2000:13:55:36 -0700 of the common log format; 09-Jun-2021 20:10:40.123 of Tomcat and PHP.
        f"{_DAY}[-/ ]{_MONTH}[-/ ]{_YEAR}[: ]{_TIME}{_ZONE}",
        # 20171223T221529Z, 20171223-22:15:29:606
        _YEAR + r"(?P<mo>\d{2})(?P<d>\d{2})[T_ -]" + f"(?:{_TIME}|{_TIME_IN_SIX_DIGITS}){_ZONE}",
        # 081109 203615 of HDFS, 081109 20:36:15 of old MySQL.
        r"(?P<y>\d{2})(?P<mo>\d{2})(?P<d>\d{2}) (?P<h>\d{2}):?(?P<mi>\d{2}):?(?P<s>\d{2})(?=\s)",
        # 17/06/09 20:10:40 INFO of Spark: year first only where log4j's level follows.
        r"(?P<y>\d{2})/(?P<mo>\d{2})/(?P<d>\d{2}) " + _TIME + r"(?= +[A-Z]{4,8} )",
        # I0614 15:16:01.123456 of glog and Kubernetes, 03-17 16:13:38.811 of Android.
        r"(?P<letter>[IWEF])(?P<mo>\d{2})(?P<d>\d{2}) " + _TIME + r"(?=\s)",
        r"(?P<mo>\d{2})-(?P<d>\d{2}) " + _TIME + r"(?<=\.\d{3})(?=\s)",
        # 1157689312.049 of squid: seconds, milliseconds, microseconds or nanoseconds by the number of digits.
        r"(?P<epoch>\d{10}(?:\.\d+)?|\d{13}|\d{16}|\d{19})(?=[\s\]|,;:]|$)",
    )
)
_BRACKETS = re.compile(r"[\[(\"]*")
_LEADS = tuple(
    re.compile(lead)
    for lead in (
        r"<\d{1,3}>(?:\d{1,2} )?",  # a syslog priority, RFC 5424's version behind it
        r"@?(?:time|ts|timestamp|t)=\"?",  # logfmt
        r"\S+\.log\S* ",  # the file a collector took the line from
        r"[\[(|]*[A-Za-z]{3,11}[\])|]*(?:[: ]+|(?=\[))[\[(]*",  # a level in front
        r"- ",  # the empty label of cluster logs
        r"(?:\S+ ){1,4}\[(?=\d{1,2}/[A-Z])",  # host, identity and user of the common log format
    )
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time a line starts with, where its text goes on, and the level letter glog puts in front."""

    time_unix_nano: int
    start: int
    end: int
    letter: str | None = None


def read_stamp(text: str, zone: tzinfo | None, now_unix_nano: int) -> Stamp | None:
    """The timestamp `text` starts with, or None.

    A time without a zone is in `zone`, by default the local one, as the program that wrote it would have used.
    A date without a year is the latest one that does not lie more than a day ahead of now.
    """
    head = text[:_HEAD_CHARACTERS]
    for position in _positions(head):
        for form in _FORMS:
            match = form.match(head, position)
            if match is None:
                continue
            time = _time_of(match.groupdict(), zone, now_unix_nano)
            if time is not None:
                return Stamp(time, match.start(), match.end(), match.groupdict().get("letter"))
    return None


def read_time(value: object, zone: tzinfo | None, now_unix_nano: int) -> int | None:
    """A timestamp that stands alone, as in a JSON field: text, or a number of s, ms, us or ns by its size."""
    if isinstance(value, str):
        text = value.strip()
        if text.replace(".", "", 1).isdecimal() and text.isascii():
            return _time_of_number(Decimal(text))
        stamp = read_stamp(text, zone, now_unix_nano)
        return stamp.time_unix_nano if stamp is not None and (stamp.start, stamp.end) == (0, len(text)) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    number = Decimal(repr(value))
    return _time_of_number(number) if number.is_finite() else None


def _positions(head: str) -> Iterator[int]:
    first = _BRACKETS.match(head)
    yield first.end() if first else 0
    for lead in _LEADS:
        match = lead.match(head)
        if match is not None:
            yield match.end()


def _time_of(parts: dict[str, str | None], zone: tzinfo | None, now_unix_nano: int) -> int | None:
    epoch = parts.get("epoch")
    if epoch is not None:
        return _time_of_number(Decimal(epoch))
    month = _MONTHS[parts["mon"] or ""] if parts.get("mon") else int(parts["mo"] or 0)
    clock = (
        int(parts.get("h") or parts.get("h2") or 0),
        int(parts.get("mi") or parts.get("mi2") or 0),
        # A leap second has no second of its own in Unix time.
        min(int(parts.get("s") or parts.get("s2") or 0), 59),
    )
    day = int(parts["d"] or 0)
    offset = _offset(parts.get("zone"))
    year_digits = parts.get("y")
    if year_digits is None:
        seconds = _latest(month, day, clock, offset if offset is not None else zone, now_unix_nano)
    else:
        year = int(year_digits) if len(year_digits) == 4 else 2000 + int(year_digits)
        seconds = _seconds(year, month, day, *clock, offset if offset is not None else zone)
    if seconds is None:
        return None
    fraction = (parts.get("f") or parts.get("f2") or "")[:9]
    return seconds * _NANOS + int(fraction.ljust(9, "0"))


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    digits = text.strip().replace(":", "")
    if digits[0] not in "+-":
        return timezone.utc
    hours, minutes = int(digits[1:3]), int(digits[3:5] or 0)
    if hours > 14 or minutes > 59:  # UTC+14 is the farthest zone there is
        return None
    distance = timedelta(hours=hours, minutes=minutes)
    return timezone(-distance if digits[0] == "-" else distance)


# Lines come in bursts of the same second, and finding a local time's offset is the dear part.
@lru_cache(maxsize=4096)
def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int, zone: tzinfo | None) -> int | None:
    if not 1970 <= year <= _LATEST_YEAR:
        return None
    try:
        # Without a zone, timestamp() takes the machine's own.
        seconds = int(datetime(year, month, day, hour, minute, second, tzinfo=zone).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
    return seconds if seconds > 0 else None


def _latest(month: int, day: int, clock: tuple[int, int, int], zone: tzinfo | None, now_unix_nano: int) -> int | None:
    now_seconds = now_unix_nano // _NANOS
    # The writer's zone may be up to a day away from ours.
    limit = now_seconds + 86_400
    this_year = datetime.fromtimestamp(limit, tz=zone or timezone.utc).year
    # Eight years back there is always a 29 February.
    for year in range(this_year, this_year - 9, -1):
        seconds = _seconds(year, month, day, *clock, zone)
        if seconds is not None and seconds <= limit:
            return seconds
    return None


def _time_of_number(number: Decimal) -> int | None:
    # The borders are the ones Dynatrace documents for numeric timestamps.
    if number <= 10**11:
        nanos = int(number * _NANOS)
    elif number <= 10**14:
        nanos = int(number * 10**6)
    elif number <= 9_999_999_999_999_999:
        nanos = int(number * 1000)
    else:
        nanos = int(number)
    return nanos if _EARLIEST_SECONDS * _NANOS <= nanos < 2**63 else None
