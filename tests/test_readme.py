"""The README: its blocks run as pasted, its table is the code's, its commands exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from doubles.strict_server import STRICT_TOKEN, strict_server
from dt_otlp_logs.config import SETTINGS

README = Path(__file__).parent.parent / "README.md"
_TABLE = re.compile(r"(<!-- settings: .*? -->\n)(.*?)(<!-- end of settings -->)", re.DOTALL)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


def settings_table() -> str:
    rows = ["| keyword | environment, first found wins | default | what it is for |", "|---|---|---|---|"]
    for setting in SETTINGS:
        variables = ", ".join(f"`{name}`" for name in setting.variables)
        rows.append(f"| `{setting.key}` | {variables} | {_default(setting.key)} | {setting.description} |")
    return "\n".join(rows) + "\n"


def _default(key: str) -> str:
    setting = next(setting for setting in SETTINGS if setting.key == key)
    value = setting.default
    if value is None or value == () or value == {}:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_the_settings_table_is_that_of_the_code() -> None:
    match = _TABLE.search(README.read_text("utf-8"))
    assert match is not None
    assert match.group(2) == settings_table(), "run: python tests/test_readme.py --write"


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_each_python_block_works_when_pasted(number: int, tmp_path: Path) -> None:
    with strict_server() as server:
        done = subprocess.run(
            [sys.executable, "-c", blocks("python")[number]],
            env={**os.environ, "DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert not server.errors
    assert len(server.stored) == 1


def test_the_zero_code_block_works_when_pasted(tmp_path: Path) -> None:
    (block,) = [block for block in blocks("sh") if "opentelemetry-instrument" in block]
    (tmp_path / "app.py").write_text("import logging; logging.warning('hello')")
    with strict_server() as server:
        done = subprocess.run(
            ["sh", "-c", block],
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "DT_ENDPOINT": server.url,
                "DT_API_TOKEN": STRICT_TOKEN,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert server.stored == ["hello"]
    assert server.records()[0][1]["service.name"] == "checkout"


def test_every_command_named_exists() -> None:
    from dt_otlp_logs.cli.__main__ import COMMANDS

    named = set(re.findall(r"`dt-otlp-logs ([a-z]+)", README.read_text("utf-8")))
    assert named <= set(COMMANDS)
    assert named == set(COMMANDS)


def test_every_file_linked_exists() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README.read_text("utf-8")):
        assert (README.parent / link).exists(), link


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    text = README.read_text("utf-8")
    README.write_text(_TABLE.sub(lambda match: match.group(1) + settings_table() + match.group(3), text), "utf-8")
