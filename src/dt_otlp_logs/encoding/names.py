"""Names of the items of one map."""

from collections.abc import Mapping


class Names:
    """Names of one map: what would take another's place gets a name of its own, as in Dynatrace, so none is lost.

    Source: "overwrittenN" of the OTLP log ingest's documentation on attributes with the same name.
    """

    __slots__ = ("_overwritten", "_taken")

    def __init__(self, taken: Mapping[str, object]) -> None:
        self._taken = taken
        self._overwritten: dict[str, int] = {}

    def free(self, name: str) -> str:
        """The name itself, or `overwritten1.<name>` and so on while another has it."""
        candidate = name
        while candidate in self._taken:
            # Counted on, not from 1 again: a map of the application's may say one name thousands of times.
            count = self._overwritten[name] = self._overwritten.get(name, 0) + 1
            candidate = f"overwritten{count}.{name}"
        return candidate
