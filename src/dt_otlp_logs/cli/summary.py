"""What `send` says at the end: what was read, and what became of it."""

import json

from dt_otlp_logs.cli.entries import ReadCounts
from dt_otlp_logs.delivery.ledger import DeliveryStats


def summary_line(counts: ReadCounts, stats: DeliveryStats, seconds: float) -> str:
    """One line for a person, such as `read 3 lines, 2 records: delivered 2, rejected 0, dropped 0 in 0.1 s`."""
    queued = f", still queued {stats.queued:,}" if stats.queued else ""
    return (
        f"{read_line(counts)}: delivered {stats.delivered:,}, rejected {stats.rejected:,}, "
        f"dropped {stats.dropped:,}{queued} in {seconds:.1f} s"
    )


def read_line(counts: ReadCounts) -> str:
    """What was read, and what was special about it."""
    special = (
        (counts.blank, "blank"),
        (counts.split, "too long and split"),
        (counts.not_json, "not JSON"),
    )
    notes = ", ".join(f"{number:,} {what}" for number, what in special if number)
    lines = _counted(counts.lines, "line") + (f" ({notes})" if notes else "")
    return f"read {lines}, {_counted(counts.records, 'record')}"


def summary_json(counts: ReadCounts, stats: DeliveryStats, seconds: float) -> str:
    """The same for a machine, on one line."""
    return json.dumps(
        {
            "lines": counts.lines,
            "records": counts.records,
            "blank": counts.blank,
            "split": counts.split,
            "not_json": counts.not_json,
            "delivered": stats.delivered,
            "rejected": stats.rejected,
            "dropped": stats.dropped,
            "queued": stats.queued,
            "reasons": dict(stats.reasons),
            "seconds": round(seconds, 3),
        }
    )


def loss_line(stats: DeliveryStats, gave_up: str | None) -> str | None:
    """What was not delivered and why, in one line; None if all of it was."""
    missing = stats.lost + stats.queued
    if gave_up is not None:
        return f"{gave_up}: {_counted(missing, 'record')} not delivered"
    if not missing:
        return None
    reasons = "; ".join(f"{number:,} {reason}" for reason, number in stats.reasons.items())
    return f"{_counted(missing, 'record')} not delivered" + (f": {reasons}" if reasons else "")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
