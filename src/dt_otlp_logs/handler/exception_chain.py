"""Chains of exceptions too long to be told as a whole, as a loop makes them that tries again and again."""

import traceback
from types import TracebackType

from dt_otlp_logs.encoding.plain_value import class_name, words

# Formatting 100 exceptions takes some milliseconds, during which the application waits.
_LONGEST = 100
# How far back the first one is looked for, which takes about a millisecond.
_FARTHEST = 10_000

# As `traceback` writes it.
_TITLE = "Traceback (most recent call last):\n"
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def long_chain(error: BaseException) -> str | None:
    """The first and the last exceptions of a chain of more than 100, the root cause first; None for a shorter chain.

    Raises what the exceptions' own code raises.
    """
    chain = _links(error)
    if len(chain) <= _LONGEST:
        return None
    half = _LONGEST // 2
    before = "(what came before is left out)\n\n" if len(chain) == _FARTHEST else ""
    left_out = f"\n(exceptions of this chain that are left out: {len(chain) - 2 * half})\n\n"
    return before + _linked(chain[: -half - 1 : -1]) + left_out + _linked(chain[half - 1 :: -1])


def _linked(links: list[BaseException]) -> str:
    parts: list[str] = []
    for number, link in enumerate(links):
        if number:
            parts.append(_CAUSE if link.__cause__ is links[number - 1] else _CONTEXT)
        parts.append(told(type(link), words(link), link.__traceback__))
    return "".join(parts)


def told(kind: type[BaseException], message: str, trace: TracebackType | None) -> str:
    """One exception alone."""
    frames = "" if trace is None else _TITLE + "".join(traceback.format_tb(trace))
    return f"{frames}{class_name(kind)}{message and ': '}{message}\n"


def _links(error: BaseException | None) -> list[BaseException]:
    """The exception, the one that it was raised from or while handling, and so on."""
    links: list[BaseException] = []
    seen: set[int] = set()
    while error is not None and len(links) < _FARTHEST and id(error) not in seen:
        links.append(error)
        seen.add(id(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return links
