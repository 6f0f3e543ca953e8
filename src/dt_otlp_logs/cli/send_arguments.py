"""What `send` can be told on the command line, and what of it makes no sense."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dt_otlp_logs.cli.failure import UsageError
from dt_otlp_logs.config import BadValueError, ConfigError
from dt_otlp_logs.config.quantity import parse_seconds
from dt_otlp_logs.diagnostics import printable

# Settings that are also flags.
_FLAGS = {"endpoint": "--endpoint", "api_token_file": "--api-token-file"}

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
    add(
        "--follow",
        action="store_true",
        help="wait for more, through rotation and truncation, until stopped; a file that is rotated away within "
        "0.2 s of its making is found again only if its new name is the old one and a number or date",
    )
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
        metavar="TIME",
        type=_seconds,
        default=30.0,
        help="end when nothing could be delivered for so long, such as 90s or 2m (default: 30s; at most 10s before the "
        "first delivery)",
    )
    add("--dry-run", action="store_true", help="send nothing: show how the first records are understood")
    add("--json", action="store_true", help="write the summary as JSON")
    add("--quiet", action="store_true", help="no progress bar and no summary")


def check(arguments: argparse.Namespace) -> None:
    """What argparse cannot know to be wrong."""
    if arguments.follow and arguments.file == "-":
        raise UsageError("--follow needs a file; standard input is read until it is closed anyway")
    if arguments.start == "end" and not arguments.follow:
        raise UsageError("--from end needs --follow: without it there would be nothing to send")
    if arguments.follow and arguments.dry_run:
        raise UsageError("--dry-run and --follow exclude each other")


def _seconds(text: str) -> float:
    try:
        return parse_seconds(text)
    except BadValueError as bad:
        raise argparse.ArgumentTypeError(str(bad)) from None


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
    given = {key: getattr(arguments, key) for key in _FLAGS}
    return {key: value for key, value in given.items() if value is not None}


def naming_flags(error: ConfigError) -> ConfigError:
    """The same problems, where they come from the command line under the name they have there."""
    problems = tuple(
        replace(problem, source=_FLAGS[problem.key])
        if problem.source == "argument" and problem.key in _FLAGS
        else problem
        for problem in error.problems
    )
    return ConfigError(problems, error.origins, error.notes)
