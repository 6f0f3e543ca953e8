"""One input of the table: the call an application makes, and the record that the documentation says is stored."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry._logs import Logger, LoggerProvider
from opentelemetry.version import __version__

KEEPS_MIXED_ARRAYS = tuple(map(int, __version__.split(".")[:2])) >= (1, 45)
"""Whether OpenTelemetry takes arrays of different kinds of elements; 1.44 makes them None before anyone sees them."""

KEY = "case"
"""The attribute by which a stored record is found again: the row's id."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a row calls: a logger with our handler, or OpenTelemetry's own logger of the same provider."""

    log: logging.Logger
    otel: Logger
    provider: LoggerProvider
    case: str

    def extra(self, **attributes: Any) -> dict[str, Any]:
        return {KEY: self.case, **attributes}


@dataclass(frozen=True, slots=True)
class Check:
    """A stored value that is not written down whole: what has to hold of it, in words."""

    words: str
    holds: Callable[[Any], bool]

    def __eq__(self, other: object) -> bool:
        return bool(self.holds(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.words}>"


@dataclass(frozen=True, slots=True)
class Row:
    """`expected` holds values as OpenTelemetry has them; `documented.py` says how Dynatrace keeps those."""

    id: str
    call: Callable[[Source], object]
    expected: Mapping[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    prints: bool = False
    """Whether logging's handleError prints: the call is one that no handler can carry out."""
    holds: Callable[[dict[str, Any]], object] | None = None
    """What else has to hold of the whole stored record."""


ANYTHING = Check("anything", lambda _: True)
SOME_TEXT = Check("a text that is not empty", lambda value: isinstance(value, str) and bool(value))


def has(*parts: str) -> Check:
    """A text with these parts, in this order."""
    pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
    return Check(f"a text with {parts}", lambda value: isinstance(value, str) and pattern.search(value) is not None)


def one_of(*values: Any) -> Check:
    return Check(f"one of {values}", lambda value: value in values)


def message(text: str, expected: Mapping[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"content": text, **(expected or {}), **fields}


def extra(id_: str, make: Callable[[], Any], expected: Any, **fields: Any) -> Row:
    """A value given to logging by `extra`, made at the call."""
    return Row(
        f"extra-{id_}",
        lambda source: source.log.info("kept", extra=source.extra(value=make())),
        {"content": "kept", "value": expected},
        **fields,
    )


def body(id_: str, value: Any, expected: Any, **fields: Any) -> Row:
    """A body that another source of OpenTelemetry emits."""
    return Row(
        f"body-{id_}",
        lambda source: source.otel.emit(body=value, attributes=source.extra()),
        {"content": expected} if not isinstance(expected, dict) else expected,
        **fields,
    )


def attribute(id_: str, value: Any, expected: Any, **fields: Any) -> Row:
    """An attribute that another source of OpenTelemetry emits."""
    return Row(
        f"attribute-{id_}",
        lambda source: source.otel.emit(body="kept", attributes=source.extra(value=value)),
        {"content": "kept", "value": expected},
        **fields,
    )
