"""What `redact` matches in a text, replaced by `***`.

Patterns with a name are quick with any text. An expression of the user's may take for ever: with the library `regex`
it has a time limit, and other threads go on meanwhile; without it, it runs as it is.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from dt_otlp_logs.config.named_patterns import SIGNS
from dt_otlp_logs.config.time_limited import time_limited

TOO_SLOW = "*** [dt_otlp_logs: left out, since redaction took too long]"

# More than an expression takes that is linear: regex reads four characters or more in a microsecond (measured). A
# fixed time alone would leave out the longest texts (10 MB). In CPU time of the thread.
_MOST_SECONDS = 0.1
_MOST_SECONDS_PER_CHARACTER = 1e-6

# As long as Python lets a thread run while others wait (sys.getswitchinterval). Handing over the interpreter for each
# text would cost a wait of that length each time, beside a thread that computes.
_SECONDS_ALONE = 0.005

# Around each match: a lone surrogate, since that is sent as its escape in any case.
_MARK = "\udfff"
_ESCAPED_MARK = r"\udfff"
_MARKED = rf"{_MARK}\g<0>{_MARK}"

_ANY_TEXT = ("",)

_Step = Callable[[str], str]


class Redaction:
    """Applies patterns in their order. ValueError if one matches the empty text or is for bytes."""

    def __init__(self, patterns: tuple[re.Pattern[str], ...]) -> None:
        for pattern in patterns:
            if not isinstance(pattern.pattern, str) or pattern.search(""):
                raise ValueError(f"{pattern.pattern!r} cannot redact: it has to match some text, and not the empty one")
        self._steps = tuple((SIGNS.get(pattern, _ANY_TEXT), _step(pattern)) for pattern in patterns)

    def redacted(self, text: str) -> str | None:
        """The text with each match, unless that is empty, as `***`; None if a time limit was exceeded."""
        # Once for all: what patterns leave of a text has no signs that the text did not have.
        lowered = text.lower()
        try:
            for signs, step in self._steps:
                for sign in signs:
                    if sign in lowered:
                        text = step(text)
                        break
        except TimeoutError:
            return None
        return text


def _step(pattern: re.Pattern[str]) -> _Step:
    if pattern in SIGNS:
        return lambda text: pattern.sub(r"\g<kept>***", text)
    limited = time_limited(pattern)
    return _unlimited(pattern) if limited is None else _limited(limited)


def _unlimited(pattern: re.Pattern[str]) -> _Step:
    return lambda text: pattern.sub(lambda match: _stars(match[0]), text)


def _limited(pattern: Any) -> _Step:
    def step(text: str) -> str:
        # Not a function as the replacement: at each call of one, Python lets other threads run, and `timeout` counts
        # the CPU time of the whole process.
        marked, matches = _marked(pattern, text.replace(_MARK, _ESCAPED_MARK))
        if not matches:
            return text
        parts = marked.split(_MARK)
        parts[1::2] = map(_stars, parts[1::2])
        return "".join(parts)

    return step


def _marked(pattern: Any, text: str) -> tuple[str, int]:
    """The text with its matches marked, and their number."""

    def marked(timeout_seconds: float, *, concurrent: bool) -> tuple[str, int]:
        result, matches = pattern.subn(_MARKED, text, timeout=timeout_seconds, concurrent=concurrent)
        return result, matches

    try:
        return marked(_SECONDS_ALONE, concurrent=False)
    except TimeoutError:
        most_seconds = _MOST_SECONDS + len(text) * _MOST_SECONDS_PER_CHARACTER
    begun = time.thread_time()
    try:
        return marked(most_seconds, concurrent=True)
    except TimeoutError:
        # Beside threads that compute it may be their time that is over: each match then waits for the interpreter.
        left_seconds = most_seconds - (time.thread_time() - begun)
        if left_seconds <= 0:
            raise
    return marked(left_seconds, concurrent=False)


def _stars(match: str) -> str:
    return "***" if match else ""
