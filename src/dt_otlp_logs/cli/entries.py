"""Lines to records: each line is recognised as JSON or text, and the lines of one record are put together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo

from dt_otlp_logs.cli.entry import Entry
from dt_otlp_logs.cli.json_lines import entry_of, parse_object
from dt_otlp_logs.cli.levels import level_of_letter, level_of_line
from dt_otlp_logs.cli.lines import Line
from dt_otlp_logs.cli.stack_traces import StackTraces
from dt_otlp_logs.cli.timestamps import read_stamp

# The deepest Python traceback shown is about 3,000 lines, a usual one below 100: an indented file is no record.
_MAX_RECORD_LINES = 500
_MAX_RECORD_CHARACTERS = 256_000


@dataclass(slots=True)
class ReadCounts:
    """What was read so far."""

    lines: int = 0
    records: int = 0
    blank: int = 0
    not_json: int = 0
    split: int = 0


class EntryReader:
    """Turns lines into records; the last one is held until a line that does not belong to it, or `flush`.

    A text record without a time of its own takes the time of the record before it, so that it stays beside it in
    Dynatrace; `live` input, and what comes before the first time, takes the time of reading.
    """

    def __init__(self, form: str, zone: tzinfo | None, now_unix_nano: Callable[[], int], *, live: bool = False) -> None:
        self.counts = ReadCounts()
        self._form = form
        self._zone = zone
        self._now_unix_nano = now_unix_nano
        self._live = live
        self._trace = StackTraces()
        self._blank_before: list[str] = []
        self._open: Entry | None = None
        self._open_lines: list[str] = []
        self._open_characters = 0
        self._last_time: int | None = None

    def feed(self, line: Line) -> Iterator[Entry]:
        """The records that `line` completes."""
        self.counts.lines += line.starts
        self.counts.split += line.starts and not line.ends
        if not line.starts or not line.ends:
            yield from self._close()
            yield from self._finish(self._text_entry(line.text) if line.starts else Entry(line.text))
            return
        fields = self._object(line.text)
        if fields is not None:
            yield from self._close()
            yield from self._finish(entry_of(line.text, fields, self._zone, self._now_unix_nano()))
            return
        yield from self._feed_text(line.text)

    def rest(self) -> Iterator[Entry]:
        """The record that is still open, now that the input rests: what comes later begins a new one."""
        yield from self._close()

    def flush(self) -> Iterator[Entry]:
        """The record that is still open; blank lines with nothing behind them are counted, not sent."""
        yield from self._close()
        self.counts.blank += len(self._blank_before)
        self._blank_before = []

    def _object(self, text: str) -> dict[str, object] | None:
        # An indented object may be part of a dump; where all is said to be JSON it is not.
        if self._form == "text" or (self._form == "auto" and not text.startswith("{")):
            return None
        return parse_object(text)

    def _feed_text(self, text: str) -> Iterator[Entry]:
        blank = _is_blank(text)
        if self._form == "json" and not blank:
            self.counts.not_json += 1
        if self._open is None and blank:
            self._blank_before.append(text)
            if len(self._blank_before) >= _MAX_RECORD_LINES:
                yield from self.flush()
            return
        entry = self._text_entry(text)
        if self._open is not None:
            fits = (
                len(self._open_lines) < _MAX_RECORD_LINES and self._open_characters + len(text) < _MAX_RECORD_CHARACTERS
            )
            if entry.time_unix_nano is None and fits and self._trace.continues(text):
                self._add(text)
                return
            yield from self._close()
            if blank:
                self._blank_before.append(text)
                return
        self._open = entry
        self._trace.begin(text, headed=entry.time_unix_nano is not None or entry.level is not None)
        self._open_characters = 0
        self._add(text)

    def _add(self, text: str) -> None:
        self._open_lines.append(text)
        self._open_characters += len(text) + 1

    def _text_entry(self, text: str) -> Entry:
        stamp = read_stamp(text, self._zone, self._now_unix_nano())
        if stamp is None:
            return Entry(text, None, level_of_line(text, None, 0))
        level = level_of_letter(stamp.letter) or level_of_line(text, stamp.start, stamp.end)
        return Entry(text, stamp.time_unix_nano, level)

    def _close(self) -> Iterator[Entry]:
        if self._open is not None:
            entry = replace(self._open, content="\n".join(self._open_lines))
            self._open, self._open_lines = None, []
            yield from self._finish(entry)

    def _finish(self, entry: Entry) -> Iterator[Entry]:
        if self._blank_before:
            entry = replace(entry, content="\n".join((*self._blank_before, entry.content)))
            self._blank_before = []
        if entry.time_unix_nano is None:
            before = None if self._live else self._last_time
            entry = replace(entry, time_unix_nano=self._now_unix_nano() if before is None else before)
        else:
            self._last_time = entry.time_unix_nano
        self.counts.records += 1
        yield entry


def _is_blank(text: str) -> bool:
    # Megabytes of spaces are a line like any other.
    return len(text) < 1_000 and not text.strip()
