"""What is read of values of the application's own types, and of those of numpy and pandas."""

from collections import UserString
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum

from .own_repr import hidden_text
from .wire import INT64_MAX, INT64_MIN


def plain_scalar(value: object) -> object:
    """The exact built-in value of a subclass, read past whatever the subclass overrides. None if it is none."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        number = int.__index__(value)
        return number if INT64_MIN <= number <= INT64_MAX else None
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return memoryview(value).tobytes()
    return None


def hiding_text(value: object) -> str | None:
    """What the `__repr__` of a text or of bytes says, if it hides them.

    One that raises hides nothing, nor does that of an `Enum`, whose members are texts only by the way.
    """
    kind = type(value)
    try:
        return None if issubclass(kind, Enum) else hidden_text(value, kind)
    except Exception:  # noqa: BLE001 - __repr__ is the application's code
        return None


def scalar_item(value: object) -> object:
    """The plain value of a numpy or pandas scalar: something that has a dtype, no dimensions, and `item()`."""
    kind = type(value)
    item: Callable[[object], object] | None = getattr(kind, "item", None)
    if item is None or not hasattr(kind, "dtype") or getattr(value, "shape", ()) != ():
        return None
    plain = item(value)
    # A numpy datetime64 of nanoseconds would become a bare number; other things could return themselves.
    is_date = getattr(getattr(value, "dtype", None), "kind", "") in {"M", "m"}
    return None if is_date or type(plain) not in {bool, int, float, str, bytes} else plain


def is_container(value: object) -> bool:
    """Whether a value is a list, a map or a set of some kind. A `UserString` is a sequence of itself."""
    return isinstance(value, (Sequence, Mapping, AbstractSet)) and not isinstance(value, UserString)


def pairs_of(value: Mapping[object, object]) -> Iterable[tuple[object, object]]:
    """The items of a map. A copy of a dict cannot change while it is read."""
    return value.copy().items() if type(value) is dict else value.items()


def elements_of(value: object) -> Iterable[object]:
    """The elements of a list, a set or the like."""
    return value.copy() if type(value) is list else value  # type: ignore[return-value]
