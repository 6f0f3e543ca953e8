"""Exceptions read back from text: `QueueHandler` merges them into the message before anybody else sees the record."""

import re
from dataclasses import dataclass

# What `traceback` writes (docs.python.org/3/library/traceback.html), and `logging.Formatter` appends to a message.
_TITLE = "Traceback (most recent call last):"
_HEADER = re.compile(r"^(  \+ Exception Group )?Traceback \(most recent call last\):\n", re.MULTILINE)
_FRAME = '  File "'
_GROUP_MARGIN = "  | "
_GROUP_MEMBERS = re.compile(r"\n  \+-\+-+ .*", re.DOTALL)
_CHAINED = (
    "\n\nThe above exception was the direct cause of the following exception:\n\n",
    "\n\nDuring handling of the above exception, another exception occurred:\n\n",
)
_EXCEPTION = re.compile(r"([^\W\d][\w.<>]*)(?:: (.*))?", re.DOTALL)
_STACK_TITLE = "\nStack (most recent call last):\n"


@dataclass(frozen=True, slots=True)
class TracebackText:
    """An exception as its traceback tells it; type and message are None where that cannot be told for sure."""

    stacktrace: str
    type: str | None = None
    message: str | None = None


def traceback_at_the_end(text: str) -> TracebackText | None:
    """The exception whose traceback ends a text, with those that it was raised from; None if there is none.

    Of several that are not linked as cause and effect, the message of the text or of the exception holds some. Which
    of them was raised is not to be seen, so that only the stack is answered. Notes of the exception
    (`add_note`) belong to its message, since nothing divides the two.
    """
    if _TITLE not in text:
        return None
    text = without_stack(text)[0].rstrip("\n")
    headers = list(_HEADER.finditer(text))
    if not headers:
        return None
    raised = _exception_after(headers[-1], text)
    if raised is None:
        return None
    first = len(headers) - 1
    while first > 0 and text.endswith(_CHAINED, 0, headers[first].start()):
        first -= 1
    stacktrace = text[headers[0].start() :]
    return TracebackText(stacktrace, *raised) if first == 0 else TracebackText(stacktrace)


def before_traceback(text: str) -> str:
    """A text without the exception and the stack that logging put at its end; all of it if one cannot tell."""
    message = without_stack(text)[0]
    found = traceback_at_the_end(text)
    if found is not None and found.type is not None:
        message = message.rstrip("\n").removesuffix(found.stacktrace).removesuffix("\n")
    return message or text


def without_stack(text: str) -> tuple[str, str | None]:
    """A text without the stack that `stack_info=True` put at its end, and that stack."""
    start = text.rfind(_STACK_TITLE)
    if start < 0:
        return text, None
    frames = text[start + len(_STACK_TITLE) :]
    if not frames.startswith(_FRAME) or not all(line.startswith("  ") for line in frames.split("\n")):
        return text, None
    return text[:start], text[start + 1 :]


def _exception_after(header: re.Match[str], text: str) -> tuple[str, str] | None:
    """Type and message of the exception below a traceback's title."""
    block = text[header.end() :]
    if header[1]:
        block = _GROUP_MEMBERS.sub("", block)
        lines = [line.removeprefix(_GROUP_MARGIN) for line in block.split("\n")]
    else:
        lines = block.split("\n")
    after_frames = next((at for at, line in enumerate(lines) if not line.startswith("  ")), None)
    if not lines[0].startswith(_FRAME) or after_frames is None:
        return None
    match = _EXCEPTION.fullmatch("\n".join(lines[after_frames:]))
    return (match[1], match[2] or "") if match else None
