"""What importing costs and what it must not bring along."""

import subprocess
import sys

import pytest

import dt_otlp_logs


def modules_after(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_the_package_brings_nothing_but_itself() -> None:
    brought = modules_after("import dt_otlp_logs")
    ours = {name for name in brought if name.startswith("dt_otlp_logs")}
    assert ours == {"dt_otlp_logs"}
    assert not {name.split(".")[0] for name in brought} & {"opentelemetry", "urllib3", "requests", "google"}


@pytest.mark.parametrize("statement", ["from dt_otlp_logs import configure", "import dt_otlp_logs.exporter"])
def test_the_instrumented_process_gets_no_command_line_emulator_requests_or_optional_package(statement: str) -> None:
    brought = {name.split(".")[0] for name in modules_after(statement)}
    assert not brought & {"requests", "rich", "starlette", "uvicorn", "flask", "argparse"} - _always()
    ours = {name for name in modules_after(statement) if name.startswith("dt_otlp_logs.")}
    assert not {name for name in ours if name.split(".")[1] in ("cli", "emulator", "stock")}


def _always() -> set[str]:
    # What Python or OpenTelemetry bring of their own accord.
    return {name.split(".")[0] for name in modules_after("import opentelemetry.sdk._logs.export, urllib3")}


def test_delivery_knows_nothing_of_the_sdk() -> None:
    brought = modules_after("import dt_otlp_logs.delivery.assembly")
    assert not {name for name in brought if name.startswith("opentelemetry.sdk")}


def test_the_public_names_are_those_that_exist() -> None:
    assert dt_otlp_logs.__all__ == sorted(dt_otlp_logs.__all__)
    for name in dt_otlp_logs.__all__:
        assert getattr(dt_otlp_logs, name).__module__.startswith("dt_otlp_logs.")
    assert set(dt_otlp_logs.__all__) <= set(dir(dt_otlp_logs))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        dt_otlp_logs.nonsense  # noqa: B018


def test_no_thread_starts_at_import_or_configuration() -> None:
    script = """
import threading, dt_otlp_logs
dt_otlp_logs.DynatraceLogExporter(endpoint="https://abc12345.live.dynatrace.com", api_token="dt0c01.A.B")
print(threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1\n"
