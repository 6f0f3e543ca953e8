"""`dt-otlp-logs send FILE|-`: an existing log, line by line, to Dynatrace."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from dt_otlp_logs.cli.entries import EntryReader
from dt_otlp_logs.cli.failure import CommandFailed, UsageError
from dt_otlp_logs.cli.followed_file import FollowedFile
from dt_otlp_logs.cli.lines import LineSplitter
from dt_otlp_logs.cli.preview import preview, show
from dt_otlp_logs.cli.progress import Progress
from dt_otlp_logs.cli.reading import Batch, BatchReader
from dt_otlp_logs.cli.records import RecordMaker, describe_sender
from dt_otlp_logs.cli.send_arguments import add_arguments, attributes_of, check, naming_flags, settings_of, zone_of
from dt_otlp_logs.cli.shipping import DeliveryStalledError, Exporter, Shipping
from dt_otlp_logs.cli.source import READ_ERRORS, Source, open_file, source_of
from dt_otlp_logs.cli.stop_signals import StopSignals
from dt_otlp_logs.cli.summary import Outcome, loss_line, summary_json, summary_line
from dt_otlp_logs.delivery.clock import Clock, SystemClock
from dt_otlp_logs.diagnostics import Diagnostics, printable

__all__ = ["HELP", "add_arguments", "run"]

HELP = "send a log file or standard input to Dynatrace: plain text or JSON lines, each record with its time and level"

OpenExporter = Callable[[Mapping[str, str]], tuple[Exporter, int]]
"""Settings to an exporter and the bytes its queue holds."""


def run(
    arguments: argparse.Namespace,
    *,
    open_exporter: OpenExporter | None = None,
    clock: Clock | None = None,
    signals: StopSignals | None = None,
    standard_input: BinaryIO | None = None,
) -> int:
    """Send what was asked for; 0 only if every record was delivered."""
    clock = clock or SystemClock()
    signals = signals or StopSignals()
    zone = zone_of(arguments.timezone)
    attributes = attributes_of(arguments.attributes)
    check(arguments)
    source = _source(arguments, standard_input)
    entries = EntryReader(arguments.form, zone, clock.time_ns, live=source.live)
    progress = Progress(arguments.file, source.size, quiet=arguments.quiet or arguments.json or arguments.dry_run)
    reader = BatchReader(source, entries, clock.monotonic, LineSplitter(), progress.say)
    if arguments.dry_run:
        with signals:
            return _preview(reader, signals, live=source.live)
    maker = RecordMaker(
        describe_sender(arguments.service_name, attributes, _default_service_name(arguments.file)),
        _file_attributes(arguments.file),
        service_is_given=bool(arguments.service_name),
    )
    exporter, queue_bytes = (open_exporter or _open_exporter)(settings_of(arguments))
    begin = clock.monotonic()
    with signals, progress:
        shipping = Shipping(
            exporter,
            clock,
            signals.wait_even_if_stopped,
            arguments.give_up_after,
            queue_bytes=queue_bytes,
            patient=lambda: arguments.follow and not signals.stopped(),
            waits=progress.waits,
            stopped=signals.stopped,
            hurried=signals.hurried,
            says=progress.say,
        )

        def send(batch: Batch) -> None:
            observed = clock.time_ns()
            shipping.send([maker.make(entry, observed) for entry in batch.entries], batch.characters)
            progress.advance(source.position, shipping.delivered)

        read_failed = gave_up = None
        try:
            read_failed = _read_all(reader, send, signals)
            shipping.finish()
        except DeliveryStalledError as reason:
            gave_up = str(reason)
        stats = shipping.close()
    outcome = Outcome(entries.counts, stats, shipping.handed_over, reader.at_end, clock.monotonic() - begin)
    if arguments.json:
        print(summary_json(outcome))
    elif not arguments.quiet:
        print(summary_line(outcome))
    if read_failed:
        read_failed = f"reading {arguments.file} failed after line {entries.counts.lines:,}: {read_failed}"
    problems = [problem for problem in (read_failed, loss_line(outcome, gave_up)) if problem]
    if problems:
        raise CommandFailed(printable("; ".join(problems)))
    # Ctrl-C is how live input ends; a file that was not read to its end is another matter.
    return 0 if outcome.read_to_end else 130


def _read_all(reader: BatchReader, send: Callable[[Batch], None], signals: StopSignals) -> str | None:
    """Read and send everything; why reading ended too early, if it did."""
    problem = None
    batches = reader.batches(signals.wait)
    while True:
        try:
            batch = next(batches, None)
        except READ_ERRORS as error:
            problem = str(error)
            break
        if batch is None:
            break
        send(batch)
    for batch in reader.rest(cut=not reader.at_end and problem is None):
        send(batch)
    return problem


def _preview(reader: BatchReader, signals: StopSignals, *, live: bool) -> int:
    """Show what the first records are."""
    read = (
        entry for part in (reader.batches(signals.wait), reader.rest()) for batch in part for entry in batch.entries
    )
    rows = preview(read, live=live)
    while True:
        # Reading alone: what goes wrong in showing is another matter.
        try:
            row = next(rows, None)
        except READ_ERRORS as error:
            raise CommandFailed(printable(f"reading failed: {error}")) from None
        if row is None:
            return 0
        show(row)


def _source(arguments: argparse.Namespace, standard_input: BinaryIO | None) -> Source:
    if arguments.file == "-":
        if standard_input is None and sys.stdin is None:
            raise UsageError("there is no standard input to read")
        return source_of(standard_input or sys.stdin.buffer)
    file = open_file(arguments.file, grows=arguments.follow)
    if not arguments.follow:
        return source_of(file)
    return FollowedFile(arguments.file, file, from_end=arguments.start == "end")


def _default_service_name(file: str) -> str:
    return "stdin" if file == "-" else _text(Path(file).name.partition(".")[0]) or "send"


def _file_attributes(file: str) -> dict[str, str]:
    if file == "-":
        return {}
    path = Path(file)
    return {"log.file.path": _text(str(path.absolute())), "log.file.name": _text(path.name)}


def _text(path: str) -> str:
    """A path as text: bytes that are none become escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _open_exporter(settings: Mapping[str, str]) -> tuple[Exporter, int]:
    from dt_otlp_logs.config import ConfigError, load_config
    from dt_otlp_logs.exporter import DynatraceLogExporter

    try:
        config = load_config(settings, os.environ)
    except ConfigError as error:
        raise naming_flags(error) from None
    exporter = DynatraceLogExporter.from_config(config, diagnostics=_WithoutLosses())
    exporter.catch_sigterm()
    return exporter, config.queue_max_bytes


class _WithoutLosses(Diagnostics):
    """Why delivery is held up is said at once; what was lost is the summary's and the last line's to say."""

    def error(self, text: str) -> None:
        pass
