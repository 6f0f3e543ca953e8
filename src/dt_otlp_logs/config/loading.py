"""Reading all settings once: values, where each came from, and every problem met on the way."""

import difflib
from collections.abc import Mapping
from typing import Any

from dt_otlp_logs.config.masking import escape, mask, shown
from dt_otlp_logs.config.problem import BadValueError, Origin, Problem
from dt_otlp_logs.config.setting import Given, Setting
from dt_otlp_logs.config.settings import BY_KEY, OWN_PREFIX, SETTINGS

# Names that other tools and older samples use for what is DT_ENDPOINT and DT_API_TOKEN here.
_LOOK_ALIKES = {
    "endpoint": ("DT_API_URL", "DT_URL", "DT_ENDPOINT_URL", "DT_TENANT", "DT_TENANT_URL", "DYNATRACE_ENDPOINT",
                 "DYNATRACE_URL", "DYNATRACE_API_URL", "DYNATRACE_ENV_URL"),
    "api_token": ("DT_TOKEN", "DT_APITOKEN", "DT_INGEST_TOKEN", "DYNATRACE_API_TOKEN", "DYNATRACE_TOKEN",
                  "DYNATRACE_ACCESS_KEY"),
}  # fmt: skip


class Loading:
    """One pass over the settings given in code and the environment; gathers instead of raising."""

    def __init__(self, settings: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.environ = environ
        self.problems: list[Problem] = []
        self._origins: dict[str, Origin] = {}
        self._notes: dict[str, None] = {}

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The settings that are fine, in the order of the table."""
        return tuple(self._origins[setting.key] for setting in SETTINGS if setting.key in self._origins)

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be said once."""
        return tuple(self._notes)

    def note(self, text: str) -> None:
        """Keep something to be said once."""
        self._notes[text] = None

    def find(self, key: str) -> Given | None:
        """Answer what was given for a setting, and where."""
        return BY_KEY[key].find(self.settings, self.environ, self.note)

    def read(self, key: str) -> Any:
        """Answer a setting's value: given in code, in the environment, or its default."""
        setting = BY_KEY[key]
        given = self.find(key)
        if given is None:
            self.came_from(key, setting.default, "default")
            return setting.default
        return self.parse(setting, given)

    def parse(self, setting: Setting, given: Given) -> Any:
        """Answer *given* as the setting's value; a bad one becomes a problem and the default stands in."""
        try:
            value = setting.read(given)
        except BadValueError as bad:
            for one in (bad, *bad.others):
                found = shown(given.value) if one.found is None else one.found
                self.refuse(setting.key, given.source, found, one.expected)
            return setting.default
        self.came_from(setting.key, value, given.source)
        return value

    def came_from(self, key: str, value: object, source: str) -> None:
        """Keep where a value came from, in the form it may be shown."""
        if not self.refused(key):
            self._origins[key] = Origin(key, BY_KEY[key].show(value), source)

    def refuse(self, key: str, source: str, found: str, expected: str) -> None:
        """Keep a problem."""
        self._origins.pop(key, None)
        self.problems.append(Problem(key, source, found, expected))

    def refused(self, key: str) -> bool:
        """Tell whether a setting has a problem already."""
        return any(problem.key == key for problem in self.problems)

    def missing(self, key: str, expected: str) -> None:
        """Keep the problem that a setting without a default is not set, with a hint where one can be given."""
        variables = BY_KEY[key].variables
        empty = [name for name in variables if name in self.environ]
        source = f"not set ({empty[0]} is empty)" if empty else "not set"
        others = [name for name in _LOOK_ALIKES[key] if self.environ.get(name, "").strip()]
        hint = f" ({others[0]} is set, but is not read)" if others else ""
        self.refuse(key, source, "", f"{variables[0]}={expected}{hint}")

    def check_names(self) -> None:
        """Refuse unknown keywords; note unknown environment variables, which may be meant for another version."""
        for key in self.settings:
            if key not in BY_KEY:
                self.refuse(escape(mask(str(key))), "not a setting", "", _closest(str(key), list(BY_KEY)))
        known = [name for setting in SETTINGS for name in setting.variables]
        for name in sorted(self.environ):
            if name.startswith(OWN_PREFIX) and name not in known:
                own = [variable for variable in known if variable.startswith(OWN_PREFIX)]
                self.note(f"{shown(name)} is not a setting; expected {_closest(name, own)}")


def _closest(name: str, known: list[str]) -> str:
    matches = difflib.get_close_matches(name.replace("-", "_"), known, n=1, cutoff=0.6)
    return f"a known name; did you mean {matches[0]}?" if matches else f"one of {', '.join(known)}"
