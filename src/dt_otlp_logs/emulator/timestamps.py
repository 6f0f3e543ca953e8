"""Time stamps as Dynatrace reads them, in whole nanoseconds: epoch numbers, RFC 3339 and RFC 3164 text."""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache

from dt_otlp_logs.emulator.incoming import ExactFloat, Value

KEYS = (
    "timestamp",
    "@timestamp",
    "_timestamp",
    "eventtime",
    "date",
    "published_date",
    "syslog.timestamp",
    "time",
    "epochsecond",
    "starttime",
    "datetime",
    "ts",
    "timemillis",
    "@t",
)
"""Where a time stamp is looked for, in this order, whatever the case (fact sheet, section 3.5)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NANOSECONDS = 1_000_000_000

# The OpenPipeline limits page: a number up to the first is seconds, up to the second milliseconds, and so on.
_NUMBER_UNITS = ((10**11, _NANOSECONDS), (10**14, 1_000_000), (9_999_999_999_999_999, 1_000))

_NUMBER = re.compile(r"\d{1,17}(\.\d{1,30})?", re.ASCII)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_RFC3164 = re.compile(r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse(value: Value, now: int) -> int | None:
    """Nanoseconds since 1970 of a time stamp, or None when it is in no known format.

    `now` (nanoseconds) supplies the year that RFC 3164 leaves out. Text without a zone is UTC.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        text = value.text if isinstance(value, ExactFloat) else repr(value)
        return _from_number(_without_exponent(text, float(abs(value)) if abs(value) < 10**17 else None))
    if not isinstance(value, str):
        return None
    text = value.strip()
    number = _from_number(text)
    if number is not None:
        return number
    try:
        return _from_rfc3339(text) if "-" in text else _from_rfc3164(text, now)
    except ValueError:
        return None


def format_rfc3339(nanoseconds: int) -> str:
    """UTC text with all nine digits of the second, as the emulator shows every time stamp."""
    seconds, fraction = divmod(nanoseconds, _NANOSECONDS)
    return f"{_second(seconds)}.{fraction:09d}Z"


@lru_cache(maxsize=1_000)
def _second(seconds: int) -> str:
    # Without isoformat, years before 1000 would lose their zeros on some systems.
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def finer_than_milliseconds_or_zoned(value: Value) -> bool:
    """Whether text is what OneAgent's local endpoint refuses: more than three digits of a second, or not UTC."""
    found = _RFC3339.fullmatch(value.strip()) if isinstance(value, str) else None
    return found is not None and (len(found[7] or "") > 3 or (found[8] or "Z") not in ("Z", "z", "+00:00", "+0000"))


def _without_exponent(text: str, size: float | None) -> str:
    if "e" not in text.lower():
        return text
    # Expanding an exponent is safe only when the number is known to be small.
    return format(Decimal(text), "f")[:48] if size is not None and size > 1e-9 else ""


def _from_number(text: str) -> int | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    for limit, unit in _NUMBER_UNITS:
        if number <= limit:
            return int(number * unit)
    return None


def _from_rfc3339(text: str) -> int | None:
    found = _RFC3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    # A leap second is shown as the last ordinary one; datetime knows no 60.
    moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=timezone.utc)
    fraction = int((found[7] or "")[:9].ljust(9, "0"))
    return _whole_seconds(moment) * _NANOSECONDS + fraction - _offset_seconds(found[8]) * _NANOSECONDS


def _offset_seconds(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _from_rfc3164(text: str, now: int) -> int | None:
    found = _RFC3164.fullmatch(text)
    if found is None or found[1] not in _MONTHS:
        return None
    month, day, hour, minute, second = _MONTHS.index(found[1]) + 1, *(int(part) for part in found.groups()[1:])
    today = _EPOCH + timedelta(seconds=now // _NANOSECONDS)
    moment = datetime(today.year, month, day, hour, minute, second, tzinfo=timezone.utc)
    if moment > today + timedelta(days=1):
        # December's line read in January.
        moment = moment.replace(year=today.year - 1)
    return _whole_seconds(moment) * _NANOSECONDS


def _whole_seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)
