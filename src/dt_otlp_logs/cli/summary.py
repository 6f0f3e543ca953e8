"""What `send` says at the end: what was read, and what became of it."""

import json
from dataclasses import dataclass

from dt_otlp_logs.cli.entries import ReadCounts
from dt_otlp_logs.delivery.ledger import DeliveryStats


@dataclass(frozen=True, slots=True)
class Outcome:
    """All numbers of one run: `records + adopted == delivered + rejected + dropped + queued + not_sent`."""

    counts: ReadCounts
    stats: DeliveryStats
    handed_over: int
    """Records of the input that the exporter got."""
    read_to_end: bool
    seconds: float

    @property
    def not_sent(self) -> int:
        """Records that were read and never handed over."""
        return self.counts.records - self.handed_over

    @property
    def adopted(self) -> int:
        """Records that an earlier process had left in the queue directory, delivered with ours."""
        return self.stats.accepted - self.handed_over

    @property
    def missing(self) -> int:
        """Records that have not arrived."""
        return self.stats.lost + self.stats.queued + self.not_sent


def summary_line(outcome: Outcome) -> str:
    """One line for a person, such as `read 3 lines, 2 records: delivered 2, rejected 0, dropped 0 in 0.1 s`."""
    counts, stats = outcome.counts, outcome.stats
    # The first three always, the others where there are any.
    further = ((stats.queued, "still queued"), (outcome.not_sent, "not sent"))
    fates = [f"delivered {stats.delivered:,}", f"rejected {stats.rejected:,}", f"dropped {stats.dropped:,}"]
    fates += [f"{what} {number:,}" for number, what in further if number]
    end = "" if outcome.read_to_end else ", not to the end"
    adopted = f" and {outcome.adopted:,} from the queue directory" if outcome.adopted else ""
    return f"{read_line(counts)}{end}{adopted}: {', '.join(fates)} in {outcome.seconds:.1f} s"


def read_line(counts: ReadCounts) -> str:
    """What was read, and what was special about it."""
    special = (
        (counts.blank, "blank"),
        (counts.split, "too long and split"),
        (counts.not_json, "not JSON"),
    )
    notes = ", ".join(f"{number:,} {what}" for number, what in special if number)
    lines = counted(counts.lines, "line") + (f" ({notes})" if notes else "")
    return f"read {lines}, {counted(counts.records, 'record')}"


def summary_json(outcome: Outcome) -> str:
    """The same for a machine, on one line."""
    counts, stats = outcome.counts, outcome.stats
    return json.dumps(
        {
            "lines": counts.lines,
            "records": counts.records,
            "read_to_end": outcome.read_to_end,
            "blank": counts.blank,
            "split": counts.split,
            "not_json": counts.not_json,
            "adopted": outcome.adopted,
            "delivered": stats.delivered,
            "rejected": stats.rejected,
            "dropped": stats.dropped,
            "queued": stats.queued,
            "not_sent": outcome.not_sent,
            "reasons": dict(stats.reasons),
            "seconds": round(outcome.seconds, 3),
        }
    )


def loss_line(outcome: Outcome, gave_up: str | None) -> str | None:
    """What was not delivered and why, in one line; None if all of it was."""
    missing = f"{counted(outcome.missing, 'record')} not delivered"
    if gave_up is not None:
        unread = "" if outcome.read_to_end else ", and the rest was not read"
        return f"{gave_up}: {missing}{unread}" if outcome.missing else None
    if not outcome.missing:
        return None
    reasons = "; ".join(f"{number:,} {reason}" for reason, number in outcome.stats.reasons.items())
    return missing + (f": {reasons}" if reasons else "")


def counted(number: int, what: str) -> str:
    """Such as `1 record` and `2,000 records`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
