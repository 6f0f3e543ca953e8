"""What is wrong with a configuration: every problem at once, each with its key, source and expectation."""

from dataclasses import dataclass


class BadValueError(ValueError):
    """One value cannot be used. Raised by the parsers; `load_config` gathers them into a `ConfigError`."""

    def __init__(self, expected: str, found: str | None = None, others: tuple["BadValueError", ...] = ()) -> None:
        super().__init__(expected, found, others)
        self.expected = expected
        self.found = found  # masked already; None: the value may be shown as it is
        self.others = others  # what else is wrong, where the value is a list

    def __str__(self) -> str:
        return f"expected {self.expected}" + (f", found {self.found}" if self.found else "")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a person has to change; `found` is masked, shortened and safe for a terminal."""

    key: str
    source: str
    found: str
    expected: str

    def __str__(self) -> str:
        if not self.found:
            return f"{self.key} is {self.source}; expected {self.expected}"
        place = "in code" if self.source == "argument" else f"from {self.source}"
        return f"{self.key} is {self.found} ({place}); expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one setting's value came from; `shown` never holds a secret."""

    key: str
    shown: str
    source: str


class ConfigError(ValueError):
    """The configuration cannot be used.

    `problems` holds all that is wrong, not only the first; `str()` is one line for each. `origins` holds the
    settings that are fine, `notes` what else is worth knowing.
    """

    def __init__(
        self, problems: tuple[Problem, ...], origins: tuple[Origin, ...] = (), notes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(problems, origins, notes)
        self.problems = problems
        self.origins = origins
        self.notes = notes

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
