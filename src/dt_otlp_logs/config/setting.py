"""One setting of the table: its key, where it is read from, how it is read, and how it is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dt_otlp_logs.config.masking import escape, mask
from dt_otlp_logs.config.problem import BadValueError


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was found, and the name of the place where it was found."""

    value: object
    source: str
    note: Callable[[str], None]

    @property
    def from_otel(self) -> bool:
        """Whether it came from one of OpenTelemetry's own variables."""
        return self.source.startswith("OTEL_")


def _plainly(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}"
    return f"{value:g}" if isinstance(value, float) else escape(mask(str(value)))


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings table; `variables` are looked at in order, the first that is not blank wins."""

    key: str
    variables: tuple[str, ...]
    read: Callable[[Given], Any]
    default: Any
    description: str
    show: Callable[[Any], str] = _plainly

    def find(
        self, settings: Mapping[str, object], environ: Mapping[str, str], note: Callable[[str], None]
    ) -> Given | None:
        """Answer the value given in code, or else in the environment; `None` when there is none.

        OpenTelemetry's specification has an empty variable count as one that is not set. An empty text given
        in code is a mistake, and is left for `read` to refuse.
        """
        if settings.get(self.key) is not None:
            return Given(settings[self.key], "argument", note)
        for name in self.variables:
            if (value := environ.get(name, "")).strip():
                return Given(value, name, note)
        return None


def choice(*allowed: str) -> Callable[[Given], str]:
    """Make a reader for one of a few words; case and `-` against `_` do not matter."""
    by_spelling = {word.replace("-", "_"): word for word in allowed}

    def read(given: Given) -> str:
        spelling = str(given.value).strip().lower().replace("-", "_")
        if spelling not in by_spelling:
            raise BadValueError(f"one of {', '.join(allowed)}")
        return by_spelling[spelling]

    return read
