"""The status of zero-code export, put together from the environment, what is installed, and this process."""

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import dt_otlp_logs
from dt_otlp_logs.cli.status_installed import Installed, installed
from dt_otlp_logs.cli.status_launch import Launch, launch, obstacles, remarks
from dt_otlp_logs.cli.status_process import Process, not_instrumented, shortcomings, this_process
from dt_otlp_logs.config import Config, ConfigError, load_config
from dt_otlp_logs.config.masking import escape, mask, shown
from dt_otlp_logs.distro_defaults import SIGNALS, is_disabled, says
from dt_otlp_logs.exporter import DynatraceJsonLogExporter

_NO_SERVICE = "unknown_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What there is to say, in words that may be shown: no secret, nothing that a terminal would act on."""

    active: bool
    is_instrumented: bool
    problems: list[str]
    """What is wrong with the configuration."""
    obstacles: list[str]
    """What else keeps records from being delivered."""
    rows: list[tuple[str, str]]
    remarks: list[str]

    @property
    def exit_status(self) -> int:
        """0: active; 1: not active; 2: not active because of a wrong configuration."""
        return 2 if self.problems else int(not self.active)

    def as_json(self) -> dict[str, object]:
        """The same for other programs."""
        return {
            "active": self.active,
            "problems": self.problems,
            "obstacles": self.obstacles,
            "found": [{"what": label, "is": text} for label, text in self.rows],
            "remarks": self.remarks,
        }


def report() -> Report:
    """The status of this environment and this process."""
    process = this_process(os.environ)
    # With what the distro took back once it was read.
    environ = {**process.set_by_distro, **os.environ}
    return assemble(environ, installed(), process)


def assemble(environ: Mapping[str, str], parts: Installed, process: Process) -> Report:
    """The status that these three make together."""
    start = launch(environ, parts)
    configuration = _configuration(environ)
    problems: list[str] = []
    # What an exporter was made from may be a file's: then the environment alone need not be enough.
    if isinstance(configuration, ConfigError) and not process.endpoints:
        problems = [str(problem) for problem in configuration.problems]
    elif process.exporter is not None and process.exporter.config is None:
        problems = ["the configuration of the exporter is wrong: what it said is above, on stderr"]
    active = process.delivers and not is_disabled(environ)
    in_the_way = [] if active else list(_in_the_way(start, parts, process))
    return Report(
        active=active,
        is_instrumented=process.is_instrumented,
        problems=problems,
        obstacles=in_the_way,
        rows=list(_rows(start, parts, process, configuration)),
        remarks=list(_remarks(start, parts, process, configuration)),
    )


def _configuration(environ: Mapping[str, str]) -> Config | ConfigError:
    try:
        return load_config({}, environ)
    except ConfigError as error:
        return error


def _in_the_way(start: Launch, parts: Installed, process: Process) -> Iterator[str]:
    found = list(obstacles(start, parts))
    yield from found
    if not process.is_instrumented:
        yield not_instrumented(process)
    elif not found:
        yield from shortcomings(process)


def _rows(
    start: Launch, parts: Installed, process: Process, configuration: Config | ConfigError
) -> Iterator[tuple[str, str]]:
    by = f" ({process.sitecustomize})" if process.is_instrumented else ""
    yield "this process", f"{'instrumented' if process.is_instrumented else 'not instrumented'}{by}"
    yield "distro", f"{start.distro or 'none'}: {start.why}"
    for signal in SIGNALS:
        yield f"{signal.lower()} exporter", _exporter(start, process, f"OTEL_{signal}_EXPORTER")
    yield "service.name", _service(start, process)
    yield "configuration", _validity(process, configuration)
    tokens = [origin.shown for origin in configuration.origins if origin.key == "api_token"]
    yield from (("token", token) for token in tokens)
    yield from (("sends to", url) for url in _urls(process, configuration))
    if process.is_instrumented or process.delivers:
        yield from _live_rows(process)
    yield "packages", ", ".join(f"{name} {version}" for name, version in parts.versions.items())


def _validity(process: Process, configuration: Config | ConfigError) -> str:
    if isinstance(configuration, Config):
        return "valid"
    return "that of OTEL_CONFIG_FILE" if process.endpoints else f"{len(configuration.problems)} missing or wrong"


def _exporter(start: Launch, process: Process, variable: str) -> str:
    value = says(start.environ, variable)
    if not value:
        return f"{variable} is not set"
    set_by_distro = variable in start.set_by_distro or variable in process.set_by_distro
    return f"{escape(mask(value))} ({'set by the distro' if set_by_distro else variable})"


def _service(start: Launch, process: Process) -> str:
    if process.provider is not None:
        return escape(mask(str(process.provider.resource.attributes.get("service.name", _NO_SERVICE))))
    return escape(mask(says(start.environ, "OTEL_SERVICE_NAME"))) or "OTEL_SERVICE_NAME is not set"


def _urls(process: Process, configuration: Config | ConfigError) -> list[str]:
    endpoints, fallback = process.endpoints, "auto"
    if isinstance(configuration, Config):
        endpoints, fallback = endpoints or configuration.endpoints, configuration.fallback
    if isinstance(process.exporter, DynatraceJsonLogExporter):
        fallback = "json-only"
    return [f"{escape(mask(url))} ({form})" for endpoint in endpoints for form, url in endpoint.urls(fallback)]


def _live_rows(process: Process) -> Iterator[tuple[str, str]]:
    for one in process.attached:
        kind = type(one.handler)
        # As one would write it in a configuration, not the module that it happens to be in.
        module = dt_otlp_logs.__name__ if kind is dt_otlp_logs.DynatraceLoggingHandler else kind.__module__
        level = logging.getLevelName(one.handler.level)
        yield "handler", f"{module}.{kind.__qualname__} on the logger {escape(one.logger)}, level {level}"
    yield "root logger", f"level {logging.getLevelName(process.root_level)}"
    if process.exporter is not None:
        stats = process.exporter.stats()
        counted = ("accepted", "delivered", "queued", "rejected", "dropped")
        yield "records", ", ".join(f"{name} {getattr(stats, name)}" for name in counted)
        if stats.held_up:
            yield "held up", escape(mask(stats.held_up))


def _remarks(start: Launch, parts: Installed, process: Process, configuration: Config | ConfigError) -> Iterator[str]:
    yield from remarks(start, parts)
    yield from configuration.notes
    level = says(start.environ, "DT_OTLP_LOGS_LEVEL")
    if level and not start.is_ours:
        yield f"DT_OTLP_LOGS_LEVEL={shown(level)} is for configure() and the distro dynatrace: it does nothing here"
    elif process.is_instrumented and process.root_level > logging.INFO:
        setting = f"{'' if start.is_ours else 'OTEL_PYTHON_DISTRO=dynatrace and '}DT_OTLP_LOGS_LEVEL=INFO"
        yield (
            f"the root logger lets {logging.getLevelName(process.root_level)} and above through, unless the "
            f"application sets its own level; to open it without that: {setting}"
        )
    if _service(start, process).startswith((_NO_SERVICE, "OTEL_SERVICE_NAME is")):
        yield "the service has no name: set OTEL_SERVICE_NAME"
