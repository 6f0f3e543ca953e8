"""The pipeline that runs in the process of the tests, if one does: found, flushed and ended without importing it."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dt_otlp_logs import LogPipeline

_PIPELINE = "dt_otlp_logs.pipeline"
_SDK = "opentelemetry.sdk._logs"

# A flush begins with an attempt where one is overdue, so a long one is made of short ones.
_ONE_FLUSH_SECONDS = 0.2


def pipeline_module() -> Any:
    """The module that wires pipelines; None if nobody has imported it."""
    return sys.modules.get(_PIPELINE)


def running_pipeline() -> "LogPipeline | None":
    """The pipeline of this process; None if there is none."""
    module = pipeline_module()
    running: LogPipeline | None = None if module is None else module._running  # noqa: SLF001  # nobody else needs it
    return running


def flush(timeout_seconds: float, *, nothing_can_arrive: Callable[[], bool]) -> None:
    """Deliver what has been logged so far: until all is settled, the time is over, or it fails and has to."""
    deadline = time.monotonic() + timeout_seconds
    pipeline = running_pipeline()
    while pipeline is not None:
        left = max(deadline - time.monotonic(), 0.0)
        if pipeline.flush(min(left, _ONE_FLUSH_SECONDS)) or not left:
            break
        stats = pipeline.stats()
        if not stats.queued or (stats.held_up is not None and nothing_can_arrive()):
            break
    _flush_global_provider(pipeline, max(deadline - time.monotonic(), 0.0))


def _flush_global_provider(pipeline: "LogPipeline | None", timeout_seconds: float) -> None:
    sdk: Any = sys.modules.get(_SDK)
    if sdk is None:
        return
    from opentelemetry._logs import get_logger_provider

    provider = get_logger_provider()
    if isinstance(provider, sdk.LoggerProvider) and (pipeline is None or provider is not pipeline.provider):
        provider.force_flush(int(timeout_seconds * 1000))
