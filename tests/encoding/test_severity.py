"""The severity text that is sent: whatever the record said, Dynatrace reads the status that was meant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs.encoding.limits import GRAIL
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, seal

# "Automatic log enrichment": the first row that the text begins with, and the status that goes with the loglevel.
PREFIXES = [
    ("emerg", "EMERGENCY", "ERROR"),
    ("f", "EMERGENCY", "ERROR"),
    ("e", "ERROR", "ERROR"),
    ("a", "ALERT", "ERROR"),
    ("c", "CRITICAL", "ERROR"),
    ("s", "SEVERE", "ERROR"),
    ("w", "WARN", "WARN"),
    ("n", "NOTICE", "INFO"),
    ("i", "INFO", "INFO"),
    ("d", "DEBUG", "INFO"),
    ("trace", "DEBUG", "INFO"),
    ("verbose", "DEBUG", "INFO"),
]


def read_by_dynatrace(text: str) -> tuple[str, str]:
    """The loglevel and the status of a severity text."""
    found = [(level, status) for prefix, level, status in PREFIXES if text.lower().startswith(prefix)]
    return found[0] if found else ("NONE", "NONE")


def sent(text: Any, number: Any, attributes: Any = None, encoder: OtlpEncoder | None = None) -> tuple[Any, Any, Any]:
    """Text and number of the severity, and `log.raw_level`."""
    record = LogRecord(timestamp=1, severity_text=text, severity_number=number, body="x")
    record.attributes = attributes
    batch = [ReadableLogRecord(record, Resource({}), None)]
    encoded = (encoder or OtlpEncoder(GRAIL)).encode(batch)
    request = ExportLogsServiceRequest.FromString(decompress(seal(encoded.groups)))
    message = request.resource_logs[0].scope_logs[0].log_records[0]
    raw = [pair.value.string_value for pair in message.attributes if pair.key == "log.raw_level"]
    assert len(raw) <= 1
    return message.severity_text, message.severity_number, raw[0] if raw else None


BY_NUMBER = {1: "TRACE", 5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "CRITICAL"}


@pytest.mark.parametrize("number", range(1, 25))
@pytest.mark.parametrize("text", [None, ""])
def test_a_number_alone_has_its_word(number: int, text: str | None) -> None:
    word = BY_NUMBER[(number - 1) // 4 * 4 + 1]
    assert sent(text, SeverityNumber(number)) == (word, number, None)
    assert sent(text, number) == (word, number, None)


@pytest.mark.parametrize(
    ("text", "number", "word", "raw_level"),
    [
        # Python's levels, as OpenTelemetry's handlers have written them over time.
        ("DEBUG", 5, "DEBUG", None),
        ("INFO", 9, "INFO", None),
        ("WARNING", 13, "WARN", None),
        ("WARN", 13, "WARN", None),
        ("ERROR", 17, "ERROR", None),
        ("CRITICAL", 21, "CRITICAL", None),
        ("FATAL", 21, "CRITICAL", "FATAL"),
        # loguru
        ("TRACE", 1, "TRACE", None),
        ("TRACE", 5, "TRACE", None),
        ("SUCCESS", 9, "INFO", "SUCCESS"),
        ("SUCCESS", 10, "INFO", "SUCCESS"),
        # structlog writes small letters.
        ("info", 9, "INFO", None),
        ("warning", 13, "WARN", None),
        ("Critical", 21, "CRITICAL", None),
        # syslog
        ("notice", 10, "NOTICE", None),
        ("NOTICE", 9, "NOTICE", None),
        ("alert", 21, "ALERT", None),
        ("EMERGENCY", 24, "EMERGENCY", None),
        ("emerg", 24, "CRITICAL", "emerg"),
        ("err", 17, "ERROR", "err"),
        ("SEVERE", 17, "SEVERE", None),
        # Levels of one's own, and texts that mean something else than the number.
        ("NOTSET", 1, "TRACE", "NOTSET"),
        ("Level 25", 12, "INFO", "Level 25"),
        ("AUDIT", 9, "INFO", "AUDIT"),
        ("started", 9, "INFO", "started"),
        ("ERROR", 9, "INFO", "ERROR"),
        ("INFO", 17, "ERROR", "INFO"),
        ("WARNING", 17, "ERROR", "WARNING"),
        ("NOTICE", 13, "WARN", "NOTICE"),
        ("FATAL", 13, "WARN", "FATAL"),
        ("INFORMATION", 9, "INFO", "INFORMATION"),
        (" INFO ", 9, "INFO", None),
    ],
)
def test_a_number_decides_and_the_text_keeps_its_word_if_it_means_the_same(
    text: str, number: int, word: str, raw_level: str | None
) -> None:
    assert sent(text, SeverityNumber(number)) == (word, number, raw_level)


@pytest.mark.parametrize("number", [None, SeverityNumber.UNSPECIFIED, 0, 25, -1, "INFO"])
@pytest.mark.parametrize(
    ("text", "word", "raw_level"),
    [
        ("TRACE", "TRACE", None),
        ("debug", "DEBUG", None),
        ("INFO", "INFO", None),
        ("NOTICE", "NOTICE", None),
        ("Warning", "WARN", None),
        ("warn", "WARN", None),
        ("ERROR", "ERROR", None),
        ("SEVERE", "SEVERE", None),
        ("CRITICAL", "CRITICAL", None),
        ("ALERT", "ALERT", None),
        ("EMERGENCY", "EMERGENCY", None),
        ("FATAL", "CRITICAL", "FATAL"),
        ("SUCCESS", "INFO", "SUCCESS"),
        ("emerg", "EMERGENCY", "emerg"),
        ("crit", "CRITICAL", "crit"),
        ("err", "ERROR", "err"),
        ("CONFIG", "DEBUG", "CONFIG"),
        ("FINE", "DEBUG", "FINE"),
        ("FINER", "DEBUG", "FINER"),
        ("FINEST", "TRACE", "FINEST"),
        ("VERBOSE", "DEBUG", "VERBOSE"),
        ("Information", "INFO", "Information"),
        ("WARN2", "WARN", "WARN2"),
        ("FATAL4", "CRITICAL", "FATAL4"),
        # What could be anything is none: Dynatrace would make errors of most of these.
        ("NOTSET", "", "NOTSET"),
        ("NONE", "", "NONE"),
        ("ok", "", "ok"),
        ("failed", "", "failed"),
        ("started", "", "started"),
        ("audit", "", "audit"),
        ("30", "", "30"),
        ("", "", None),
        ("  ", "", None),
        (None, "", None),
    ],
)
def test_without_a_number_only_a_known_word_is_sent(
    number: Any, text: str | None, word: str, raw_level: str | None
) -> None:
    assert sent(text, number) == (word, 0, raw_level)


@given(st.sampled_from(range(1, 25)), st.none() | st.text(max_size=12) | st.sampled_from([p for p, _, _ in PREFIXES]))
def test_dynatrace_reads_the_status_of_the_number_whatever_the_text(number: int, text: str | None) -> None:
    word, _, raw_level = sent(text, SeverityNumber(number))
    assert read_by_dynatrace(word)[1] == ("INFO" if number <= 12 else "WARN" if number <= 16 else "ERROR")
    # It is a word that stays what it is; TRACE, which the table makes DEBUG, is one of the semantic dictionary.
    assert read_by_dynatrace(word)[0] == ("DEBUG" if word == "TRACE" else word)
    if text and text.strip() and raw_level is None:
        assert text.strip().upper() in (word, "WARNING")


@given(st.text(max_size=12))
def test_a_text_alone_is_never_read_as_more_than_it_says(text: str) -> None:
    word, _, raw_level = sent(text, None)
    assert word or raw_level == text or not text.strip()


def test_a_raw_level_that_the_record_has_already_is_kept() -> None:
    assert sent("SUCCESS", SeverityNumber.INFO, {"log.raw_level": "25"}) == ("INFO", 9, "25")


def test_severities_are_remembered_by_text_and_number() -> None:
    encoder = OtlpEncoder(GRAIL)
    for _ in range(2):
        assert sent("SUCCESS", SeverityNumber.INFO, None, encoder) == ("INFO", 9, "SUCCESS")
        assert sent("SUCCESS", SeverityNumber.ERROR, None, encoder) == ("ERROR", 17, "SUCCESS")
        assert sent("SUCCESS", None, None, encoder) == ("INFO", 0, "SUCCESS")
        assert sent(None, SeverityNumber.ERROR, None, encoder) == ("ERROR", 17, None)


def levelled(attributes: dict[str, Any], *, body: Any = "x", structure: Any = None, **severity: Any) -> Any:
    """The severity text that is sent, and the attributes."""
    record = LogRecord(timestamp=1, body=body, **severity)
    record.attributes = attributes
    encoded = OtlpEncoder(GRAIL, structure=structure).encode([ReadableLogRecord(record, Resource({}), None)])
    request = ExportLogsServiceRequest.FromString(decompress(seal(encoded.groups)))
    message = request.resource_logs[0].scope_logs[0].log_records[0]
    return message.severity_text, {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in message.attributes
    }


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"level": "error"}, "ERROR"),
        ({"Level": "Warning"}, "WARN"),
        ({"severity": "success"}, "INFO"),
        ({"syslog.severity": "crit"}, "CRITICAL"),
        # The first in Dynatrace's order whose word is known: loglevel, status, severity, level, syslog.severity.
        ({"level": "warn", "severity": "error"}, "ERROR"),
        ({"severity": "sev-2", "level": "warn"}, "WARN"),
        ({"severity": 2, "level": "warn"}, "WARN"),
        # What is no known word is no level: Dynatrace would make SEVERE of sev-2 and DEBUG of done.
        ({"level": 12}, "NONE"),
        ({"level": "boss fight"}, "NONE"),
        ({"severity": "sev-2", "level": "done"}, "NONE"),
        ({"syslog.severity": 3}, "NONE"),
        ({"level": True, "z": 1.5}, "NONE"),
        ({"levels": "error", "log.level": "error"}, ""),
    ],
)
def test_without_severity_an_attribute_may_say_the_level_and_stays(attributes: dict[str, Any], word: str) -> None:
    assert levelled(attributes) == (word, attributes)


class Key(str):
    """A name with its own idea of small letters."""

    __slots__ = ()

    def lower(self) -> str:
        return "level" if self == "other" else "other"


def test_a_name_is_read_as_the_text_it_is() -> None:
    assert levelled({Key("Level"): "error"})[0] == "ERROR"
    assert levelled({Key("other"): "error"})[0] == ""
    assert levelled({7: "error"})[0] == ""


@pytest.mark.parametrize("severity", [{"severity_number": SeverityNumber.INFO}, {"severity_text": "INFO"}])
def test_with_a_severity_attributes_say_nothing_of_the_level(severity: dict[str, Any]) -> None:
    attributes = {"level": 12, "severity": "error"}
    assert levelled(attributes, **severity) == ("INFO", attributes)


def test_a_severity_text_that_is_no_word_lets_an_attribute_speak() -> None:
    assert levelled({"level": "error"}, severity_text="ok") == ("ERROR", {"level": "error", "log.raw_level": "ok"})


@pytest.mark.parametrize(
    ("attributes", "word", "kept"),
    [
        # As a severity text: the server's own name cannot stay an attribute.
        ({"loglevel": "error"}, "ERROR", {}),
        ({"LogLevel": "Warning"}, "WARN", {}),
        ({"loglevel": "success"}, "INFO", {"log.raw_level": "success"}),
        ({"loglevel": "success", "log.raw_level": "25"}, "INFO", {"overwritten1.loglevel": "success"}),
        ({"loglevel": "boss"}, "NONE", {"overwritten1.loglevel": "boss"}),
        ({"loglevel": 7, "level": "warn"}, "WARN", {"overwritten1.loglevel": 7, "level": "warn"}),
        ({"status": "error"}, "ERROR", {"overwritten1.status": "error"}),
        ({"status": 404}, "NONE", {"overwritten1.status": 404}),
    ],
)
def test_a_name_that_the_server_fills_is_kept_under_another(
    attributes: dict[str, Any], word: str, kept: dict[str, Any]
) -> None:
    raw_level = {"log.raw_level": attributes["log.raw_level"]} if "log.raw_level" in attributes else {}
    assert levelled(attributes) == (word, {**raw_level, **kept})


@pytest.mark.parametrize(
    ("body", "attributes", "word"),
    [
        ({"message": "m", "level": "error"}, {}, "ERROR"),
        ({"message": "m", "level": "error"}, {"level": "info"}, "ERROR"),
        ({"message": "m", "level": 12}, {"level": "info"}, "INFO"),
        ({"message": "m", "level": 12}, {}, "NONE"),
        ({"message": "m", "status": "shipped"}, {}, "NONE"),
        ({"message": "m", "other": "error"}, {}, ""),
    ],
)
def test_the_keys_of_a_map_as_the_body_may_say_the_level_where_it_is_flattened(
    body: dict[str, Any], attributes: dict[str, Any], word: str
) -> None:
    assert levelled(attributes, body=body, structure="flattened") == (word, attributes)
    # In raw mode the map is one text, and Dynatrace looks at the attributes only.
    in_attributes = level.upper() if (level := attributes.get("level", "")) else ""
    assert levelled(attributes, body=body, structure="raw") == (in_attributes, attributes)
