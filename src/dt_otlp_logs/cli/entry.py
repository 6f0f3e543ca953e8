"""What was read: one record, before it becomes OpenTelemetry's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dt_otlp_logs.cli.levels import Level


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the input. Without a time of its own `time_unix_nano` is None; without a level, `level`."""

    content: str
    time_unix_nano: int | None = None
    level: Level | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    trace_id: int = 0
    span_id: int = 0
