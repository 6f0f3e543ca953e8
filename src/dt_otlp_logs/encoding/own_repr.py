"""What the author of a class shows of its objects: what his `__repr__` hides (a password, mostly) stays hidden.

All of these raise what the value's own methods raise.
"""

import sys
import weakref
from types import MappingProxyType
from typing import Any

# The standard library's whose `str()` is that of what they stand for.
_PROXIES: tuple[Any, ...] = (MappingProxyType, *weakref.ProxyTypes)


def has_own_repr(kind: Any) -> bool:
    """Whether a class has a `__repr__` that is not the standard library's, and so may hide something."""
    method = kind.__repr__
    # A method written in C knows its class, another one its module.
    module = getattr(getattr(method, "__objclass__", method), "__module__", None)
    is_standard = isinstance(module, str) and module.partition(".")[0] in sys.stdlib_module_names
    return not is_standard or issubclass(kind, _PROXIES)


def shown_text(value: object, kind: Any) -> str:
    """What `str()` says, unless a `__repr__` of the class's own does not show that: then what the `__repr__` says.

    So `Secret('***')` stays so although its `str()` is the secret, while `URL('https://a.example')` is read without its
    frame. A `__repr__` that says no more than Python's own hides nothing.
    """
    said = str.__str__(str(value))
    if kind.__str__ is object.__str__:
        return said
    hiding = hiding_repr(value, kind, said)
    return said if hiding is None or hiding == object.__repr__(value) else hiding


def hiding_repr(value: object, kind: Any, text: str) -> str | None:
    """What a `__repr__` of the class's own says, if this text of the value does not stand in it."""
    if not has_own_repr(kind):
        return None
    shown = str.__str__(repr(value))
    return None if _stands_in(text, shown) else shown


def _stands_in(text: str, shown: str) -> bool:
    """Whether the text, as it is or escaped, is in what is shown, and not as a part of some other word."""
    if not text:
        return True
    for form in (text, repr(text)[1:-1]):
        before, found, after = shown.partition(form)
        if found and not (before[-1:].isalnum() or after[:1].isalnum()):
            return True
    return False
