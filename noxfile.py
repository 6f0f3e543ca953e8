"""The tests on every supported Python, with the lowest and the newest supported OpenTelemetry, on the built wheel.

`nox -s tests` runs them all, `nox -s "tests-3.10(lowest)"` one. The lint session is `make lint`.
"""

from tempfile import gettempdir

import nox

nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "venv"

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]

# The floor of pyproject.toml; the packages of one release pin each other exactly.
LOWEST_OPENTELEMETRY = [
    "opentelemetry-sdk==1.44.0",
    "opentelemetry-exporter-otlp-proto-http==1.44.0",
    "opentelemetry-configuration==0.65b0",
    "opentelemetry-distro==0.65b0",
    "opentelemetry-instrumentation-asgi==0.65b0",
    "opentelemetry-instrumentation-celery==0.65b0",
    "opentelemetry-instrumentation-django==0.65b0",
    "opentelemetry-instrumentation-fastapi==0.65b0",
    "opentelemetry-instrumentation-flask==0.65b0",
    "opentelemetry-instrumentation-logging==0.65b0",
    "opentelemetry-instrumentation-structlog==0.65b0",
    "opentelemetry-instrumentation-threading==0.65b0",
    "opentelemetry-resource-detector-containerid==0.65b0",
]


@nox.session(python=PYTHONS)
@nox.parametrize("opentelemetry", ["lowest", "newest"], ids=["lowest", "newest"])
def tests(session: nox.Session, opentelemetry: str) -> None:
    """All tests against the wheel, as a user would install it."""
    session.install("--quiet", "--upgrade", "pip>=24.1", "build")
    wheels = session.create_tmp()
    session.run("python", "-m", "build", "--wheel", "--outdir", wheels, silent=True)
    session.install(
        "--quiet",
        "--find-links",
        wheels,
        "--force-reinstall",
        "--no-deps",
        "dt-otlp-logs",
    )
    session.install("--quiet", "dt-otlp-logs[dev]", *(LOWEST_OPENTELEMETRY if opentelemetry == "lowest" else []))
    at_a_time = ["--numprocesses", "auto", "--maxprocesses", "4", "--dist", "loadgroup"]
    # nox's own folder for temporary files has so long a name that no socket can be in it.
    session.run("python", "-m", "pytest", "-q", *at_a_time, *session.posargs, env={"TMPDIR": gettempdir()})
