"""Every loss goes this way: counted in the ledger and said by the reporter, never one without the other."""

from dt_otlp_logs.delivery.clock import Clock
from dt_otlp_logs.delivery.ledger import DeliveryLedger, Kind
from dt_otlp_logs.delivery.reporter import DeliveryReporter


class Losses:
    """Where records are lost, whoever loses them."""

    def __init__(self, ledger: DeliveryLedger, reporter: DeliveryReporter, clock: Clock) -> None:
        self._ledger = ledger
        self._reporter = reporter
        self._clock = clock

    def reject(self, records: int, reason: str) -> None:
        """The server refused these for good."""
        self._ledger.reject(records, reason)
        self._say(records, reason)

    def drop(self, records: int, reason: str, kind: Kind) -> None:
        """These were given up on this side."""
        self._ledger.drop(records, reason, kind)
        self._say(records, reason)

    def _say(self, records: int, reason: str) -> None:
        if records:
            self._reporter.lost(records, reason, self._clock.monotonic())
