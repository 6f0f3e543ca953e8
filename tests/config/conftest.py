"""What the configuration's tests share: a smallest working environment, and PEM files."""

from pathlib import Path

import pytest


@pytest.fixture
def dynatrace() -> dict[str, str]:
    return {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": "dt0c01.abc123.abcdef"}


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A directory with files that look like certificates and keys; nothing here reads what is inside them."""
    certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    contents = {"ca": certificate, "cert": certificate, "key": key, "both": certificate + key, "empty": "",
                "locked": key.replace("PRIVATE", "ENCRYPTED PRIVATE")}  # fmt: skip
    for name, text in contents.items():
        (tmp_path / f"{name}.pem").write_text(text)
    return tmp_path
