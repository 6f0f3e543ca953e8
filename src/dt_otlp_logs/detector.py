"""Who is logging: Dynatrace's metadata files as an OpenTelemetry resource detector, and the detectors beside it."""

import os
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import TypeVar

from opentelemetry.sdk.environment_variables import OTEL_EXPERIMENTAL_RESOURCE_DETECTORS
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource, ResourceDetector

from dt_otlp_logs.config.enrichment import read_enrichment_attributes
from dt_otlp_logs.config.loading import Loading
from dt_otlp_logs.diagnostics import Diagnostics

_GROUP = "opentelemetry_resource_detector"
_DYNATRACE = "dynatrace"

# The SDK gives each detector 5 s, and then waits for it all the same.
_MAX_DETECTION_SECONDS = 10.0

_diagnostics = Diagnostics()

# What the default detectors come from. Asking all packages there are takes ten times as long.
_DISTRIBUTIONS = ("opentelemetry-sdk", "opentelemetry-resource-detector-containerid")

# Signs of a container: Docker, Podman, Kubernetes, systemd-nspawn and Podman again, ECS.
_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_CONTAINER_VARIABLES = ("KUBERNETES_SERVICE_HOST", "container", "ECS_CONTAINER_METADATA_URI_V4")

# The SDK detects anew after a fork only what the variable names, so a process id would become that of the parent.
# Of a command nothing is sent unasked, since it may hold secrets (SDK 1.44 and 1.45 give its first word only).
_LEFT_OUT = ("process.pid", "process.parent_pid", "process.command")


class DynatraceResourceDetector(ResourceDetector):
    """Says which host, process and pod this is, from the files of OneAgent and the Dynatrace Operator.

    For traces and metrics: `OTEL_EXPERIMENTAL_RESOURCE_DETECTORS=dynatrace`. Logs do not need it, our exporters add
    the same attributes to every resource. Where there are no such files it adds nothing. It never raises.
    """

    def detect(self) -> Resource:
        """The attributes of all files, later files winning."""
        return Resource(read_enrichment_attributes())


def installed_detectors() -> frozenset[str]:
    """The names that `OTEL_EXPERIMENTAL_RESOURCE_DETECTORS` may hold here."""
    return frozenset(entry_points(group=_GROUP).names)


def detector_names(
    environ: Mapping[str, str],
    installed: Collection[str] | None = None,
    exists: Callable[[str], bool] = os.path.exists,
) -> str:
    """What `OTEL_EXPERIMENTAL_RESOURCE_DETECTORS` is set to, or should be where it is not.

    `otel` is left to the SDK, which puts it last: so `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` win.
    """
    if names := environ.get(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS, "").strip():
        return names
    defaults = _default_names(environ, _default_detectors() if installed is None else installed, exists)
    enrich = bool(Loading({}, environ).read("enrich"))
    return ",".join([*defaults, _DYNATRACE] if enrich else defaults)


def detected_resource(environ: Mapping[str, str], *, enrich: bool) -> Resource:
    """What the default detectors say, to be merged below `Resource.create()`, which runs those the variable names.

    Where it names any, Dynatrace's files alone. Nothing here raises.
    """
    found = Resource.get_empty()
    if not environ.get(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS, "").strip():
        points = _default_detectors()
        for name in _default_names(environ, points, os.path.exists):
            try:
                found = found.merge(points[name].load()().detect())
            except Exception:  # noqa: BLE001, S112, PERF203  # a detector is other people's code, and none is needed
                continue
    attributes = {key: value for key, value in found.attributes.items() if not key.startswith(_LEFT_OUT)}
    resource = Resource(attributes, found.schema_url)
    return resource.merge(DynatraceResourceDetector().detect()) if enrich else resource


def created_resource(
    attributes: Mapping[str, str | bool | int | float],
    environ: Mapping[str, str],
    *,
    timeout_seconds: float = _MAX_DETECTION_SECONDS,
) -> Resource:
    """What `Resource.create()` makes of these attributes and OpenTelemetry's variables, waiting no longer than this.

    `create` waits for each detector that the variable names, however long it takes: one that logs would wait itself
    where whoever logs first holds a lock that all logging takes. Where it fails or takes too long, what detectors know
    is missing, which is said on stderr.
    """
    named = environ.get(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS, "").strip()
    try:
        return _within(timeout_seconds, lambda: Resource.create(attributes)) if named else Resource.create(attributes)
    except FutureTimeoutError:
        problem = f"have not answered within {timeout_seconds:g} s"
    except Exception as error:  # noqa: BLE001  # a detector is other people's code; at the end of a process none can run
        problem = f"failed with {type(error).__name__}: {error}"
    if named:
        _diagnostics.warning(
            f"The resource detectors in {OTEL_EXPERIMENTAL_RESOURCE_DETECTORS} ({named}) {problem}: "
            "logs are sent without what they know."
        )
    return (
        Resource({SERVICE_NAME: "unknown_service"}).merge(OTELResourceDetector().detect()).merge(Resource(attributes))
    )


_Answer = TypeVar("_Answer")


def _within(seconds: float, ask: Callable[[], _Answer]) -> _Answer:
    """The answer, or what was raised instead; concurrent.futures.TimeoutError if there is none by then."""
    answer: Future[_Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001  # for whoever asked
            answer.set_exception(error)

    threading.Thread(target=run, name="dt-otlp-logs resource detectors", daemon=True).start()
    return answer.result(seconds)


def _default_detectors() -> dict[str, EntryPoint]:
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            points = distribution(name).entry_points
        except PackageNotFoundError:
            continue
        found.update({point.name: point for point in points if point.group == _GROUP})
    return found


def _default_names(environ: Mapping[str, str], installed: Collection[str], exists: Callable[[str], bool]) -> list[str]:
    """What they say is merged in this order, Dynatrace's files last.

    Since in a container `host.name` is the container's, and the files know the host's.
    """
    names = ["process", "host", "os"]
    # On a host it would take the number of a login session for a container's id.
    if any(environ.get(name) for name in _CONTAINER_VARIABLES) or any(exists(path) for path in _CONTAINER_FILES):
        names.append("containerid")
    return [name for name in names if name in installed]
