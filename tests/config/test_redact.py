"""`redact`: expressions and names of patterns, how they are read, refused and shown."""

import re

import pytest

from dt_otlp_logs.config import Config, ConfigError, load_config
from dt_otlp_logs.config import redaction as reading
from dt_otlp_logs.encoding.redaction import Redaction

PUBLIC = "ST2EY72KQINMH574WMNVI7YN"
SECRET = "G3DFPBEJYMODIDAEX454M7YWBUVEFOWKPRVMWFASS64NFH52PX6BNDVFFM572RZM"
CONFIGURED = {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": "dt0c01.abc123.abcdef"}


def config(redact: object) -> Config:
    return load_config({"redact": redact}, CONFIGURED)


def redacted(text: str, redact: object) -> str | None:
    return Redaction(config(redact).redact).redacted(text)


def problem(redact: object) -> str:
    with pytest.raises(ConfigError) as caught:
        config(redact)
    return str(caught.value)


def shown(redact: str) -> str:
    loaded = load_config({}, CONFIGURED | {"DT_OTLP_LOGS_REDACT": redact})
    (origin,) = [origin for origin in loaded.origins if origin.key == "redact"]
    return origin.shown


def test_names_and_expressions_may_be_mixed() -> None:
    text = f"card 4111111111111111, dt0c01.{PUBLIC}.{SECRET}"
    mixtures: list[object] = [
        "\\d{16}\n dynatrace-token \n",
        ["Dynatrace-Token", r"\d{16}"],
        [re.compile(r"\d{16}"), "dynatrace_token"],
    ]
    for redact in mixtures:
        assert redacted(text, redact) == f"card ***, dt0c01.{PUBLIC}.***"
    assert redacted(text, r"\d{16}") == f"card ***, dt0c01.{PUBLIC}.{SECRET}"


def test_blanks_around_a_line_are_no_part_of_the_expression() -> None:
    # As in the block of a YAML file, or a text in code that is indented.
    assert redacted("say pass=hunter2 s", "\n    card\n    pass=\\S+\t\n  ") == "say *** s"
    assert redacted("a  b", "[ ]b ") == "a ***"


def test_in_a_list_each_expression_is_taken_as_it_is() -> None:
    assert redacted("a b", [" b"]) == "a***"


@pytest.mark.parametrize(
    "redact",
    [
        "dynatrace-tokens",
        "dynatrace-",
        "Dynatrace-Jwt",
        "dynatrace token",
        "dynatracetoken",
        "dynatrace-token,password=.*",
        "dynatrace-token;x",
        "password=.*, dynatrace_token",
        r"dynatrace-token\n\d{16}",
        "\\d{16}\ndynatrace-token # tokens",
    ],
)
def test_a_name_that_is_mistyped_or_not_alone_is_refused_since_it_would_match_nothing(redact: str) -> None:
    assert "expected regular expressions, or dynatrace-token on a line of its own" in problem(redact)


def test_an_expression_can_be_about_the_words_of_a_name() -> None:
    assert redacted("dynatrace-token=4711", r"dynatrace[-]token=\d+") == "***"


@pytest.mark.parametrize(
    "redact", ["x*", r"\b", "^", "$", "(?m)$", "|x", "x|", "(?=s)", "(?<=s)", r"\d*", "(?!x)", "()"]
)
def test_an_expression_that_matches_the_empty_text_is_refused(redact: str) -> None:
    assert "matches the empty text" in problem(redact)


def test_a_posix_class_is_refused_since_it_would_match_nothing() -> None:
    with pytest.warns(FutureWarning):
        assert "[:digit:]" in problem("card [[:digit:]]+")


@pytest.mark.parametrize("redact", ["(", ["(?P<a"], "a{3,2}", [7], [b"x"], [re.compile(b"x")], 7, {"a": 1}])
def test_what_is_no_expression_is_refused(redact: object) -> None:
    assert problem(redact).startswith("redact is ")


def test_neither_problems_nor_the_listing_show_an_expression_as_it_may_be_a_secret() -> None:
    assert (
        shown("hunter2\ndynatrace-token\n\\d{16}\x1b\ndynatrace-token")
        == "#1 (7 characters), dynatrace-token, #2 (7 characters)"
    )
    told = problem("hunter2\nhunter3(")
    assert "redact is #2 (8 characters)" in told
    assert "hunter" not in told


def test_without_a_pattern_none_is_shown() -> None:
    assert shown(" \n ") == "none"


def notes(redact: str) -> list[str]:
    return [note for note in config(redact).notes if note.startswith("redact")]


def test_it_is_said_once_that_expressions_run_without_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "is_available", lambda: False)
    (note,) = notes("a+\nb+\ndynatrace-token")
    assert "without a time limit" in note
    assert "dt-otlp-logs[redaction]" in note


def test_patterns_with_a_name_need_no_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "is_available", lambda: False)
    assert notes("dynatrace-token") == []


def test_with_the_library_nothing_is_said() -> None:
    pytest.importorskip("regex")
    assert notes("a+\ndynatrace-token\n\\{x\\}") == []


def test_an_expression_that_the_library_does_not_know_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "is_available", lambda: True)
    monkeypatch.setattr(reading, "time_limited", lambda pattern: None)
    assert notes("hunter2") == [
        "redact: #1 (7 characters) runs without a time limit: the library regex does not know it"
    ]
