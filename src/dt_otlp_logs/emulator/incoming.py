"""A log record as it came, in one form for both ingest paths, before the server does anything to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

# None, bool, int, float, str, bytes, list and dict of the same: what both wire formats can carry.
Value: TypeAlias = Any
Pairs: TypeAlias = Sequence[tuple[str, Value]]
Route: TypeAlias = Literal["otlp", "json"]


class ExactFloat(float):
    """A number of a JSON text, with its digits: a time stamp in seconds has more of them than a float keeps."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


@dataclass(frozen=True, slots=True)
class IncomingRecord:
    """One record; attributes as pairs, because OTLP lets a key come twice.

    A JSON event (`is_event`) has everything in `attributes` and no body. `resource` and `scope` are the same
    object for all records of one resource and scope, so work on them can be shared.
    """

    attributes: Pairs
    resource: Pairs = ()
    scope: Pairs = ()
    body: Value = None
    time_unix_nano: int = 0
    severity_text: str = ""
    severity_number: int = 0
    trace_id: str = ""
    span_id: str = ""
    is_event: bool = False


@dataclass(frozen=True, slots=True)
class IncomingBatch:
    """All records of one request, and their size once shared attributes are copied onto each of them."""

    records: Sequence[IncomingRecord]
    preprocessed_bytes: int
    ingest_format: str
