"""What `opentelemetry-instrument` does in an environment: the distro, what it sets, and what is in the way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint

from dt_otlp_logs import distro
from dt_otlp_logs.cli.status_installed import Installed
from dt_otlp_logs.config.masking import shown
from dt_otlp_logs.distro_defaults import OUR_EXPORTERS, SIGNALS, Signal, exporters, is_disabled, missing_variables, says

# opentelemetry/distro/__init__.py: what opentelemetry-distro sets where nothing is set.
_OPENTELEMETRYS_DISTRO = "opentelemetry.distro:"
_OPENTELEMETRYS_DEFAULTS = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
}
# opentelemetry/sdk/_configuration: which exporter `otlp` is.
_OTLP_EXPORTERS = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_AUTO = "pip install 'dt-otlp-logs[auto]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What OpenTelemetry starts with."""

    distro: str
    """Its name; empty for OpenTelemetry's own default, which sets nothing."""
    why: str
    environ: Mapping[str, str]
    """The environment as the distro leaves it."""
    set_by_distro: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether it is the distro `dynatrace`."""
        return self.distro == distro.NAME


def launch(environ: Mapping[str, str], installed: Installed) -> Launch:
    """The choice OpenTelemetry makes, as opentelemetry.instrumentation.auto_instrumentation._load makes it."""
    name = environ.get("OTEL_PYTHON_DISTRO")
    candidates = [point for point in installed.distros if point.name == name or name is None]
    if name is None:
        candidates = [point for point in candidates if point.name != distro.NAME]
    if not candidates:
        why = "no distro is installed" if name is None else f"no distro is called {shown(name)}"
        return Launch(distro="", why=why, environ=environ)
    chosen = candidates[0]
    why = "the first one found, as OTEL_PYTHON_DISTRO is not set" if name is None else "OTEL_PYTHON_DISTRO names it"
    sets = _what_it_sets(chosen, environ, installed)
    # Its entry point is called `distro`, which says little.
    name = "opentelemetry-distro" if chosen.value.startswith(_OPENTELEMETRYS_DISTRO) else chosen.name
    return Launch(distro=name, why=why, environ={**environ, **sets}, set_by_distro=sets)


def _what_it_sets(chosen: EntryPoint, environ: Mapping[str, str], installed: Installed) -> dict[str, str]:
    if chosen.name == distro.NAME:
        return missing_variables(environ, installed.configurators)
    if chosen.value.startswith(_OPENTELEMETRYS_DISTRO):
        return {name: value for name, value in _OPENTELEMETRYS_DEFAULTS.items() if name not in environ}
    return {}


def obstacles(launch: Launch, installed: Installed) -> Iterator[str]:
    """Why no record would reach Dynatrace in this environment, each with what to do."""
    if "opentelemetry-instrumentation" not in installed.versions:
        yield f"opentelemetry-instrument is not installed: {_AUTO}"
    if is_disabled(launch.environ):
        yield "OTEL_SDK_DISABLED=true switches all of OpenTelemetry off"
    yield from _without_configurator(launch, installed)
    if says(launch.environ, "OTEL_CONFIG_FILE"):
        if "opentelemetry-configuration" not in installed.versions:
            yield "OTEL_CONFIG_FILE needs a package that is not installed: pip install opentelemetry-configuration"
    else:
        yield from _without_exporter(launch)
        yield from _not_installed(launch, installed)
    if not launch.is_ours:
        yield from _without_handler(launch.environ, installed)


def _without_configurator(launch: Launch, installed: Installed) -> Iterator[str]:
    named = launch.environ.get("OTEL_PYTHON_CONFIGURATOR")
    names = [point.name for point in installed.configurators]
    # The distro `dynatrace` sets up the export of logs itself where nothing else does.
    does_without = launch.is_ours and not says(launch.environ, "OTEL_CONFIG_FILE")
    if not names and not does_without:
        yield f"opentelemetry-distro is not installed, so nothing sets up an exporter: {_AUTO}"
    elif names and named is not None and named not in names and not does_without:
        yield f"no configurator is called {shown(named)} (OTEL_PYTHON_CONFIGURATOR); there is {', '.join(names)}"


def _without_exporter(launch: Launch) -> Iterator[str]:
    if any(name in OUR_EXPORTERS for name in exporters(launch.environ, "LOGS")):
        return
    value = says(launch.environ, "OTEL_LOGS_EXPORTER")
    if "OTEL_LOGS_EXPORTER" in launch.set_by_distro:
        found = f"OTEL_LOGS_EXPORTER is not set, and {launch.distro} makes it {shown(value)}"
    else:
        found = f"OTEL_LOGS_EXPORTER is {shown(value) if value else 'not set'}"
    or_distro = "" if launch.is_ours else ", or OTEL_PYTHON_DISTRO=dynatrace with it unset"
    yield f"{found}: set OTEL_LOGS_EXPORTER=dynatrace{or_distro}"


def _not_installed(launch: Launch, installed: Installed) -> Iterator[str]:
    for signal in SIGNALS:
        variable = f"OTEL_{signal}_EXPORTER"
        says_so = f"is not set, and {launch.distro} makes it" if variable in launch.set_by_distro else "is"
        for name in exporters(launch.environ, signal):
            component, over = _component(launch.environ, signal, name)
            if component not in installed.exporters[signal]:
                yield (
                    f"{variable} {says_so} {shown(name)}{over}, which is not installed, so that OpenTelemetry does not "
                    f"start at all: install it, or set {variable}=none"
                )


def _component(environ: Mapping[str, str], signal: Signal, name: str) -> tuple[str, str]:
    """The entry point that an exporter's name stands for, and by which protocol if the name does not say."""
    if name != "otlp":
        return name, ""
    variables = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = next((says(environ, variable) for variable in variables if says(environ, variable)), "grpc")
    return _OTLP_EXPORTERS.get(protocol, ""), f" over {shown(protocol)}"


