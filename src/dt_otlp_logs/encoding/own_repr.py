"""What the author of a class shows of its objects: what his `__repr__` hides (a password, mostly) stays hidden.

All of these raise what the value's own methods raise.
"""

import functools
import os
import sys
import weakref
from collections import UserString
from pathlib import Path
from types import MappingProxyType
from typing import Any

# The standard library's whose `str()` is that of what they stand for.
_PROXIES: tuple[Any, ...] = (MappingProxyType, *weakref.ProxyTypes)

_STANDARD_LIBRARY = Path(getattr(os, "__file__", "")).parent
_OTHERS_INSIDE = ("site-packages", "dist-packages")


def has_own_repr(kind: Any) -> bool:
    """Whether a class has a `__repr__` that is not the standard library's, and so may hide something."""
    method = kind.__repr__
    # A method written in C knows its class, another one its module.
    module = getattr(getattr(method, "__objclass__", method), "__module__", None)
    is_standard = isinstance(module, str) and _is_standard(module.partition(".")[0])
    return not is_standard or issubclass(kind, _PROXIES)


@functools.cache
def _is_standard(module: str) -> bool:
    if module in sys.builtin_module_names:
        return True
    # By its file as well: an application may have a package of its own called `profile` or `queue`.
    file = Path(getattr(sys.modules.get(module), "__file__", None) or "")
    if module not in sys.stdlib_module_names or _STANDARD_LIBRARY not in file.parents:
        return False
    return file.relative_to(_STANDARD_LIBRARY).parts[0] not in _OTHERS_INSIDE


def shown_text(value: Any, kind: Any, shown: str | None = None) -> str:
    """What `str()` says, unless a `__repr__` of the class's own does not show that: then what the `__repr__` says.

    So `Secret('***')` stays so although its `str()` is the secret, while `URL('https://a.example')` is read without its
    frame. A `__repr__` that says no more than Python's own hides nothing. `shown`: the repr, if it is known already.
    """
    if issubclass(kind, UserString) and not has_own_repr(kind):
        value, kind = value.data, type(value.data)  # by whose repr it shows itself
    if kind.__str__ is object.__str__:
        return str.__str__(str(value)) if shown is None else shown
    said = str.__str__(str(value))
    hiding = hiding_repr(value, kind, said, shown)
    return said if hiding is None or hiding == object.__repr__(value) else hiding


def hiding_repr(value: object, kind: Any, text: str, shown: str | None = None) -> str | None:
    """What a `__repr__` of the class's own says, if this text of the value does not stand in it."""
    if shown is None:
        if not has_own_repr(kind):
            return None
        shown = str.__str__(repr(value))
    return None if _stands_in(text, shown) else shown


def hidden_text(value: Any, kind: Any) -> str | None:
    """What the `__repr__` of a text or of bytes says, if it hides them; None of anything else."""
    if issubclass(kind, str):
        return hiding_repr(value, kind, str.__str__(value))
    if issubclass(kind, (bytes, bytearray)) and has_own_repr(kind):
        return hiding_repr(value, kind, repr(bytes(value)))
    return None


def enum_value(value: Any, kind: Any) -> Any:
    """The value of an `Enum` if that is text or a number and not hidden, else its name."""
    plain = value._value_  # `value` may be the application's
    name = value._name_
    if not isinstance(plain, (str, int, float)):
        return name
    # One that is a text or number itself hides nothing by its repr; what has no name is a number made of flags.
    is_shown = issubclass(kind, (str, int, float)) or name is None or hiding_repr(value, kind, str(plain)) is None
    return plain if is_shown else name


def _stands_in(text: str, shown: str) -> bool:
    """Whether the text, as it is or escaped, is in what is shown, and not as a part of some other word."""
    if not text:
        return True
    for form in (text, repr(text)[1:-1]):
        before, found, after = shown.partition(form)
        if found and not (before[-1:].isalnum() or after[:1].isalnum()):
            return True
    return False
