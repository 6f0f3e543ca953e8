"""What OpenTelemetry has become of in this process: its provider, the exporter on it, the handlers that feed it."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from opentelemetry._logs import get_logger_provider
from opentelemetry.sdk._logs import LoggerProvider

from dt_otlp_logs.config import Endpoint
from dt_otlp_logs.exporter import DynatraceLogExporter
from dt_otlp_logs.handler import DynatraceLoggingHandler, is_opentelemetrys
from dt_otlp_logs.wiring import exporter_on

# The directory that `opentelemetry-instrument` and the Kubernetes operator put in front of PYTHONPATH.
_DIRECTORY = "auto_instrumentation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A handler on a logger."""

    logger: str
    handler: logging.Handler

    @property
    def hands_over(self) -> bool:
        """Whether it hands records to OpenTelemetry."""
        return isinstance(self.handler, DynatraceLoggingHandler) or is_opentelemetrys(self.handler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """This process, as OpenTelemetry left it."""

    sitecustomize: str
    """The file that Python ran at its start; empty if there was none."""
    python_path: tuple[str, ...]
    provider: LoggerProvider | None
    exporter: DynatraceLogExporter | None
    attached: tuple[Attached, ...]
    root_level: int
    set_by_distro: Mapping[str, str]
    """The variables that our distro set."""

    @property
    def is_instrumented(self) -> bool:
        """Whether OpenTelemetry was started before the program."""
        return Path(self.sitecustomize).parent.name == _DIRECTORY

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where this process delivers to; nowhere without an exporter that has its configuration."""
        return self.exporter.endpoints if self.exporter else ()

    @property
    def delivers(self) -> bool:
        """Whether a record logged here is on its way to Dynatrace."""
        return bool(self.endpoints) and any(one.hands_over for one in self.attached)


def this_process(environ: Mapping[str, str]) -> Process:
    """What this process is."""
    present = get_logger_provider()
    provider = present if isinstance(present, LoggerProvider) else None
    # Where our distro was not selected its module is not imported, and may not even be importable.
    zero_code = sys.modules.get("dt_otlp_logs.zero_code")
    pipeline = zero_code.DynatraceDistro.pipeline if zero_code else None
    exporter = pipeline.exporter if pipeline else exporter_on(provider) if provider else None
    return Process(
        sitecustomize=getattr(sys.modules.get("sitecustomize"), "__file__", None) or "",
        python_path=tuple(path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path),
        provider=provider,
        exporter=exporter,
        attached=tuple(_attached()),
        root_level=logging.root.level,
        set_by_distro=zero_code.DynatraceDistro.variables_set if zero_code else {},
    )


def _attached() -> Iterator[Attached]:
    """All handlers of the root logger, and of other loggers those that hand records over."""
    for handler in logging.root.handlers:
        yield Attached(logger="root", handler=handler)
    for name, logger in sorted(logging.root.manager.loggerDict.items()):
        found = (Attached(logger=name, handler=handler) for handler in getattr(logger, "handlers", ()))
        yield from (one for one in found if one.hands_over)


def not_instrumented(process: Process) -> str:
    """Why OpenTelemetry was not started before the program."""
    named = [path for path in process.python_path if Path(path).name == _DIRECTORY]
    if not named:
        return "this process was not started by opentelemetry-instrument, nor does PYTHONPATH name its directory"
    if process.sitecustomize:
        return f"{process.sitecustomize} was run at start instead of the one in {named[0]}: that has to come first"
    return (
        f"PYTHONPATH names {named[0]}, but nothing there was run: it is gone, or Python was started with -E, -I or -S"
    )


def shortcomings(process: Process) -> Iterator[str]:
    """What an instrumented process lacks to deliver."""
    if process.provider is None:
        yield "OpenTelemetry has not started: what it said is above, on stderr"
    elif process.exporter is None:
        yield "there is no exporter of ours on OpenTelemetry's LoggerProvider"
    elif not any(one.hands_over for one in process.attached):
        yield "no handler hands records to OpenTelemetry"
