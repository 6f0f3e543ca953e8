"""What is said on stderr: one safe line, secrets masked, nothing raised."""

import sys

import pytest

from dt_otlp_logs.diagnostics import Diagnostics, mask_secrets, printable

SECRET = "A2B3C4D5E6F7" * 5


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"dt0c01.PUBLIC.{SECRET}", "dt0c01.PUBLIC.***"),
        (f"Api-Token dt0s16.PUB.{SECRET}, then", "Api-Token dt0s16.PUB.***, then"),
        (f"dt0c01.abc.{SECRET.lower()}", "dt0c01.abc.***"),
        ("Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl", "Bearer ***"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic ***"),
        ("Bearer an-opaque-token-of-some-kind, then", "Bearer ***, then"),
        ("Basic authentication is off", "Basic authentication is off"),
        ("no token here", "no token here"),
    ],
)
def test_the_secret_part_of_a_token_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


def test_control_and_direction_characters_are_escaped() -> None:
    assert printable("a\x1b[31m\nb\r\u202e\x9b") == r"a\x1b[31m\nb\r\u202e\x9b"


def test_a_line_has_a_time_our_name_and_a_level() -> None:
    said: list[str] = []
    Diagnostics(said.append, lambda: 0.0).warning(f"bad dt0c01.P.{SECRET}\nnext")
    assert said == ["1970-01-01T00:00:00Z dt-otlp-logs WARNING bad dt0c01.P.***\\nnext"]


def test_once_is_once() -> None:
    said: list[str] = []
    diagnostics = Diagnostics(said.append)
    diagnostics.once("a")
    diagnostics.once("a")
    diagnostics.once("b")
    assert len(said) == 2


def test_a_closed_or_missing_stderr_is_nothing_to_raise_about(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    with (tmp_path / "x").open("w") as closed:
        pass
    monkeypatch.setattr(sys, "stderr", closed)
    Diagnostics().error("x")
    monkeypatch.setattr(sys, "stderr", None)
    Diagnostics().error("x")
    monkeypatch.setattr(sys, "stderr", object())
    Diagnostics().error("x")
