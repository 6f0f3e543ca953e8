"""Which lines belong to the record before them: the rest of a stack trace, and what a header line indents.

A line with a timestamp of its own always begins a record. Otherwise it continues the record before it when
- it is blank,
- it is indented, and that record begins with a timestamp or a level, or is a stack trace,
- it is a line only stack traces have (a frame, `Caused by:`, `... 12 more`),
- it begins a trace (`Traceback ...`, `java.io.IOException: ...`) right after such a header line, or
- it is the last line of a Python traceback (`ValueError: ...`), or a separator between two chained ones.
"""

import re
from enum import Enum

_PYTHON_TRACE = re.compile(r"\s*(?:[|+] +)*(?:Exception Group )?Traceback \(most recent call last\):")
_PYTHON_CHAIN = re.compile(
    r"\s*(?:\| +)*(?:During handling of the above exception, another exception occurred:"
    r"|The above exception was the direct cause of the following exception:)"
)
# `ValueError: bad`, `KeyboardInterrupt`, `shop.f.<locals>.Broken: msg`; a dotted or capitalised name, no sentence.
_PYTHON_END = re.compile(r"[A-Za-z_][\w.<>]*(?::(?: .*)?)?$", re.DOTALL)
_FRAME = re.compile(r"\s+(?:at \S|File \".*\", line \d+|\.\.\. \d+ (?:more|common frames omitted)|Suppressed: )")
_CAUSE = re.compile(r"(?:Caused by: |Suppressed: |Wrapped by: |\.\.\. \d+ more)")
_JAVA_TRACE = re.compile(
    r"(?:Exception in thread \".*\" )?(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable)[\w$]*(?::.*)?$", re.DOTALL
)


class _Trace(Enum):
    NONE = "no trace in this record"
    OPEN = "frames may follow"
    PYTHON = "frames, then the exception's own line"
    CHAINED = "another traceback follows"
    CLOSED = "the exception's own line was seen"


class StackTraces:
    """Follows one record: `begin` with its first line, then ask `continues` for every line after it."""

    def __init__(self) -> None:
        self._headed = False
        self._trace = _Trace.NONE

    def begin(self, text: str, *, headed: bool) -> None:
        """A record begins; `headed`: its first line carries a timestamp or a level."""
        self._headed = headed
        self._trace = _Trace.NONE
        if _PYTHON_TRACE.match(text):
            self._trace = _Trace.PYTHON
        elif _JAVA_TRACE.match(text):
            self._trace = _Trace.OPEN

    def continues(self, text: str) -> bool:
        """Whether this line, which has no timestamp, belongs to the record; if so it is part of it from now on."""
        if not text or text.isspace():
            return True
        if text[0] in " \t":
            return self._indented(text)
        return self._flush_left(text)

    def _indented(self, text: str) -> bool:
        if _PYTHON_TRACE.match(text) and (self._headed or self._trace is not _Trace.NONE):
            self._trace = _Trace.PYTHON
        elif _FRAME.match(text) and self._trace in (_Trace.NONE, _Trace.CLOSED):
            self._trace = _Trace.OPEN
        return self._headed or self._trace is not _Trace.NONE

    def _flush_left(self, text: str) -> bool:
        begun = self._trace is not _Trace.NONE
        if _PYTHON_TRACE.match(text):
            joins = self._trace is _Trace.CHAINED or (self._headed and not begun)
            self._trace = _Trace.PYTHON if joins else self._trace
            return joins
        if _PYTHON_CHAIN.match(text) and begun:
            self._trace = _Trace.CHAINED
            return True
        if self._trace is _Trace.PYTHON and _PYTHON_END.match(text):
            self._trace = _Trace.CLOSED
            return True
        if _CAUSE.match(text) and (begun or self._headed):
            self._trace = _Trace.OPEN
            return True
        if _JAVA_TRACE.match(text) and self._headed and not begun:
            self._trace = _Trace.OPEN
            return True
        return False
