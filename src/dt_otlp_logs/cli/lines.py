"""Bytes to lines: decoded, without their line ends, and none longer than memory allows."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

# Four bytes a character at most, and Dynatrace takes 10 MB of content: a longer line arrives in pieces.
MAX_LINE_CHARACTERS = 2_400_000

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32 first: its mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_MARK = 4
_BEGINNING_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the input, or a piece of one that is too long."""

    text: str
    starts: bool = True
    ends: bool = True


def looks_binary(beginning: bytes) -> bool:
    """Whether a file that begins so is probably no text: none holds a zero byte, but in UTF-16 and UTF-32."""
    return b"\0" in beginning[:_BEGINNING_BYTES] and not any(
        beginning.startswith(mark) for mark, encoding in _BYTE_ORDER_MARKS if encoding != "utf-8"
    )


class LineSplitter:
    """Cuts a stream of bytes into lines at every newline; `\\n` and `\\r\\n` end a line, a lone `\\r` is text.

    UTF-8 unless the stream begins with another byte order mark; bytes that are no text become backslash escapes.
    """

    def __init__(self, max_characters: int = MAX_LINE_CHARACTERS) -> None:
        self._max_characters = max_characters
        self._decoder: codecs.IncrementalDecoder | None = None
        self._first_bytes = b""
        self._rest: list[str] = []
        self._rest_characters = 0
        self._starts = True

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that `data` completes."""
        yield from self._split(self._decode(data, final=False))

    def flush(self, *, final: bool = True) -> Iterator[Line]:
        """The line that has no newline yet. `final`: nothing more follows, so half a character is bytes.

        Otherwise the input only rests: what comes before the next newline is the rest of this same line.
        """
        if final:
            yield from self._split(self._decode(b"", final=True))
        text = "".join(self._rest)
        if text:
            yield Line(text, self._starts)
        self._rest, self._rest_characters = [], 0
        self._starts = final or (self._starts and not text)
        if final:
            self._decoder, self._first_bytes = None, b""

    def _decode(self, data: bytes, *, final: bool) -> str:
        if self._decoder is None:
            data = self._first_bytes + data
            could_be_mark = any(mark.startswith(data) for mark, _ in _BYTE_ORDER_MARKS)
            if could_be_mark and len(data) < _LONGEST_MARK and not final:
                self._first_bytes = data
                return ""
            self._first_bytes = b""
            mark, encoding = next(
                ((mark, name) for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), (b"", "utf-8")
            )
            data = data[len(mark) :]
            self._decoder = codecs.getincrementaldecoder(encoding)(errors="backslashreplace")
        return self._decoder.decode(data, final)

    def _split(self, decoded: str) -> Iterator[Line]:
        *complete, rest = decoded.split("\n")
        for part in complete:
            yield from self._bounded(part)
            text = "".join(self._rest).removesuffix("\r")
            if text or self._starts:  # the newline after a piece ends that piece
                yield Line(text, self._starts)
            self._rest, self._rest_characters, self._starts = [], 0, True
        yield from self._bounded(rest)

    def _bounded(self, part: str) -> Iterator[Line]:
        """Add `part` to the line that is open; what exceeds the bound leaves as a piece."""
        while self._rest_characters + len(part) > self._max_characters:
            room = self._max_characters - self._rest_characters
            yield Line("".join((*self._rest, part[:room])), self._starts, ends=False)
            part = part[room:]
            self._rest, self._rest_characters, self._starts = [], 0, False
        if part:
            self._rest.append(part)
            self._rest_characters += len(part)
