"""What `send` can be told on the command line, and what of it makes no sense."""

import argparse
from collections.abc import Sequence
from datetime import timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dt_otlp_logs.cli.failure import UsageError
from dt_otlp_logs.diagnostics import printable

_EPILOG = (
    "A record's content is its line, unchanged. A time at the start of a line (ISO 8601, common log, syslog, log4j, "
    "epoch and more) becomes the record's time; a line without one has the time of the record before it, or of "
    "reading when it is read live. The lines of a stack trace, lines indented under one with a time or a level, and "
    "blank lines belong to the record before them. JSON lines: time, level and message from the keys Dynatrace "
    "knows, the rest as attributes. Exit status: 0 only if every record was delivered."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `send` takes."""
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("file", metavar="FILE", help="the log file, gzip or not; - for standard input")
    add("--follow", action="store_true", help="wait for more, through rotation and truncation, until stopped")
    add(
        "--from",
        dest="start",
        choices=("start", "end"),
        default="start",
        help="where --follow begins (default: start)",
    )
    add(
        "--format",
        dest="form",
        choices=("auto", "text", "json"),
        default="auto",
        help="what the lines are; auto decides for each line (default)",
    )
    add(
        "--timezone",
        metavar="NAME",
        help="zone of times that name none, such as UTC or Europe/Vienna (default: this machine's)",
    )
    add("--service-name", metavar="NAME", help="default: OTEL_SERVICE_NAME, then the file's name")
    add(
        "--attribute",
        dest="attributes",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="add to every record; may be given several times",
    )
    add("--endpoint", metavar="URL", help="default: DT_ENDPOINT")
    add("--api-token-file", metavar="PATH", help="default: DT_API_TOKEN, then DT_API_TOKEN_FILE")
    add(
        "--give-up-after",
        metavar="SECONDS",
        type=float,
        default=30.0,
        help="end when nothing could be delivered for so long (default: 30; 10 before the first delivery)",
    )
    add(
        "--dry-run",
        metavar="N",
        type=int,
        nargs="?",
        const=20,
        help="send nothing: show how the first N records (default: 20) are understood",
    )
    add("--json", action="store_true", help="write the summary as JSON")
    add("--quiet", action="store_true", help="no progress bar and no summary")


def check(arguments: argparse.Namespace) -> None:
    """What argparse cannot know to be wrong."""
    if arguments.follow and arguments.file == "-":
        raise UsageError("--follow needs a file; standard input is read until it is closed anyway")
    if arguments.start == "end" and not arguments.follow:
        raise UsageError("--from end needs --follow: without it there would be nothing to send")
    if arguments.follow and arguments.dry_run is not None:
        raise UsageError("--dry-run and --follow exclude each other")
    if arguments.dry_run is not None and arguments.dry_run < 1:
        raise UsageError("--dry-run: at least 1 record")
    if not 0 < arguments.give_up_after < float("inf"):
        raise UsageError("--give-up-after: a number of seconds above 0")


def zone_of(name: str | None) -> tzinfo | None:
    """The zone called so; None, the machine's own, when none was named."""
    if name is None:
        return None
    if name.upper() == "UTC":  # also where no zone database is installed
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--timezone {printable(name)}: no such zone; write it as in UTC or Europe/Vienna") from None


def attributes_of(given: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` texts as attributes."""
    pairs = [text.partition("=") for text in given]
    for text, (key, equals, _) in zip(given, pairs, strict=True):
        if not key.strip() or not equals:
            raise UsageError(f"--attribute {printable(text)}: write it as KEY=VALUE")
    return {key.strip(): value for key, _, value in pairs}


def settings_of(arguments: argparse.Namespace) -> dict[str, str]:
    """The exporter's settings that the command line gives; all others come from the environment."""
    given = {"endpoint": arguments.endpoint, "api_token_file": arguments.api_token_file}
    return {key: value for key, value in given.items() if value is not None}
