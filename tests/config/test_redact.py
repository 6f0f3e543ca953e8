"""`redact`: expressions and names of patterns, and what `dynatrace-token` finds in log text.

Formats of tokens: https://docs.dynatrace.com/docs/dynatrace-api/basics/dynatrace-api-authentication
"""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.config import ConfigError, load_config

PUBLIC = "ST2EY72KQINMH574WMNVI7YN"
SECRET = "G3DFPBEJYMODIDAEX454M7YWBUVEFOWKPRVMWFASS64NFH52PX6BNDVFFM572RZM"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
CONFIGURED = {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": "dt0c01.abc123.abcdef"}


def redacted(text: str, redact: object = "dynatrace-token") -> str:
    for pattern in load_config({"redact": redact}, CONFIGURED).redact:
        text = pattern.sub("***", text)
    return text


@pytest.mark.parametrize("prefix", ["dt0c01", "dt0s01", "dt0s02", "dt0s06", "dt0s16", "DT0C01"])
@pytest.mark.parametrize("public", [PUBLIC, "ST2EY72K", "abc123", "A"])
@pytest.mark.parametrize("secret", [SECRET, "abcdef", "x"])
def test_of_a_token_the_secret_is_masked_and_what_identifies_it_stays(prefix: str, public: str, secret: str) -> None:
    text = f"request with '{prefix}.{public}.{secret}' failed (token={prefix}.{public}.{secret}), twice"
    assert redacted(text) == f"request with '{prefix}.{public}.***' failed (token={prefix}.{public}.***), twice"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Authorization: Api-Token dt0c01.{PUBLIC}.{SECRET}", f"Authorization: Api-Token dt0c01.{PUBLIC}.***"),
        (f"authorization=Api-Token%20dt0c01.{PUBLIC}.{SECRET}", f"authorization=Api-Token%20dt0c01.{PUBLIC}.***"),
        (f"{{'Authorization': 'Bearer dt0s16.abc.{SECRET}'}}", "{'Authorization': 'Bearer dt0s16.abc.***'}"),
        ("Authorization: Api-Token kQ7bLz29Xn41pRt8Ws0Yv", "Authorization: ***"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "***"),
        ("{'authorization': 'Basic dXNlcjpwYXNzd29yZA=='}", "{'***'}"),
        ("authorization=Token 0123456789abcdef, next", "***, next"),
        ("Authorization: 0123456789abcdef", "***"),
        ("authorization failed for bob", "authorization failed for bob"),
        ("authorization: none", "authorization: none"),
        ('"authorization": "bearer 2YotnFZFEjr1zCsicMWpAA2YotnFZFEjr1zCsicMWpAA"', '"authorization": "***"'),
        ("BEARER%202YotnFZFEjr1zCsicMWpAA&x=1", "***&x=1"),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer ***"),
        (f"token {JWT}, refreshed", "token ***, refreshed"),
        (f"https://host/?api-token=dt0c01.{PUBLIC}.{SECRET}&x=1", f"https://host/?api-token=dt0c01.{PUBLIC}.***&x=1"),
    ],
)  # fmt: skip
def test_credentials_of_headers_are_masked(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "module.name.attr",
        "dt0c01",
        f"the token dt0c01.{PUBLIC} has expired",
        f"dt0c01.{PUBLIC}.",
        "dt.entity.host is set, dt0.a.b is not, nor is dtc001.a.b",
        "python3.11.7 on host-1.example.com took 12.5.3 ms",
        "the Bearer of bad news, and Api-Token authentication",
        "eye.balls.tracker and eyJ alone",
        "2026-11-25T19:30:56.123Z user@example.com",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redacted(text) == text


@given(
    st.text(),
    st.from_regex("dt0[cs][0-9][0-9]", fullmatch=True),
    st.text(string.ascii_letters + string.digits, min_size=1, max_size=32),
    st.text(string.ascii_letters + string.digits, min_size=8, max_size=80),
    st.text(string.punctuation + " \n", max_size=3),
)
def test_no_secret_is_left_wherever_a_token_stands(
    before: str, prefix: str, public: str, secret: str, end: str
) -> None:
    left = redacted(f"{before} {prefix}.{public}.{secret}{end}")
    assert f"{prefix}.{public}.{secret}" not in left
    assert f"{prefix}.{public}.***" in left


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["eyJ", "eyJ.", "dt0c01.A.", "Bearer ", "bearer%20", "a.", "Api-Token", "x"])
def test_a_large_hostile_text_takes_no_quadratic_time(part: str) -> None:
    # That would be hours. In dt0c01.A.dt0c01.A the secret is "dt0c01", and bearer%20 is followed by a long text.
    left = redacted(part * (1_000_000 // len(part)))
    assert ("***" in left) is (part in ("dt0c01.A.", "bearer%20"))


def test_names_and_expressions_may_be_mixed() -> None:
    text = f"card 4111111111111111, dt0c01.{PUBLIC}.{SECRET}"
    mixtures: list[object] = [
        "\\d{16}\n dynatrace-token \n",
        ["Dynatrace-Token", r"\d{16}"],
        [re.compile(r"\d{16}"), "dynatrace-token"],
    ]
    for redact in mixtures:
        assert redacted(text, redact) == f"card ***, dt0c01.{PUBLIC}.***"
    assert redacted(text, r"\d{16}") == f"card ***, dt0c01.{PUBLIC}.{SECRET}"


def test_a_pattern_with_a_name_is_shown_by_its_name() -> None:
    environ = CONFIGURED | {"DT_OTLP_LOGS_REDACT": "dynatrace-token\n\\d{16}\x1b\ndynatrace-token"}
    (shown,) = [origin.shown for origin in load_config({}, environ).origins if origin.key == "redact"]
    assert shown == r"dynatrace-token, \d{16}\x1b"


@pytest.mark.parametrize("name", ["dynatrace-tokens", "dynatrace-", "Dynatrace-Jwt"])
def test_a_mistyped_name_is_refused_since_it_would_match_nothing(name: str) -> None:
    with pytest.raises(ConfigError, match="expected regular expressions, or dynatrace-token"):
        load_config({"redact": [name]}, CONFIGURED)
