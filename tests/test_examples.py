"""Each example runs as it stands, against a strict server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from doubles.strict_server import STRICT_TOKEN, strict_server

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
STORED = {"one_call.py": ["order received", "order not paid"], "otel_pipeline.py": ["order paid"]}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_and_its_records_arrive(example: Path) -> None:
    with strict_server() as server:
        done = subprocess.run(
            [sys.executable, str(example)],
            env={**os.environ, "DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert not server.errors
    assert server.stored == STORED[example.name]
