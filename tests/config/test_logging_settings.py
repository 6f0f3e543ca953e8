"""The settings of what is sent: `level`, `loggers`, `capture_warnings`, `capture_unhandled`."""

import logging

import pytest

from dt_otlp_logs.config import Config, ConfigError, load_config

NEEDED = {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": "dt0c01.AAAAAAAAAAAAAAAAAAAAAAAA." + "B" * 64}


def load(settings: dict[str, object] | None = None, **environment: str) -> Config:
    return load_config(settings or {}, {**NEEDED, **environment})


def shown(config: Config, key: str) -> str:
    return next(origin.shown for origin in config.origins if origin.key == key)


def test_nothing_is_changed_unless_asked_for() -> None:
    config = load()
    assert (config.level, config.loggers) == (logging.NOTSET, ())
    assert (config.capture_warnings, config.capture_unhandled) == (False, False)


@pytest.mark.parametrize(
    ("text", "level"),
    # The names and numbers of docs.python.org/3/library/logging.html, Logging Levels.
    [("INFO", 20), ("info", 20), (" Warning ", 30), ("WARN", 30), ("CRITICAL", 50), ("NOTSET", 0), ("15", 15)],
)
def test_a_level_is_a_name_of_logging_or_a_number(text: str, level: int) -> None:
    assert load(DT_OTLP_LOGS_LEVEL=text).level == level


@pytest.mark.parametrize("given", [logging.ERROR, "error", "40"])
def test_a_level_in_code_wins_over_the_environments(given: object) -> None:
    assert load({"level": given}, DT_OTLP_LOGS_LEVEL="DEBUG").level == 40


@pytest.mark.parametrize("given", ["loud", "-1", "1.5", "True"])
def test_what_is_no_level_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="a level such as INFO"):
        load(DT_OTLP_LOGS_LEVEL=given)


def test_loggers_are_separated_by_commas_and_named_once() -> None:
    environment = "uvicorn.access, gunicorn.error,,uvicorn.access ,"
    assert load(DT_OTLP_LOGS_LOGGERS=environment).loggers == ("uvicorn.access", "gunicorn.error")
    assert load({"loggers": ["a", "b"]}).loggers == ("a", "b")
    assert load({"loggers": "a, b"}).loggers == ("a", "b")


def test_what_is_no_list_of_names_is_refused() -> None:
    with pytest.raises(ConfigError, match="names of loggers, separated by commas"):
        load({"loggers": [logging.getLogger("shop")]})


@pytest.mark.parametrize("key", ["capture_warnings", "capture_unhandled"])
def test_captures_are_switched_on_by_either(key: str) -> None:
    assert getattr(load({key: True}), key) is True
    assert getattr(load(**{f"DT_OTLP_LOGS_{key.upper()}": "true"}), key) is True
    with pytest.raises(ConfigError, match=key):
        load(**{f"DT_OTLP_LOGS_{key.upper()}": "maybe"})


def test_they_are_shown_in_words() -> None:
    config = load(DT_OTLP_LOGS_LEVEL="20", DT_OTLP_LOGS_LOGGERS="uvicorn.access,gunicorn.error")
    assert shown(config, "level") == "INFO"
    assert shown(config, "loggers") == "uvicorn.access, gunicorn.error"
    assert shown(load(), "loggers") == "none"
