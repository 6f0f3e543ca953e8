"""Redaction of texts, and of what Dynatrace stores as text: what it finds."""

import re
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from dt_otlp_logs.config.named_patterns import NAMED_PATTERNS
from dt_otlp_logs.encoding import redaction
from dt_otlp_logs.encoding.any_value import ValueEncoder
from dt_otlp_logs.encoding.redaction import Redaction

CARD = "4111111111111111"
BASIC = "Basic YWRtaW46aHVudGVyMnNlY3JldA=="


def encoder(*patterns: str) -> ValueEncoder:
    named = [one for pattern in patterns for one in NAMED_PATTERNS.get(pattern, (re.compile(pattern),))]
    return ValueEncoder(tuple(named))


def sent(encoder: ValueEncoder, value: object, limit: int = 1_000, **options: Any) -> Any:
    message = AnyValue.FromString(encoder.any_value(value, limit, **options))
    kind = message.WhichOneof("value")
    return message if kind in ("kvlist_value", "array_value") else kind and getattr(message, kind)


def is_sent_as_it_is(encoder: ValueEncoder, value: object, **options: Any) -> bool:
    return encoder.any_value(value, 1_000, **options) == ValueEncoder().any_value(value, 1_000)


def test_an_empty_match_is_not_replaced() -> None:
    # `x|(?<=y)` matches an empty text only behind a y, which nobody can know beforehand.
    assert Redaction((re.compile("x|(?<=yy)"),)).redacted("yy x") == "yy ***"


@pytest.mark.parametrize(
    "value",
    [
        {"password": "hunter2"},
        {"a": {"password": "hunter2", "n": 1}},
        [{"password": "hunter2"}],
        [["password", "hunter2"]],
        {"password=hunter2": 3},
        {b"password": ("hunter2",)},
    ],
)
def test_a_secret_that_its_surroundings_tell_is_found_in_the_json_text(value: object) -> None:
    text = sent(encoder(r"password\W+\w+"), value)
    assert isinstance(text, str)
    assert "***" in text
    assert "hunter2" not in text


def test_the_rest_of_the_json_text_stays() -> None:
    headers = {"Accept": "*/*", "Authorization": BASIC, "n": 1.5}
    assert sent(encoder("dynatrace-token"), headers) == '{"Accept":"*/*","Authorization":"Basic ***","n":1.5}'
    assert sent(encoder("dynatrace-token"), [("Authorization", BASIC)]) == '[["Authorization","Basic ***"]]'


@pytest.mark.parametrize("value", [[int(CARD)], {"card": int(CARD)}, [float(CARD)], {CARD: 1}, {int(CARD): [True]}])
def test_numbers_and_names_inside_of_a_list_or_a_map_are_seen(value: object) -> None:
    text = sent(encoder(r"\d{16}"), value)
    assert "***" in text
    assert CARD not in text


@pytest.mark.parametrize("value", [{"a": "no secret", "b": [1, 2.5, None, True, b"x"]}, [], {}, ["x"], [[1]]])
def test_a_list_or_a_map_without_a_secret_stays_one(value: object) -> None:
    assert is_sent_as_it_is(encoder(r"\d{16}", "dynatrace-token"), value)


def test_a_map_whose_texts_are_redacted_stays_a_map() -> None:
    value = {"header": f"Authorization: {BASIC}", "Authorization": "Basic ***", "card": f"no {CARD}"}
    message = sent(encoder("dynatrace-token", r"\d{16}"), value)
    assert [pair.value.string_value for pair in message.kvlist_value.values] == [
        "Authorization: Basic ***",
        "Basic ***",
        "no ***",
    ]


def test_json_text_is_cut_to_the_limit_of_the_value_after_it_is_redacted() -> None:
    values = encoder(r"\d{16}")
    text = sent(values, ["x" * 80, int(CARD), "y" * 80], 100)
    assert len(text) <= 100
    assert text.endswith(" bytes]")
    assert "41" not in text.partition("...[")[0]
    assert values.truncated == 1


@pytest.mark.parametrize(
    ("value", "text"), [(int(CARD), "***"), (float(CARD), "***.0"), (-int(CARD), "-***"), (f"a {CARD}", "a ***")]
)
def test_as_the_content_a_number_is_seen_as_its_text(value: object, text: str) -> None:
    assert sent(encoder(r"\d{16}"), value, is_content=True) == text


def test_as_the_content_what_has_no_secret_stays_what_it_is() -> None:
    for value in (None, True, False, 42, 1.5, b"\xff", b"x", "x", float("nan")):
        assert is_sent_as_it_is(encoder(r"\d{16}"), value, is_content=True)


def test_elsewhere_a_single_number_stays_what_it_is() -> None:
    assert sent(encoder(r"\d{16}"), int(CARD)) == int(CARD)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_that_are_text_are_seen_as_their_text(kind: Any) -> None:
    values = encoder(r"\d{16}")
    assert sent(values, kind(f"card {CARD}".encode())) == "card ***"
    assert sent(values, {"a": [kind(CARD.encode())]}).kvlist_value.values[0].value.array_value.values[
        0
    ].string_value == ("***")
    assert sent(values, kind(b"card")) == b"card"


def test_bytes_that_are_no_text_stay_what_they_are() -> None:
    assert sent(encoder(r"\d{16}"), b"\xff" + CARD.encode()) == b"\xff" + CARD.encode()


def test_without_the_library_expressions_redact_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "time_limited", lambda pattern: None)
    assert Redaction((re.compile(r"\d{16}"), re.compile("x|(?<=yy)"))).redacted(f"{CARD} yy x") == "*** yy ***"


class Lowered(str):  # noqa: SLOT000 - it has an attribute
    """A text that counts how often it is made small letters of."""

    count = 0

    def lower(self) -> str:
        self.count += 1
        return super().lower()


def test_a_text_is_made_small_letters_of_once_for_all_patterns() -> None:
    text = Lowered("Nothing to see here.")
    assert Redaction((*NAMED_PATTERNS["dynatrace-token"], re.compile(r"\d{16}"))).redacted(text) == text
    assert text.count == 1
