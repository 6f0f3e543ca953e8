"""A message that is a dict: its items are attributes, one of them the text to read."""

import base64
import json
import logging
import math
from collections.abc import Mapping
from typing import Any

from opentelemetry.util.types import AnyValue

from dt_otlp_logs.encoding.plain_value import plain_value

# In this order; structlog writes `event`, the others are what JSON formatters and shippers look for.
_CONTENT_NAMES = ("message", "msg", "event", "content", "body", "text")


def dict_message(record: logging.LogRecord) -> dict[str, AnyValue] | None:
    """The items of a record's message if it is a mapping without arguments, as they are at this moment."""
    message = record.msg
    if type(message) is str or record.args or not issubclass(type(message), Mapping):
        return None
    items = plain_value(message)
    return items if isinstance(items, dict) else None


def take_content(items: dict[str, AnyValue]) -> str:
    """The text of a dict message, taken out of its items; without any text, all of the items as compact JSON."""
    for name in _CONTENT_NAMES:
        text = items.get(name)
        if isinstance(text, str) and text:
            del items[name]
            return text
    return json_text(items)


def json_text(value: AnyValue) -> str:
    """A plain value as compact JSON."""
    return json.dumps(_valid(value), ensure_ascii=False, separators=(",", ":"))


def take_exception(record: logging.LogRecord, items: dict[str, AnyValue]) -> object:
    """What a dict message gives as `exc_info`, as structlog's do, taken out of its items; None if that is no exception.

    It may be all that `exc_info` of a logging call may be: an exception, a tuple, True.
    """
    if "exc_info" not in items:
        return None
    try:
        given = record.msg["exc_info"]  # type: ignore[index]  # it was a mapping a moment ago
    except Exception:  # noqa: BLE001  # a mapping of the application's own making
        return None
    if given is not True and not issubclass(type(given), (BaseException, tuple)):
        return None
    del items["exc_info"]
    return given


def _valid(value: Any) -> Any:
    """JSON has no words for NaN and infinities, nor for bytes, which Dynatrace shows as Base64."""
    if isinstance(value, dict):
        return {name: _valid(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_valid(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
