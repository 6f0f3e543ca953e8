"""How the setting `redact` is read, and how it is shown."""

import difflib
import re
import string
from collections.abc import Iterable
from typing import Any

from dt_otlp_logs.config.masking import shown
from dt_otlp_logs.config.named_patterns import NAMED_PATTERNS
from dt_otlp_logs.config.problem import BadValueError
from dt_otlp_logs.config.setting import Given
from dt_otlp_logs.config.time_limited import is_available, time_limited

_NAMES = ", ".join(NAMED_PATTERNS)
_NAME_OF = {pattern: name for name, patterns in NAMED_PATTERNS.items() for pattern in patterns}
_WORDS = re.compile(r"[a-z -]+")
_POSIX_CLASS = re.compile(r"\[:\^?[a-z]+:\]")


def patterns(given: Given) -> tuple[re.Pattern[str], ...]:
    """Read regular expressions, and names of patterns."""
    # A comma has a meaning in regular expressions, a line end hardly ever: one expression a line.
    value = given.value
    parts = _lines(value) if isinstance(value, str) else [value] if isinstance(value, re.Pattern) else value
    if not isinstance(parts, (list, tuple)):
        raise BadValueError("regular expressions, one a line", f"a {type(value).__name__}")
    found: list[re.Pattern[str]] = []
    own = 0
    for part in parts:
        if isinstance(part, str) and not part.strip():
            continue
        named = NAMED_PATTERNS.get(_as_name(part))
        if named is not None:
            found += named
            continue
        own += 1
        found.append(_expression(part, _number(own, part)))
        _note_time(given, found[-1], own)
    return tuple(found)


def show_patterns(patterns: Iterable[re.Pattern[str]]) -> str:
    """Those with a name by their name, others by number and length: an expression may be a secret, written out."""
    own = 0
    words: dict[str, None] = {}
    for pattern in patterns:
        name = _NAME_OF.get(pattern)
        own += name is None
        words[name or _number(own, pattern)] = None
    return ", ".join(words) or "none"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def _as_name(part: object) -> str:
    return part.strip().lower().replace("_", "-") if isinstance(part, str) else ""


def _number(own: int, part: object) -> str:
    text = part.pattern if isinstance(part, re.Pattern) else part
    if not isinstance(text, str):
        return f"#{own} (a {type(part).__name__})"
    return f"#{own} ({len(text)} character{'s' * (len(text) != 1)})"


def _expression(part: Any, number: str) -> re.Pattern[str]:
    _check_names(part, number)
    try:
        pattern = re.compile(part)
    except (re.error, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise BadValueError(f"regular expressions, one a line; {error}", number) from None
    if not isinstance(pattern.pattern, str):
        raise BadValueError("regular expressions for text, not for bytes", number)
    if _POSIX_CLASS.search(pattern.pattern):
        raise BadValueError(
            r"\d, \w, [a-z] and the like: Python's expressions have no classes such as [:digit:]", number
        )
    # Single characters, since an expression that explodes would do it on a longer text here, too.
    if any(not match[0] for text in ("", *string.printable) for match in pattern.finditer(text)):
        raise BadValueError("regular expressions that match some text; this one matches the empty text", number)
    return pattern


def _check_names(part: object, number: str) -> None:
    # A name that is mistyped, or on one line with others, would be an expression that never matches.
    name = _as_name(part)
    is_one = _WORDS.fullmatch(name) and (
        name.startswith("dynatrace-") or difflib.get_close_matches(name, NAMED_PATTERNS, cutoff=0.8)
    )
    if is_one or any(known in name for known in NAMED_PATTERNS):
        raise BadValueError(
            f"regular expressions, or {_NAMES} on a line of its own (the word itself is found by dynatrace[-]token)",
            shown(part) if is_one else number,
        )


def _note_time(given: Given, pattern: re.Pattern[str], own: int) -> None:
    if not is_available():
        given.note(
            "redact: expressions of your own run without a time limit, and one that is slow with a long text stops the "
            "application for that time; with the extra dt-otlp-logs[redaction] they have one"
        )
    elif time_limited(pattern) is None:
        given.note(f"redact: {_number(own, pattern)} runs without a time limit: the library regex does not know it")
