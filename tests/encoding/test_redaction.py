"""Redaction of texts, and of what Dynatrace stores as text: the time it takes at most, and what it finds."""

import re
import threading
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from dt_otlp_logs.config.named_patterns import NAMED_PATTERNS
from dt_otlp_logs.config.time_limited import time_limited
from dt_otlp_logs.encoding import redaction
from dt_otlp_logs.encoding.any_value import ValueEncoder
from dt_otlp_logs.encoding.redaction import TOO_SLOW, Redaction

CARD = "4111111111111111"
BASIC = "Basic YWRtaW46aHVudGVyMnNlY3JldA=="

# Each takes longer than anybody waits, and not only in Python's `re`.
EXPLODES = "(a|aa)+$"
LONG = "a" * 60 + "!"


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


# A time limit, by the library `regex`.


@pytest.fixture
def regex() -> Any:
    return pytest.importorskip("regex")


def test_a_text_that_takes_too_long_is_replaced_as_a_whole_and_counted(regex: Any) -> None:
    values = encoder(EXPLODES)
    assert values.text(LONG, 1_000) == TOO_SLOW.encode()
    assert values.replaced == 1
    assert values.text("short aaaa", 1_000) == b"short ***"
    assert values.replaced == 1


@pytest.mark.parametrize(
    "pattern", [r"(\w+\s?)+=secret", r"[\w.+-]+@[\w-]+\.[\w.]+", r"(a+)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$"]
)
@pytest.mark.parametrize("text", ["a" * 27 + "!", "image: " + "iVBORw0K" * 10_000, "a@" * 40_000])
@pytest.mark.timeout(30)
def test_no_text_takes_more_than_a_moment(regex: Any, pattern: str, text: str) -> None:
    # Some of these take minutes, others years in Python's `re`.
    left = Redaction((re.compile(pattern),)).redacted(text)
    assert left is None or len(left) <= len(text)


def test_other_threads_go_on_meanwhile(regex: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_MOST_SECONDS", 600.0)
    started, done = threading.Event(), threading.Event()
    slow = redaction._limited(time_limited(re.compile(EXPLODES)))

    def run() -> None:
        started.set()
        slow("a" * 38 + "!")
        done.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(30)
    steps = 0
    while not done.is_set() and steps < 50:
        steps += 1
        done.wait(0.002)
    assert steps == 50


def test_an_expression_that_is_always_slow_does_not_hold_up_a_record_for_each_of_its_texts(regex: Any) -> None:
    values = encoder(EXPLODES)
    message = sent(values, [LONG] * 1_000)
    elements = [element.string_value for element in message.array_value.values]
    assert elements[:10] == [TOO_SLOW] * 10
    assert "further values left out" in elements[10]
    assert len(elements) == 11


PATTERNS = [
    *(r"\d{16}", r"\b4\d{15}\b", r"[\w.+-]+@[\w-]+\.[\w.]+", r"(?i)password\s*[=:]\s*\S+", r"(?<=token=)\w+"),
    *("password{e}", "a{e<=1}", "{e}x", r'{"token": "\w+"}', r"\{x\}", r"\\{e}", "[{}]x", "x{", r"\N{DIGIT ONE}1"),
    *("x{2}", "x{2,}", "x{,2}y", "x{2,3}?", r"(?x) to ken # {comment}", "(?s)begin.*end", "(?m)^key=.*$", r"(?a:\w+)y"),
    *("(a)?(?(1)b|c)", r"(?P<q>['\"])\w+(?P=q)", "(?<!x)secret(?!y)", r"[^\W\d_]{3}-\d+", r"\x41B"),
    *("straße", "(?i)STRASSE"),
]
TEXTS = [
    *(f"card {CARD}.", "bob.smith+x@mail.example.com", "PassWord = hunter2 x", "token=abc"),
    *(
        "password",
        "passwor{e}",
        "password{e}",
        "aa{e<=1}",
        "{e}x",
        '{"token": "abc"}',
        "{x}",
        "\\{e}",
        "}x{x",
        "x{",
        "11",
    ),
    *("xxxx", "xy xxy y", "token", "begin\nx\nend", "a\nkey=1\n", "ab y ä"),
    *("ab c", "'a' \"b\" 'c\"", "xsecret secrety secret", "abc-1 ABC-22", "AB"),
    *("Straße STRASSE strasse", ""),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_with_a_time_limit_an_expression_means_the_same(regex: Any, pattern: str) -> None:
    plain = re.compile(pattern)
    limited = time_limited(plain)
    assert limited is not None
    for text in TEXTS:
        assert [match.span() for match in limited.finditer(text)] == [match.span() for match in plain.finditer(text)]


@pytest.mark.parametrize("flag", [re.IGNORECASE, re.MULTILINE, re.DOTALL, re.VERBOSE, re.ASCII, 0])
def test_with_a_time_limit_the_flags_of_a_compiled_expression_hold(regex: Any, flag: int) -> None:
    plain = re.compile(r"^ä\w+ b.c$", flag)
    limited = time_limited(plain)
    assert limited is not None
    for text in ("äx b.c", "ÄX B.C", "y\näx bzc", "äx b\nc", "äxb.c", "ää b.c"):
        assert [match.span() for match in limited.finditer(text)] == [match.span() for match in plain.finditer(text)]


def test_without_the_library_expressions_redact_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "time_limited", lambda pattern: None)
    assert Redaction((re.compile(r"\d{16}"), re.compile("x|(?<=yy)"))).redacted(f"{CARD} yy x") == "*** yy ***"
