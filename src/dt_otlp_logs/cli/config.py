"""`dt-otlp-logs config`: each setting, its value and where it came from, and the URLs logs would go to."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import TextIO

from dt_otlp_logs.config import SETTINGS, Config, ConfigError, Origin, Problem, load_config
from dt_otlp_logs.config.enrichment import EnrichmentFile, read_enrichment
from dt_otlp_logs.diagnostics import printable

HELP = "show each setting, its value and where it came from; the token by its public part only"

_WIDEST_VALUE = 60
_DETECTORS_VARIABLE = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the configuration the environment makes; 2 when it cannot be used, with every problem."""
    problems: tuple[Problem, ...] = ()
    urls: list[dict[str, object]] = []
    try:
        config = load_config({}, os.environ)
    except ConfigError as error:
        origins, notes, problems = error.origins, error.notes, error.problems
    else:
        origins, notes, urls = config.origins, config.notes, _urls(config)
    files = read_enrichment()
    detectors = _detectors()
    if arguments.json:
        report = {
            "usable": not problems,
            "settings": [_described(origin) for origin in origins],
            "urls": urls,
            "metadata_files": [asdict(file) for file in files],
            "resource_detectors": detectors,
            "notes": notes,
            "problems": [asdict(problem) for problem in problems],
        }
        print(json.dumps(report, indent=2))
    else:
        missing = tuple(Origin(problem.key, "-", problem.source) for problem in problems if not problem.found)
        _print_text((*missing, *origins), urls, notes)
        _print_files(files)
        _print_detectors(detectors)
    sys.stdout.flush()
    for problem in problems:
        _say(f"dt-otlp-logs: {problem}", sys.stderr)
    return 2 if problems else 0


def _urls(config: Config) -> list[dict[str, object]]:
    return [
        {
            "form": form,
            "url": url,
            "kind": endpoint.kind,
            "token": endpoint.sends_token,
            "proxy": config.proxies.for_url(url) is not None,
        }
        for endpoint in config.endpoints
        for form, url in endpoint.urls(config.fallback)
    ]


def _described(origin: Origin) -> dict[str, object]:
    setting = next(setting for setting in SETTINGS if setting.key == origin.key)
    return {
        "setting": origin.key,
        "value": origin.shown,
        "source": origin.source,
        "description": setting.description,
        "variables": setting.variables,
    }


def _print_text(origins: tuple[Origin, ...], urls: list[dict[str, object]], notes: tuple[str, ...]) -> None:
    rows = [("setting", "value", "from"), *((one.key, one.shown, one.source) for one in origins)]
    widths = [min(_WIDEST_VALUE, max(len(row[column]) for row in rows)) for column in (0, 1)]
    for key, value, source in rows:
        _say(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {source}")
    if urls:
        _say("\nlogs go to, in this order:")
    for number, url in enumerate(urls, start=1):
        token = "with the token" if url["token"] else "without a token"
        proxy = ", through the proxy" if url["proxy"] else ""
        _say(f"  {number}. {url['form']}  {url['url']}  ({url['kind']}, {token}{proxy})")
    if notes:
        _say("\nworth knowing:")
    for note in notes:
        _say(f"  - {note}")


def _detectors() -> list[dict[str, object]]:
    # Only now: it brings OpenTelemetry along, which takes a moment.
    from dt_otlp_logs.detector import detector_names, installed_detectors

    installed = installed_detectors() | {"*"}
    names = dict.fromkeys(name.strip() for name in detector_names(os.environ).split(","))
    return [{"name": name, "installed": name in installed} for name in names if name]


def _print_files(files: list[EnrichmentFile]) -> None:
    _say("\nDynatrace's metadata files, whose attributes are added to every resource if `enrich` is true:")
    for file in files:
        _say(f"  - {printable(file.path)}: {printable(_in_words(file))}")


def _in_words(file: EnrichmentFile) -> str:
    if file.state == "not needed":
        return "not needed, its .json was read"
    if file.state != "read":
        return file.problem or file.state
    count = f"{len(file.attributes)} attribute{'s' * (len(file.attributes) != 1)}"
    names = f": {', '.join(file.attributes)}" if file.attributes else ""
    return f"{count}{names}" + (f" ({file.problem})" if file.problem else "")


def _print_detectors(detectors: list[dict[str, object]]) -> None:
    chosen = os.environ.get(_DETECTORS_VARIABLE, "").strip()
    where = f"from {_DETECTORS_VARIABLE}" if chosen else "those of `configure()` and of the distro `dynatrace`"
    _say(f"\nresource detectors, {where}:")
    for detector in detectors:
        _say(f"  - {printable(str(detector['name']))}" + ("" if detector["installed"] else ": not installed"))


def _say(text: str, stream: TextIO | None = None) -> None:
    # A terminal that cannot print a character shows its escape instead of ending the command.
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
