"""Words for a value that OTLP has no form for. Nothing here raises, whatever the value does."""

import collections
import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import uuid

from .own_repr import shown_text

# Their str() is what a person would write; repr() would add the constructor's name.
SAY_THEMSELVES = (
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    pathlib.PurePath,
    dt.timedelta,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    collections.UserString,
)
_PATHS = (pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)
# These hide nothing; a class derived from them may.
_OPEN_CLASSES = frozenset((*SAY_THEMSELVES, *_PATHS)) - {collections.UserString}
_DATES_AND_TIMES = (dt.datetime, dt.date, dt.time)


def safe_text(value: object) -> str:
    """A plain `str` that says what the value is: ISO 8601 for dates and times, else its repr.

    It may be long: whoever sends it redacts it first and then cuts it.
    If the value cannot even be shown, the text says so and names its type.
    """
    try:
        return _plain(_text(value))
    except Exception as error:  # noqa: BLE001 - __repr__ and its kin are the application's code
        return f"<{type_name(value)} that cannot be shown: {type_name(error)}>"


def _text(value: object) -> object:
    if isinstance(value, _DATES_AND_TIMES):
        return value.isoformat()
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, SAY_THEMSELVES):
        return said_by_itself(value, type(value))
    return repr(value)


def said_by_itself(value: object, kind: type) -> str:
    """What one of `SAY_THEMSELVES` says, unless its class hides that. Raises what the value's own methods raise."""
    return str(value) if kind in _OPEN_CLASSES else shown_text(value, kind)


def _integer_text(value: int) -> str:
    # Beyond some thousand digits Python refuses decimal text (sys.set_int_max_str_digits); hex has no such limit.
    number = int.__index__(value)
    return str(number) if number.bit_length() < 10_000 else hex(number)


def _plain(text: object) -> str:
    # str's own method: a subclass may have its own idea of it.
    return str.__str__(text) if isinstance(text, str) else f"<{type_name(text)}, not a text>"


def type_name(value: object) -> str:
    """The name of a value's class, even if its metaclass would rather not say."""
    try:
        # type's own descriptor: a metaclass may define __name__ as it likes.
        return str(type.__dict__["__name__"].__get__(type(value)))
    except Exception:  # noqa: BLE001 - out of stack or memory
        return "object"