def _without_handler(environ: Mapping[str, str], installed: Installed) -> Iterator[str]:
    """Outside our distro it is opentelemetry-instrumentation-logging that hands records over."""
    if says(environ, "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED").lower() == "true":
        return  # the SDK's older handler
    ours = "or OTEL_PYTHON_DISTRO=dynatrace"
    disabled = [name.strip() for name in says(environ, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS").split(",")]
    if "opentelemetry-instrumentation-logging" not in installed.versions:
        yield f"opentelemetry-instrumentation-logging is not installed, so nothing hands records over: {_AUTO}"
    elif "logging" in disabled or "*" in disabled:
        yield (
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS switches off the instrumentation of logging, which hands records "
            f"over: take it out, {ours}"
        )
    elif environ.get("OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION", "true").strip().lower() != "true":
        yield f"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION switches off the handler that hands records over: unset it, {ours}"


def remarks(launch: Launch, installed: Installed) -> Iterator[str]:
    """What else a person should know about this environment."""
    if not launch.distro and launch.environ.get("OTEL_PYTHON_DISTRO") is not None:
        yield f"OTEL_PYTHON_DISTRO: {launch.why}; OpenTelemetry goes on without one"
    if says(launch.environ, "OTEL_CONFIG_FILE"):
        yield "OTEL_CONFIG_FILE is set: the file says what is exported, the OTEL_..._EXPORTER variables do not count"
        return
    for signal in SIGNALS[1:]:
        endpoints = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
        used = {_component(launch.environ, signal, name)[0] for name in exporters(launch.environ, signal)}
        to_otlp = used & {*_OTLP_EXPORTERS.values()} & installed.exporters[signal]
        if to_otlp and not any(says(launch.environ, name) for name in endpoints):
            yield (
                f"{signal.lower()} go to a collector on this machine (no OTLP endpoint is set): "
                f"OTEL_{signal}_EXPORTER=none unless there is one"
            )
