"""Objects with fields, and those of numpy, pandas and pydantic, as something simpler. Imports none of these libraries.

Whoever has a value of a library has imported it, so its classes are found in `sys.modules`.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .safe_text import type_name

# Dynatrace keeps 32 values of an array (log ingest limits, docs.dynatrace.com).
_MOST_ARRAY_ELEMENTS = 32
_FIRST_ARRAY_ELEMENTS = 8
_MOST_FRAME_CHARACTERS = 4_096

# As many as `plain_value` takes from one value, and more levels than it shows.
_MOST_MODEL_CONTAINERS = 16_384
_DEEPEST_MODEL = 32


def simplified(value: Any, kind: Any) -> Any:
    """A simpler object that says the same; the value itself if it is none of those known here.

    Raises what the value's own methods raise. The answer may hold objects that have to be looked at in turn.
    """
    for simplify in (_named_tuple, _dataclass, _attrs, _pydantic, _numpy, _pandas):
        simpler = simplify(value, kind)
        if simpler is not value:
            return simpler
    return value


def _named_tuple(value: Any, kind: Any) -> object:
    return (
        dict(zip(kind._fields, value, strict=False)) if issubclass(kind, tuple) and hasattr(kind, "_fields") else value
    )


def _dataclass(value: Any, kind: Any) -> object:
    if not hasattr(kind, "__dataclass_fields__"):
        return value
    return _fields(value, ((field.name, field.repr) for field in dataclasses.fields(kind)))


def _attrs(value: Any, kind: Any) -> object:
    # https://www.attrs.org: `__attrs_attrs__` is public; a field's `repr` may be a function that shows it differently.
    attributes = getattr(kind, "__attrs_attrs__", None)
    return value if attributes is None else _fields(value, ((field.name, field.repr) for field in attributes))


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


def _pydantic(value: Any, kind: Any) -> object:
    model = _class("pydantic.main", "BaseModel")
    if model is not None and issubclass(kind, model) and hasattr(kind, "model_dump"):
        try:
            hidden = _hidden(value, model, iter(range(_MOST_MODEL_CONTAINERS)), _DEEPEST_MODEL)
        except _TooMuchError:
            return f"<{type_name(value)} beyond what one value may hold>"
        return kind.model_dump(value, warnings=False, exclude=hidden)
    for older in (model, _class("pydantic.v1.main", "BaseModel")):
        if older is not None and issubclass(kind, older):
            return kind.dict(value, exclude={name for name, field in _v1_fields(kind) if not field.field_info.repr})
    return value


def _v1_fields(kind: Any) -> Iterable[tuple[str, Any]]:
    return kind.__fields__.items()  # type: ignore[no-any-return]


class _TooMuchError(Exception):
    """A model has too many parts, or holds itself: neither a dump nor a `repr` might come to an end."""


def _hidden(value: Any, model: type, allowance: Iterator[int], levels_left: int) -> dict[object, object]:
    """What to exclude from a dump: fields with `repr=False`, also of models inside this one."""
    if not levels_left:
        raise _TooMuchError
    hidden: dict[object, object] = {}
    items: Iterable[tuple[object, object]]
    if isinstance(value, model):
        hidden = {name: True for name, field in type(value).model_fields.items() if not field.repr}  # type: ignore[attr-defined]
        items = vars(value).items()
    else:
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in items:
        if name not in hidden and isinstance(item, (model, dict, list, tuple)):
            if next(allowance, None) is None:
                raise _TooMuchError
            deeper = _hidden(item, model, allowance, levels_left - 1)
            if deeper:
                hidden[name] = deeper
    return hidden


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
    return f"array of shape {value.shape}, {value.dtype}: {', '.join(map(str, elements))}, ..."


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
    left_out = len(text) - _MOST_FRAME_CHARACTERS
    return text if left_out <= 0 else f"{text[:_MOST_FRAME_CHARACTERS]}...[{left_out} more characters]"


def _class(module: str, name: str) -> type | None:
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None
