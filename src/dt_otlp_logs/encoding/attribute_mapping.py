"""Attributes as an application may hand them over, as a dict of our own."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from opentelemetry.attributes import BoundedAttributes

from .any_value import ValueEncoder
from .safe_text import safe_text

# A mapping of the application's own making may never end. Dynatrace keeps 500 attributes of a record.
_MAX_FOREIGN_ATTRIBUTES = 10_000


def plain_mapping(attributes: object, values: ValueEncoder) -> dict[Any, Any]:
    """A copy that nobody changes meanwhile. What cannot be read is one attribute that says so, counted as replaced."""
    if type(attributes) is BoundedAttributes:
        # Its items() takes a lock and a Python call for every key.
        return attributes.copy()  # type: ignore[return-value]
    if type(attributes) is dict:
        return attributes.copy()
    if attributes is None:
        return {}
    try:
        if isinstance(attributes, Mapping):
            pairs = list(islice(iter(attributes.items()), _MAX_FOREIGN_ATTRIBUTES + 1))
            if len(pairs) > _MAX_FOREIGN_ATTRIBUTES:
                values.replaced += 1
                pairs.pop()
            return dict(pairs)
    except Exception:  # noqa: BLE001 - the mapping is the application's own
        pass
    values.replaced += 1
    return {"attributes": safe_text(attributes)}
