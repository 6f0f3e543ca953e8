"""The loop of `send`: bytes from the source become lines, entries and batches, in order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dt_otlp_logs.cli.entries import EntryReader
from dt_otlp_logs.cli.entry import Entry
from dt_otlp_logs.cli.lines import Line, LineSplitter, looks_binary
from dt_otlp_logs.cli.source import Pause, Source, Wait

# Dynatrace's own collector sends 1,800 to 2,000 records at a time; half of it keeps the progress bar moving.
BATCH_RECORDS = 1_000
BATCH_CHARACTERS = 1_000_000
# What is read live should be seen soon, however slowly it comes.
BATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries to be sent together, and how much text they are."""

    entries: tuple[Entry, ...]
    characters: int


class BatchReader:
    """Reads a source to its end, in batches that are small enough to wait for.

    `at_end` tells whether it has come there; live input has its end where reading is stopped. `warn` is told, once,
    if the beginning does not look like a log.
    """

    def __init__(
        self,
        source: Source,
        entries: EntryReader,
        monotonic: Callable[[], float],
        splitter: LineSplitter,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._entries = entries
        self._monotonic = monotonic
        self._splitter = splitter
        self._warn = warn
        self.at_end = False
        self._batch: list[Entry] = []
        self._characters = 0
        self._since = 0.0

    def batches(self, wait: Wait) -> Iterator[Batch]:
        """All of it. A reading error passes through; what was read until then comes from `rest()`."""
        first = True
        for event in self._source.events(wait):
            if isinstance(event, Pause):
                self._collect(self._pause(event))
                yield from self._take()
                continue
            if first and looks_binary(event):
                self._warn("this does not look like a log: there are zero bytes in it; it is read all the same")
            first = False
            for line in self._splitter.feed(event):
                self._collect(self._feed(line))
                if len(self._batch) >= BATCH_RECORDS or self._characters >= BATCH_CHARACTERS:
                    yield from self._take()
            if self._source.live and self._batch and self._monotonic() - self._since >= BATCH_SECONDS:
                yield from self._take()
        self.at_end = self._source.live or not wait(0)

    def rest(self, *, cut: bool = False) -> Iterator[Batch]:
        """What is still held when nothing more is to come; `cut`: reading was broken off, amid a line most likely."""
        for line in () if cut else self._splitter.flush(final=True):
            self._collect(self._feed(line))
        self._collect(self._entries.flush())
        yield from self._take()

    def _pause(self, pause: Pause) -> Iterator[Entry]:
        if pause is Pause.WAITING:
            return
        for line in self._splitter.flush(final=pause is Pause.NEXT_FILE):
            yield from self._feed(line)
        if pause is Pause.QUIET:
            yield from self._entries.rest()

    def _feed(self, line: Line) -> Iterable[Entry]:
        self._characters += len(line.text)
        return self._entries.feed(line)

    def _collect(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if not self._batch:
                self._since = self._monotonic()
            self._batch.append(entry)

    def _take(self) -> Iterator[Batch]:
        if self._batch:
            batch = Batch(tuple(self._batch), self._characters)
            self._batch, self._characters = [], 0
            yield batch
