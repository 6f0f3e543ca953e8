"""The stock exporter under our configuration refuses what it would not do."""

from typing import Any

import pytest

from dt_otlp_logs import ConfigError, configure
from dt_otlp_logs.config import load_config
from dt_otlp_logs.stock import stock_exporter

ENVIRON = {"DT_ENDPOINT": "https://abc12345.live.dynatrace.com", "DT_API_TOKEN": "dt0c01.ABC.DEF"}


def problems(settings: dict[str, object], **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        stock_exporter(load_config(settings, ENVIRON | environ))
    return str(caught.value).splitlines()


@pytest.mark.parametrize("redact", ["dynatrace-token", ["hunter2"]])
def test_what_is_to_be_redacted_is_refused_since_it_would_be_sent_as_it_is(redact: Any) -> None:
    assert problems({"redact": redact}) == [
        "redact is set (in code); expected none, or another exporter than stock, which redacts nothing"
    ]


def test_the_variable_is_named_where_the_patterns_come_from() -> None:
    (line,) = problems({}, DT_OTLP_LOGS_REDACT="dynatrace-token")
    assert line.startswith("redact is set (from DT_OTLP_LOGS_REDACT)")


def test_all_problems_are_told_at_once() -> None:
    lines = problems({"redact": "hunter2", "endpoint": "http://localhost:14499/v2/logs/ingest"})
    assert [line.partition(" ")[0] for line in lines] == ["exporter", "redact"]


def test_configure_says_so() -> None:
    with pytest.raises(ConfigError, match="redact is set"):
        configure(ENVIRON["DT_ENDPOINT"], ENVIRON["DT_API_TOKEN"], exporter="stock", redact="hunter2", set_global=False)


def test_without_patterns_it_is_made() -> None:
    exporter = stock_exporter(load_config({}, ENVIRON))
    assert exporter._endpoint == "https://abc12345.live.dynatrace.com/api/v2/otlp/v1/logs"
    exporter.shutdown()
