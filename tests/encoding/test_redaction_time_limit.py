"""The time that redaction takes at most, and that an expression means the same with a time limit."""

import re
import threading
from typing import Any

import pytest

from dt_otlp_logs.config.time_limited import time_limited
from dt_otlp_logs.encoding import redaction
from dt_otlp_logs.encoding.any_value import ValueEncoder
from dt_otlp_logs.encoding.redaction import TOO_SLOW, Redaction

CARD = "4111111111111111"

# Each takes longer than anybody waits, and not only in Python's `re`.
EXPLODES = "(a|aa)+$"
LONG = "a" * 60 + "!"


def encoder(pattern: str) -> ValueEncoder:
    return ValueEncoder((re.compile(pattern),))


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


@pytest.mark.parametrize("size_bytes", [32_000, pytest.param(500_000, marks=pytest.mark.slow)])
def test_a_linear_expression_leaves_out_no_text_beside_busy_threads(regex: Any, size_bytes: int) -> None:
    line = "2024-01-01 order 12345 for bob.smith@example.com shipped from warehouse seven, and so on\n"
    text = line * (size_bytes // len(line))
    redaction = Redaction((re.compile(r"[\w.+-]+@[\w.-]+\.\w+"),))
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(1_000))

    threads = [threading.Thread(target=compute, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        left = [redaction.redacted(text) for _ in range(3)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert left == [text.replace("bob.smith@example.com", "***")] * 3


class Busy:
    """In place of a compiled expression: its first attempts are over time."""

    def __init__(self, over_time: int, clock: list[float], seconds_each: float) -> None:
        self._over_time = over_time
        self._clock = clock
        self._seconds_each = seconds_each
        self.attempts: list[tuple[bool, float]] = []

    def subn(self, replacement: object, text: str, *, timeout: float, concurrent: bool) -> tuple[str, int]:
        # A function would let other threads run, also where the interpreter is not given up.
        assert isinstance(replacement, str)
        self.attempts.append((concurrent, timeout))
        self._clock[0] += self._seconds_each
        if len(self.attempts) <= self._over_time:
            raise TimeoutError
        return text, 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [5.0]
    monkeypatch.setattr(redaction.time, "thread_time", lambda: now[0])
    return now


def test_time_that_other_threads_took_is_no_reason_to_leave_a_text_out(clock: list[float]) -> None:
    pattern = Busy(2, clock, 0.02)
    assert redaction._limited(pattern)("a" * 100_000) == "a" * 100_000
    # 100 ms and 1 \N{MICRO SIGN}s a character; of these the second attempt took 20 ms itself.
    assert pattern.attempts == [(False, 0.005), (True, pytest.approx(0.2)), (False, pytest.approx(0.18))]


def test_time_that_an_expression_took_itself_is(clock: list[float]) -> None:
    pattern = Busy(2, clock, 0.2)
    with pytest.raises(TimeoutError):
        redaction._limited(pattern)("a" * 100_000)
    assert [concurrent for concurrent, _ in pattern.attempts] == [False, True]


@pytest.mark.parametrize("text", ["yy x", "yyx", "xyyxx", "x", "y", "", "\udfffx", "yy\udfff", "\udfff\udfffyyx\udfff"])
@pytest.mark.parametrize("pattern", ["x|(?<=yy)", "(?<=yy)|x", "(?<=y)x*", "[xy]", "(x)(?P<name>y)?"])
def test_with_a_time_limit_a_text_is_sent_the_same(
    regex: Any, monkeypatch: pytest.MonkeyPatch, pattern: str, text: str
) -> None:
    limited = encoder(pattern).text(text, 1_000)
    monkeypatch.setattr(redaction, "time_limited", lambda pattern: None)
    assert limited == encoder(pattern).text(text, 1_000)


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


@pytest.mark.parametrize(
    ("pattern", "character", "is_plain"),
    [
        (r"\w", "\N{VULGAR FRACTION ONE HALF}", True),
        (r"\w", "\N{SUPERSCRIPT TWO}", True),
        (r"\w", "\N{COMBINING ACUTE ACCENT}", False),
        (r"\s", "\x1c", True),
        ("(?i)i", "\N{LATIN SMALL LETTER DOTLESS I}", True),
        ("(?i)I+", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", True),
    ],
)
def test_the_characters_that_the_library_takes_otherwise(
    regex: Any, pattern: str, character: str, is_plain: bool
) -> None:
    # As `time_limited` says; one that is equal at last can be left out there.
    plain = re.compile(pattern)
    limited = time_limited(plain)
    assert limited is not None
    assert (plain.search(character) is not None, limited.search(character) is not None) == (is_plain, not is_plain)
