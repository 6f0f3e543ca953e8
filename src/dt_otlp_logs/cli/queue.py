"""`dt-otlp-logs queue`: what waits in a queue directory and what was put aside; replay it or throw it away."""

import argparse
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from dt_otlp_logs.cli.failure import CommandFailed, UsageError
from dt_otlp_logs.cli.preview import show
from dt_otlp_logs.cli.queue_content import described
from dt_otlp_logs.cli.queue_survey import Kept, Subdirectory, Survey, survey
from dt_otlp_logs.cli.queue_upkeep import QueueUpkeep
from dt_otlp_logs.delivery.file_system import FileSystem
from dt_otlp_logs.diagnostics import printable

HELP = "list, show, replay and purge a queue directory, also while apps are using it"

_VARIABLE = "DT_OTLP_LOGS_QUEUE_DIRECTORY"
_AGE = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="what waits, whose it is, and what was put aside")
    listing.add_argument("--json", action="store_true", help="print JSON, for other programs")

    showing = actions.add_parser("show", help="the header and the records of one file")
    showing.add_argument("file", metavar="FILE", help="a path, or a file's name somewhere in the queue directory")
    showing.add_argument("--records", type=int, default=20, metavar="N", help="show so many records (default: 20)")

    replaying = actions.add_parser(
        "replay", help="put records back into the queue; a running app takes them up, else the next that starts"
    )
    replaying.add_argument("--rejected", action="store_true", help="what Dynatrace refused (the default)")
    replaying.add_argument("--set-aside", action="store_true", help="what was set aside and can be read after all")
    replaying.add_argument(
        "--orphans",
        action="store_true",
        help="what waits for another destination and is in no running app's hands: send it where DT_ENDPOINT says",
    )

    purging = actions.add_parser("purge", help="remove for good what no running process holds")
    purging.add_argument("--rejected", action="store_true", help="what Dynatrace refused")
    purging.add_argument("--set-aside", action="store_true", help="what could not be used")
    purging.add_argument("--orphans", action="store_true", help="what processes that are gone have left")
    purging.add_argument("--older-than", metavar="AGE", type=_age, help="only what is older, such as 12h or 3d")
    purging.add_argument("--yes", action="store_true", help="do it; without, only say what would go")

    for action in (listing, showing, replaying, purging):
        action.add_argument(
            "directory", nargs="?", metavar="DIRECTORY", help=f"the queue directory (default: {_VARIABLE})"
        )


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    actions = {"list": _list, "show": _show, "replay": _replay, "purge": _purge}
    try:
        return actions[arguments.action](arguments, _directory(arguments))
    except OSError as error:
        words = f"{error.filename}: {error.strerror}" if error.strerror else str(error)
        raise CommandFailed(printable(words)) from error


def _directory(arguments: argparse.Namespace) -> Path:
    given = arguments.directory or os.environ.get(_VARIABLE)
    if not given:
        raise UsageError(f"which queue directory? Give it as an argument or in {_VARIABLE}")
    directory = Path(given).absolute()
    if not directory.is_dir():
        raise CommandFailed(f"{printable(str(directory))}: no such directory")
    if not FileSystem.can_lock:
        raise CommandFailed("this system has no flock, and so no queue on disk")
    return directory


def _age(text: str) -> float:
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age such as 90s, 30m, 12h, 3d or 1w")
    return float(match[1]) * _SECONDS[match[2]]


def _list(arguments: argparse.Namespace, directory: Path) -> int:
    found = survey(directory)
    if arguments.json:
        show(json.dumps({"directory": str(directory), **asdict(found)}, indent=2))
        return 0
    for line in _table(directory, found):
        show(line)
    return 0


def _table(directory: Path, found: Survey) -> Sequence[str]:
    lines = [printable(str(directory))]
    if found.subdirectories:
        lines.append(f"  {'state':<8}{'pid':>8}  {'destination':<14}{'files':>7}{'records':>10}{'size':>10}  oldest")
    lines += map(_row, found.subdirectories)
    if not found.subdirectories:
        lines.append("  nothing waits")
    for label, kept in (("rejected", found.rejected), ("set aside", found.set_aside)):
        lines.append(f"  {label}: {_amount(kept)}")
    return lines


def _row(one: Subdirectory) -> str:
    age = "-" if one.oldest_unix_nano is None else f"{_duration(time.time() - one.oldest_unix_nano / 1e9)} old"
    state = "running" if one.is_running else "orphan"
    numbers = f"{one.files:>7,}{one.records:>10,}{_size(one.bytes):>10}"
    other = f", {one.other} other" if one.other else ""
    return f"  {state:<8}{one.pid:>8}  {one.destination:<14}{numbers}  {age}{other}"


def _show(arguments: argparse.Namespace, directory: Path) -> int:
    path = Path(arguments.file)
    if not path.is_file():
        matches = sorted(directory.glob(f"*/{path.name}"))
        if not matches:
            raise CommandFailed(f"{printable(arguments.file)}: no such file, there or in {printable(str(directory))}")
        path = matches[0]
    for line in described(path, arguments.records):
        show(line)
    return 0


def _replay(arguments: argparse.Namespace, directory: Path) -> int:
    upkeep = QueueUpkeep(directory)
    if arguments.rejected or not (arguments.set_aside or arguments.orphans):
        show(f"{upkeep.replay_rejected():,} rejected records are back in the queue")
    if arguments.set_aside:
        records, damaged = upkeep.replay_set_aside()
        show(f"{records:,} records that were set aside are back in the queue, {damaged:,} files remain unusable")
    if arguments.orphans:
        records = upkeep.redirect_orphans(_configured_destination())
        show(f"{records:,} records that waited for another destination are back in the queue")
    return 0


def _configured_destination() -> str:
    from dt_otlp_logs.config import load_config
    from dt_otlp_logs.delivery.queue_directory import destination_of

    config = load_config({}, os.environ)
    return destination_of(url for endpoint in config.endpoints for _, url in endpoint.urls())


def _purge(arguments: argparse.Namespace, directory: Path) -> int:
    if not (arguments.rejected or arguments.set_aside or arguments.orphans):
        raise UsageError("purge what? Say --rejected, --set-aside or --orphans, or several of them")
    upkeep = QueueUpkeep(directory, dry_run=not arguments.yes)
    before = time.time() - (arguments.older_than or 0.0)
    gone: dict[str, Kept] = {}
    if arguments.rejected:
        gone["rejected"] = upkeep.purge_rejected(before)
    if arguments.set_aside:
        gone["set aside"] = upkeep.purge_set_aside(before)
    if arguments.orphans:
        gone["orphans"] = upkeep.purge_orphans(before)
    for label, kept in gone.items():
        show(f"{label}: {_amount(kept)} {'removed' if arguments.yes else 'would be removed'}")
    if not arguments.yes and any(kept.files for kept in gone.values()):
        raise UsageError("nothing was removed: add --yes")
    return 0


def _amount(kept: Kept) -> str:
    return f"{kept.files:,} files, {kept.records:,} records, {_size(kept.bytes)}"


def _size(count: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def _duration(seconds: float) -> str:
    for unit, factor in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
