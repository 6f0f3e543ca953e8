"""`dt-otlp-logs status`, also `python -m dt_otlp_logs`: whether zero-code export is active, and why not."""

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dt_otlp_logs.cli.status_report import Report

HELP = "show whether zero-code export is active in this environment, and why not"

_LOOK_INSIDE = "to look from inside: opentelemetry-instrument python -m dt_otlp_logs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")


def run(arguments: argparse.Namespace) -> int:
    """Print the status: 0 if a record logged in this process is delivered, 1 if not, 2 for a wrong configuration."""
    # Here, since it needs the SDK, which the other commands would have to wait for.
    from dt_otlp_logs.cli.status_report import report

    found = report()
    print(json.dumps(found.as_json(), indent=2) if arguments.json else _in_words(found))
    return found.exit_status


def _in_words(found: "Report") -> str:
    if found.active:
        lines = ["Zero-code export is active: what logging says in this process is sent to Dynatrace (not tried here)."]
    else:
        lines = ["Zero-code export is not active:", *_points([*found.problems, *found.obstacles])]
        if not found.is_instrumented:
            lines.append(f"  ({_LOOK_INSIDE})")
    width = max(len(label) for label, _ in found.rows)
    lines += ["", *(f"{label:<{width}}  {text}" for label, text in found.rows)]
    if found.remarks:
        lines += ["", "worth knowing:", *_points(found.remarks)]
    return "\n".join(lines)


def _points(texts: list[str]) -> list[str]:
    return [f"  - {text}" for text in texts]
