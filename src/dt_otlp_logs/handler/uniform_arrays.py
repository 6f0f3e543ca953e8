"""Arrays of one kind, for OpenTelemetry before 1.45: others it replaces by nothing, and warns."""

from opentelemetry.util.types import AnyValue
from opentelemetry.version import __version__

from dt_otlp_logs.encoding.plain_value import plain_value
from dt_otlp_logs.handler.dict_message import json_text

_IS_NEEDED = tuple(map(int, __version__.split(".")[:2])) < (1, 45)


def attribute_value(value: object) -> AnyValue:
    """A value as plain as the OpenTelemetry that is installed takes it without loss."""
    plain = plain_value(value)
    return uniform(plain) if _IS_NEEDED else plain


def uniform(value: AnyValue) -> AnyValue:
    """A plain value whose arrays hold one kind of elements, made alike as Dynatrace does when it stores an array.

    Integers among floating-point numbers become such; of any other mixture all elements become text, JSON where they
    are none. None goes with every kind.
    Source: "Arrays" in the data model of the OTLP log ingest, docs.dynatrace.com.
    """
    if isinstance(value, dict):
        return {name: uniform(item) for name, item in value.items()}
    if not isinstance(value, list):
        return value
    elements = [uniform(element) for element in value]
    kinds = {type(element) for element in elements if element is not None}
    if len(kinds) <= 1:
        return elements
    if kinds == {int, float}:
        return [None if element is None else float(element) for element in elements]  # type: ignore[arg-type]
    return [None if element is None else _text(element) for element in elements]


def _text(element: AnyValue) -> str:
    text = json_text(element)
    # Bytes and numbers such as NaN, for which JSON has no form, are texts already.
    return element if isinstance(element, str) else text.strip('"') if isinstance(element, (bytes, float)) else text
