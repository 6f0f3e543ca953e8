"""A script in a process of its own: what is global to a process is tested from outside."""

import os
import subprocess
import sys
import textwrap

from dt_otlp_logs.emulator import RunningEmulator


def run_script(emulator: RunningEmulator, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script's text, configured by the environment for the emulator."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "DT_ENDPOINT": emulator.url, "DT_API_TOKEN": emulator.api_token, **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def contents(emulator: RunningEmulator) -> list[object]:
    """What arrived, in order."""
    return [record["content"] for record in emulator.records()]
