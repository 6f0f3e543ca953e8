"""Texts for which redaction takes too long: ten are enough of one record, and of a resource they are tried once."""

import re
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource

from dt_otlp_logs.encoding.limits import GRAIL
from dt_otlp_logs.encoding.otlp import Encoded, OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, seal
from dt_otlp_logs.encoding.redaction import TOO_SLOW, Redaction

PATTERN = re.compile("secret")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that begin with `slow` and were read: for these redaction takes too long."""
    read: list[str] = []
    redacted = Redaction.redacted

    def over_time(self: Redaction, text: str) -> str | None:
        if "slow" not in text:
            return redacted(self, text)
        read.append(text)
        return None

    monkeypatch.setattr(Redaction, "redacted", over_time)
    return read


def readable(attributes: Any = None, resource: Resource | None = None, body: Any = "x") -> ReadableLogRecord:
    record = LogRecord(timestamp=1, body=body)
    record.attributes = attributes
    return ReadableLogRecord(record, resource or Resource({}), None)


def texts(pairs: Any) -> list[str]:
    return [pair.value.string_value for pair in pairs]


def sent(encoded: Encoded) -> Any:
    return ExportLogsServiceRequest.FromString(decompress(seal(encoded.groups))).resource_logs[0]


def test_ten_such_attributes_are_enough_of_a_record(slow: list[str]) -> None:
    many = {f"key{number}": f"slow {number}" for number in range(100)}
    encoded = OtlpEncoder(GRAIL, redact=(PATTERN,)).encode([readable(many), readable({"a": "a secret"})])
    first, second = sent(encoded).scope_logs[0].log_records
    assert len(slow) == 10
    assert texts(first.attributes) == [TOO_SLOW] * 100
    assert texts(second.attributes) == ["a ***"]
    assert encoded.replaced == 100


def test_what_is_not_read_any_more_is_not_sent(slow: list[str]) -> None:
    values = {f"key{number}": f"slow {number}" for number in range(10)} | {"a": "a secret", "b": ["secret"], "c": 7}
    encoded = OtlpEncoder(GRAIL, redact=(PATTERN,)).encode([readable(values)])
    (record,) = sent(encoded).scope_logs[0].log_records
    assert texts(record.attributes)[10:12] == [TOO_SLOW] * 2
    assert record.attributes[12].value.int_value == 7


@pytest.mark.parametrize(
    "value", [["slow"] * 1_000, {str(number): "slow" for number in range(1_000)}, [["slow"] * 500]]
)
def test_ten_such_texts_are_enough_of_a_list_or_a_map(slow: list[str], value: object) -> None:
    encoded = OtlpEncoder(GRAIL, redact=(PATTERN,)).encode([readable({"a": value})])
    (record,) = sent(encoded).scope_logs[0].log_records
    assert len(slow) == 10
    assert texts(record.attributes) == [TOO_SLOW]


def test_a_record_that_is_too_large_is_redacted_all_the_same() -> None:
    # A list with more elements than a record may have leaves nothing of its allowance.
    encoded = OtlpEncoder(GRAIL, redact=(PATTERN,)).encode([readable({"a": "a secret"}, body=["x"] * 300_000)])
    (record,) = sent(encoded).scope_logs[0].log_records
    assert [pair.value.string_value for pair in record.attributes if pair.key == "a"] == ["a ***"]


@pytest.mark.parametrize("others", [{}, {"odd": {1, 2}}, {"list": ["slow"]}])
def test_a_resource_with_such_texts_is_read_once_and_not_for_each_batch(slow: list[str], others: Any) -> None:
    encoder = OtlpEncoder(GRAIL, redact=(PATTERN,))
    resource = Resource({})
    resource._attributes = {"service.name": "shop", "note": "slow", **others}  # type: ignore[assignment]
    first = encoder.encode([readable(resource=resource)])
    read = len(slow)
    assert read >= 1
    assert first.replaced >= 1
    for _ in range(3):
        again = encoder.encode([readable(resource=resource)])
        assert sent(again).resource == sent(first).resource
    assert len(slow) == read
    assert TOO_SLOW in texts(sent(first).resource.attributes)


def test_a_resource_with_other_values_that_were_replaced_is_read_again(slow: list[str]) -> None:
    encoder = OtlpEncoder(GRAIL, redact=(PATTERN,))
    resource = Resource({})
    resource._attributes = {"odd": {1, 2}}  # type: ignore[assignment]
    assert [encoder.encode([readable(resource=resource)]).replaced for _ in range(3)] == [1, 1, 1]
