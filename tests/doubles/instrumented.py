"""An unmodified app under `opentelemetry-instrument`, as a user starts one."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path


def run_instrumented(directory: Path, app: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the app's text with `directory` as its working directory; nothing but `environment` configures it."""
    (directory / "app.py").write_text(textwrap.dedent(app))
    return subprocess.run(
        [str(Path(sys.executable).parent / "opentelemetry-instrument"), sys.executable, "app.py"],
        env={**os.environ, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
