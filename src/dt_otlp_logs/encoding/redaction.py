"""What `redact` matches in a text, replaced by `***`.

Patterns with a name are quick with any text. An expression of the user's may take for ever: with the library `regex`
it has a time limit, and other threads go on meanwhile; without it, it runs as it is.
"""

import re
from collections.abc import Callable
from typing import Any

from dt_otlp_logs.config.named_patterns import SIGNS
from dt_otlp_logs.config.time_limited import time_limited

TOO_SLOW = "*** [dt_otlp_logs: left out, since redaction took too long]"

# Far more than an expression takes that is linear: regex reads some 100 characters in a microsecond. A fixed time
# alone would leave out the longest texts (10 MB) on a slow machine. Measured in CPU time of the process.
_MOST_SECONDS = 0.1
_MOST_SECONDS_PER_CHARACTER = 1e-6

# As long as Python lets a thread run while others wait (sys.getswitchinterval). Handing over the interpreter for each
# text would cost a wait of that length each time, beside a thread that computes.
_SECONDS_ALONE = 0.005

_Step = Callable[[str], str]


class Redaction:
    """Applies patterns in their order. ValueError if one matches the empty text or is for bytes."""

    def __init__(self, patterns: tuple[re.Pattern[str], ...]) -> None:
        for pattern in patterns:
            if not isinstance(pattern.pattern, str) or pattern.search(""):
                raise ValueError(f"{pattern.pattern!r} cannot redact: it has to match some text, and not the empty one")
        self._steps = tuple(_step(pattern) for pattern in patterns)

    def redacted(self, text: str) -> str | None:
        """The text with each match, unless that is empty, as `***`; None if a time limit was exceeded."""
        try:
            for step in self._steps:
                text = step(text)
        except TimeoutError:
            return None
        return text


def _step(pattern: re.Pattern[str]) -> _Step:
    signs = SIGNS.get(pattern)
    if signs is not None:
        return _named(pattern, signs)
    limited = time_limited(pattern)
    return _unlimited(pattern) if limited is None else _limited(limited)


def _named(pattern: re.Pattern[str], signs: tuple[str, ...]) -> _Step:
    def step(text: str) -> str:
        lowered = text.lower()
        for sign in signs:
            if sign in lowered:
                return pattern.sub(r"\g<kept>***", text)
        return text

    return step


def _unlimited(pattern: re.Pattern[str]) -> _Step:
    return lambda text: pattern.sub(_stars, text)


def _limited(pattern: Any) -> _Step:
    def step(text: str) -> str:
        try:
            return str(pattern.sub(_stars, text, timeout=_SECONDS_ALONE, concurrent=False))
        except TimeoutError:
            most_seconds = _MOST_SECONDS + len(text) * _MOST_SECONDS_PER_CHARACTER
            return str(pattern.sub(_stars, text, timeout=most_seconds, concurrent=True))

    return step


def _stars(match: Any) -> str:
    return "***" if match[0] else ""
