"""Standard output as the shell gave it: closed, full, or with nobody reading; and the last words on stderr."""

import contextlib
import errno
import io
import os
import sys

from dt_otlp_logs.diagnostics import printable

_CANNOT_WRITE = "cannot write to standard output"
_OF_OUTPUT = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG)


def stand_in_if_closed() -> io.StringIO | None:
    """Started with `>&-` there is no `sys.stdout`: a stand-in takes its place, and shows whether it was missed."""
    if sys.stdout is not None:
        return None
    sys.stdout = stand_in = io.StringIO()
    return stand_in


def flush(stand_in: io.StringIO | None) -> str | None:
    """Write what is still to be written; why that is impossible, or None. A reader gone is BrokenPipeError."""
    if stand_in is not None:
        return "standard output is closed" if stand_in.getvalue() else None
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as problem:
        give_up()
        return f"{_CANNOT_WRITE}: {getattr(problem, 'strerror', None) or problem}"
    return None


def in_words(problem: OSError) -> str:
    """What an error says that nobody expected; unbuffered output fails where it is written, without a name."""
    reason = problem.strerror or str(problem)
    if problem.filename is not None:
        return printable(f"{problem.filename}: {reason}")
    return f"{_CANNOT_WRITE}: {reason}" if problem.errno in _OF_OUTPUT else reason


def give_up() -> None:
    """Nothing more to stdout, not even what Python still holds and would complain about at its end."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def complain(text: str) -> None:
    """Each line on stderr, with our name before it; without a stderr, nothing."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError, ValueError):
        for line in text.splitlines() or [""]:
            print(f"dt-otlp-logs: {line}", file=sys.stderr, flush=True)
