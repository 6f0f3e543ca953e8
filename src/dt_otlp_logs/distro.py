"""Where auto-instrumentation finds us. It imports this whichever distro is selected, so it must be light."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # mypy passes over the file

NAME = "dynatrace"


def is_selected(environ: Mapping[str, str]) -> bool:
    """Whether `OTEL_PYTHON_DISTRO` names this distro."""
    return environ.get("OTEL_PYTHON_DISTRO") == NAME


def dynatrace_distro() -> "BaseDistro | None":
    """The distro if `OTEL_PYTHON_DISTRO=dynatrace`, else None.

    Without the variable OpenTelemetry takes the first distro it finds, and passes over what is none
    (opentelemetry.instrumentation.auto_instrumentation._load): so the choice is the same as if we were not installed.
    """
    if not is_selected(os.environ):
        return None
    from dt_otlp_logs.zero_code import DynatraceDistro

    return DynatraceDistro()


def attach_handler() -> None:
    """With this distro selected: from now on what logging says goes to Dynatrace. Without it: nothing. Never raises."""
    if not is_selected(os.environ):
        return
    try:
        from dt_otlp_logs.zero_code import attach, take_back

        attach(os.environ)
        take_back(os.environ)
    except Exception as error:  # noqa: BLE001  # logging must not stop an application, nor OpenTelemetry's start
        from dt_otlp_logs.diagnostics import Diagnostics

        Diagnostics().error(f"The logging handler was not attached: {type(error).__name__}: {error}")
