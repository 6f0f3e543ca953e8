"""Python logs to Dynatrace: OTLP with a JSON-ingest fallback, every record accounted for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("dt-otlp-logs")
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
