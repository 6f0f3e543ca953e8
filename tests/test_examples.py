"""The short examples run as they stand, and the index names all there are; tests/examples/ has the longer ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from doubles.strict_server import STRICT_TOKEN, strict_server

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize(
    ("example", "stored"),
    [("one_call.py", ["order received", "order not paid"]), ("otel_pipeline.py", ["order paid"])],
)
def test_an_example_runs_and_its_records_arrive(example: str, stored: list[str]) -> None:
    with strict_server() as server:
        done = subprocess.run(
            [sys.executable, str(EXAMPLES / example)],
            env={**os.environ, "DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert not server.errors
    assert server.stored == stored


def test_the_index_names_every_example() -> None:
    index = (EXAMPLES / "README.md").read_text()
    there = {path.name for path in EXAMPLES.iterdir() if not path.name.startswith((".", "__"))} - {"README.md"}
    assert {name for name in there if f"]({name})" not in index and f"]({name}/)" not in index} == set()
