"""A pattern that can be stopped: an expression compiled by the library `regex`, where it means almost the same.

Its word characters (`\\w`, and so `\\b`) include combining marks and circled letters, but not fractions and raised
digits (½, ²); its blanks (`\\s`) not the separators \\x1c to \\x1f. Turkish letters i are not always cases of i.

Python's own `re` holds the interpreter until it is done, which can be for ever, and nothing can end it.
https://pypi.org/project/regex/
"""

import re
from importlib.util import find_spec
from typing import Any

# regex reads a brace that is no repetition as one that allows for errors ("fuzzy matching"), `re` as itself.
_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.|\{(?:\d+,?\d*|,\d*)\})|\{", re.DOTALL)


def is_available() -> bool:
    """Whether the library is installed (the extra `redaction`)."""
    return find_spec("regex") is not None


def time_limited(pattern: re.Pattern[str]) -> Any | None:
    """The pattern as one of `regex`, whose methods take a `timeout` in seconds and raise `TimeoutError`.

    None if the library is not there, or does not know the expression.
    """
    try:
        import regex
    except ImportError:
        return None
    flags = regex.V0
    for ours, theirs in (
        (re.ASCII, regex.ASCII),
        (re.IGNORECASE, regex.IGNORECASE),
        (re.MULTILINE, regex.MULTILINE),
        (re.DOTALL, regex.DOTALL),
        (re.VERBOSE, regex.VERBOSE),
    ):
        if pattern.flags & ours:
            flags |= theirs
    try:
        return regex.compile(_BRACE.sub(lambda found: found[1] or r"\{", pattern.pattern), flags)
    except regex.error:
        return None
