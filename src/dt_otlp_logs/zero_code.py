"""The `dynatrace` distro at work: it sets what is missing, and our handler takes the place of OpenTelemetry's."""

import logging
import os
from collections.abc import Mapping, MutableMapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from opentelemetry._logs import get_logger_provider
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # mypy passes over the file
from opentelemetry.sdk._logs import LoggerProvider

from dt_otlp_logs.config import ConfigError
from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.distro_defaults import OUR_EXPORTERS, exporters, is_disabled, missing_variables, says
from dt_otlp_logs.exporter import DynatraceLogExporter
from dt_otlp_logs.log_pipeline import LogPipeline
from dt_otlp_logs.pipeline import configure
from dt_otlp_logs.wiring import exporter_on

# opentelemetry-instrumentation-logging: its name as an instrumentor, and its switch for the handler it would add.
_LOGGING_INSTRUMENTOR = "logging"
_HANDLER_SWITCH = "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION"
_HANDLER_LEVEL = "OTEL_PYTHON_LOG_HANDLER_LEVEL"


class DynatraceDistro(BaseDistro):  # type: ignore[misc]  # see its import
    """OpenTelemetry's distro `dynatrace`: logs go to Dynatrace, with what is set best for that.

    A variable that is set holds, whatever it says; those that are not get the defaults of `distro_defaults.py`.
    """

    variables_set: Mapping[str, str] = {}
    """What was put into this process's environment."""
    pipeline: LogPipeline | None = None
    """What the handler belongs to; None if there is none of ours."""

    def _configure(self, **_: Any) -> None:
        variables = missing_variables(os.environ, entry_points(group="opentelemetry_configurator"))
        os.environ.update(variables)
        DynatraceDistro.variables_set = variables

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Start one of OpenTelemetry's instrumentations; that of logging without its handler where ours comes instead.

        By an argument and not by its variable, which the programs that the application starts would inherit.
        """
        replaced = entry_point.name == _LOGGING_INSTRUMENTOR and not says(os.environ, _HANDLER_SWITCH)
        if replaced and hands_over(os.environ):
            kwargs["enable_log_auto_instrumentation"] = False
        super().load_instrumentor(entry_point, **kwargs)


def hands_over(environ: Mapping[str, str]) -> bool:
    """Whether our handler belongs into this process: whether its logs go to an exporter of ours."""
    if is_disabled(environ):
        return False
    if says(environ, "OTEL_CONFIG_FILE"):
        return exporter_in_use() is not None
    return any(name in OUR_EXPORTERS for name in exporters(environ, "LOGS"))


def exporter_in_use() -> DynatraceLogExporter | None:
    """The exporter of ours on OpenTelemetry's provider; None if there is none, or OpenTelemetry has not started."""
    provider = get_logger_provider()
    return exporter_on(provider) if isinstance(provider, LoggerProvider) else None


# Read while OpenTelemetry starts. What the application starts should not find them: an exporter that is not installed
# there, or `none` for its traces.
_OF_THIS_START = (
    *("OTEL_LOGS_EXPORTER", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"),
    *("OTEL_PYTHON_CONFIGURATOR", "DT_OTLP_LOGS_FLUSH_ON_SIGTERM"),
)


def take_back(environ: MutableMapping[str, str]) -> None:
    """Leave the environment to child processes as the user has set it, as far as it is not read later on."""
    for name in _OF_THIS_START:
        if name in DynatraceDistro.variables_set and environ.get(name) == DynatraceDistro.variables_set[name]:
            del environ[name]


def attach(environ: Mapping[str, str]) -> None:
    """Attach our handler where it belongs, once; a wrong configuration is said in one line."""
    if not hands_over(environ):
        return
    named = exporters(environ, "LOGS")
    try:
        # Finds the exporter that OpenTelemetry has made; without opentelemetry-distro it makes everything itself.
        pipeline = configure(exporter=next((name for name in OUR_EXPORTERS if name in named), "dynatrace"))
    except ConfigError as error:
        if exporter_in_use() is None:  # it has said so itself
            problems = "; ".join(str(problem) for problem in error.problems)
            Diagnostics().error(f"No log record is exported, the application runs on: {problems}")
        return
    DynatraceDistro.pipeline = pipeline
    # The application knows nothing of us: where it has set up no logging, its warnings are on stderr as without us.
    pipeline.handler.keeps_last_resort = True
    level = logging.getLevelName(says(environ, _HANDLER_LEVEL).upper())
    if isinstance(level, int) and pipeline.handler.level == logging.NOTSET:
        pipeline.handler.setLevel(level)
