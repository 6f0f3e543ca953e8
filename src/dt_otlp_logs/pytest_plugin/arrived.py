"""A record that arrived, the conditions it is looked for by, and both in words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_FIELDS = ("content", "loglevel", "status", "timestamp", "trace_id", "span_id")
# Where the record was made, and what Dynatrace adds: on every record, and seldom what a test is about.
_NOT_SHOWN = (
    *("cloud.", "code.", "container.", "dt.", "exception.stacktrace", "host.", "k8s.", "os.", "otel.", "process."),
    *("service.instance.", "telemetry.", "thread."),
)
_LONGEST_CONTENT = 200
_LONGEST_VALUE = 60
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class ArrivedRecord:
    """A record as Dynatrace would show it. Its repr is one line, with tokens masked."""

    content: str
    loglevel: str
    status: str
    timestamp: str
    """RFC 3339, UTC."""
    trace_id: str | None
    span_id: str | None
    attributes: Mapping[str, Any]
    """All other fields: of the record, its scope and its resource, and what Dynatrace adds."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ArrivedRecord":
        """The record that the emulator stored."""
        fields: Mapping[str, Any] = {name: stored.get(name) for name in _FIELDS}
        others = {name: value for name, value in stored.items() if name not in _FIELDS}
        return cls(**fields, attributes=MappingProxyType(others))

    def value(self, name: str) -> Any:
        """The field or attribute of that name; an object equal to nothing else if there is none."""
        value = getattr(self, name) if name in _FIELDS else self.attributes.get(name, _ABSENT)
        return _ABSENT if value is None else value

    def __repr__(self) -> str:
        parts = [f"{self.loglevel:<5}", _short(self.content, _LONGEST_CONTENT)]
        shown = [name for name in self.attributes if not name.startswith(_NOT_SHOWN)]
        parts += [f"{name}={_short(self.attributes[name], _LONGEST_VALUE)}" for name in shown]
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which records are meant: all that is given has to hold, and nothing given means every record."""

    content: str | None
    loglevel: str | None
    pattern: str | re.Pattern[str] | None
    attributes: Mapping[str, Any]

    def __call__(self, record: ArrivedRecord) -> bool:
        """Whether a record fits."""
        if self.content is not None and self.content not in record.content:
            return False
        if self.loglevel is not None and self.loglevel.upper() != record.loglevel:
            return False
        if self.pattern is not None and re.search(self.pattern, record.content) is None:
            return False
        return all(record.value(name) == value for name, value in self.attributes.items())

    def __str__(self) -> str:
        parts = []
        if self.content is not None:
            parts.append(f"{_short(self.content, _LONGEST_CONTENT)}")
        if self.loglevel is not None:
            parts.append(f"loglevel={self.loglevel.upper()}")
        if self.pattern is not None:
            pattern = self.pattern.pattern if isinstance(self.pattern, re.Pattern) else self.pattern
            parts.append(f"matching {_short(pattern, _LONGEST_CONTENT)}")
        parts += [f"{name}={_short(value, _LONGEST_VALUE)}" for name, value in self.attributes.items()]
        return ", ".join(parts)


def without_tokens(text: str) -> str:
    """The text with every token masked."""
    from dt_otlp_logs.config.masking import mask

    # In pieces: before an @ there may be the user name of a URL, and `mask` would take all of the text for one.
    return "@".join(mask(piece) for piece in text.split("@"))


def _short(value: object, longest: int) -> str:
    text = repr(value)
    return without_tokens(text if len(text) <= longest else f"{text[: longest - 4]}...{text[-1]}")
