"""Objects with fields, and those of numpy, pandas and pydantic, as something simpler. Imports none of these libraries.

Whoever has a value of a library has imported it, so its classes are found in `sys.modules`. Only the fields that a
generated `__repr__` shows are taken: a class whose author wrote it, or wants none, is not taken apart (`own_repr`).
"""

import dataclasses
import sys
from collections.abc import Callable, Iterable
from typing import Any

from .own_repr import shown_text

# Dynatrace keeps 32 values of an array (log ingest limits, docs.dynatrace.com).
_MOST_ARRAY_ELEMENTS = 32
_FIRST_ARRAY_ELEMENTS = 8
_MOST_FRAME_CHARACTERS = 4_096

_OF_PYDANTICS_REPR = ("__repr__", "__repr_args__", "__repr_str__")


def simplified(value: Any, kind: Any) -> Any:
    """A simpler object that says the same; the value itself if it is none of those known here.

    Raises what the value's own methods raise. The answer may hold objects that have to be looked at in turn.
    """
    for simplify in (_named_tuple, _dataclass, _attrs, _pydantic, _numpy, _pandas):
        simpler = simplify(value, kind)
        if simpler is not value:
            return simpler
    return value


def has_fields(kind: Any) -> bool:
    """Whether a class is a dataclass or one of attrs."""
    return hasattr(kind, "__dataclass_fields__") or getattr(kind, "__attrs_attrs__", None) is not None


def _named_tuple(value: Any, kind: Any) -> object:
    if not issubclass(kind, tuple) or not hasattr(kind, "_fields"):
        return value
    if getattr(kind.__repr__, "__module__", None) != "collections":
        return shown_text(value, kind)
    return dict(zip(kind._fields, value, strict=False))


def _dataclass(value: Any, kind: Any) -> object:
    if not hasattr(kind, "__dataclass_fields__"):
        return value
    # The one that is generated has no file, and guards against recursion.
    author = _author_of_repr(kind)
    code = getattr(getattr(kind.__repr__, "__wrapped__", None), "__code__", None)
    if code is None or code.co_filename != "<string>" or "__dataclass_fields__" not in vars(author):
        return shown_text(value, kind)
    return _fields(value, ((field.name, field.repr) for field in dataclasses.fields(author)))


def _attrs(value: Any, kind: Any) -> object:
    # https://www.attrs.org: `__attrs_attrs__` is public; a field's `repr` may be a function that shows it differently.
    if getattr(kind, "__attrs_attrs__", None) is None:
        return value
    attributes = vars(_author_of_repr(kind)).get("__attrs_attrs__")
    code = getattr(kind.__repr__, "__code__", None)
    if attributes is None or code is None or not code.co_filename.startswith("<attrs generated"):
        return shown_text(value, kind)
    return _fields(value, ((field.name, field.repr) for field in attributes))


def _pydantic(value: Any, kind: Any) -> object:
    for model in (_class("pydantic.main", "BaseModel"), _class("pydantic.v1.main", "BaseModel")):
        if model is None or not issubclass(kind, model):
            continue
        if any(getattr(kind, name) is not getattr(model, name) for name in _OF_PYDANTICS_REPR):
            return shown_text(value, kind)
        if hasattr(kind, "model_fields"):
            shown = [(name, field.repr and not field.exclude) for name, field in kind.model_fields.items()]
            return {**_fields(value, shown), **(value.model_extra or {}), **_computed(value, kind)}
        return _fields(value, ((name, field.field_info.repr) for name, field in kind.__fields__.items()))
    return value


def _computed(value: Any, kind: Any) -> dict[str, object]:
    computed = kind.model_computed_fields
    if isinstance(computed, property):  # before pydantic 2.11
        computed = value.model_computed_fields
    return {name: _attribute_or_error(value, name) for name, field in computed.items() if field.repr}


def _attribute_or_error(value: object, name: str) -> object:
    try:
        return getattr(value, name)
    except Exception as error:  # noqa: BLE001 - the application's code
        return error


def _author_of_repr(kind: Any) -> type:
    """The class that `__repr__` was made for: a child without one of its own shows what its parent's shows."""
    return [base for base in kind.__mro__ if vars(base).get("__repr__") is kind.__repr__][-1]  # type: ignore[no-any-return]


def _fields(value: object, shown: Iterable[tuple[str, bool | Callable[[object], str]]]) -> dict[str, object]:
    fields = {}
    for name, how in shown:
        if not how:
            continue
        try:
            field = getattr(value, name)
        except AttributeError:
            continue  # a field with `init=False` that was not set yet
        fields[name] = how(field) if callable(how) else field
    return fields


def _numpy(value: Any, kind: Any) -> object:
    scalar, array = _class("numpy", "generic"), _class("numpy", "ndarray")
    if array is not None and issubclass(kind, array):
        return _array(value)
    if scalar is None or not issubclass(kind, scalar):
        return value
    if value.dtype.kind in "mM":  # dates: item() may be a bare number of nanoseconds
        text = str(value)
        return None if text == "NaT" else text
    plain = value.item()
    return str(value) if isinstance(plain, (scalar, complex)) else plain  # numpy's longdouble answers itself


def _array(value: Any) -> object:
    is_small = value.size <= _MOST_ARRAY_ELEMENTS
    shown = value if is_small else value.flat[:_FIRST_ARRAY_ELEMENTS]
    elements = (shown.astype(str) if value.dtype.kind in "mM" else shown).tolist()
    if is_small:
        return elements
    texts = ", ".join(shown_text(element, type(element)) for element in elements)
    return f"array of shape {value.shape}, {value.dtype}: {texts}, ..."


def _pandas(value: Any, kind: Any) -> object:
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return value
    if value is getattr(pandas, "NA", pandas):
        return None
    frames = tuple(found for name in ("DataFrame", "Series", "Index") if (found := _class("pandas", name)) is not None)
    if not issubclass(kind, frames):
        return value
    text = str(value)
    if len(text) <= _MOST_FRAME_CHARACTERS:
        return text
    # At the end of a line: within a cell it could be within what `redact` has to find.
    kept = text.rfind("\n", 0, _MOST_FRAME_CHARACTERS) + 1
    return f"{text[:kept]}...[{len(text) - kept} more characters]"


def _class(module: str, name: str) -> type | None:
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None
