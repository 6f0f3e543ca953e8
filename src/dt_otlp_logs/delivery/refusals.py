"""Single records that were refused, until it is known whether they are at fault or the route is."""

from collections.abc import Callable

from dt_otlp_logs.delivery.memory_queue import Entry, SendingQueue
from dt_otlp_logs.encoding.loss_report import loss_report
from dt_otlp_logs.encoding.payload import Payload

# So many single records refused in a row, with nothing delivered in between, put the route in doubt rather than
# the records.
_DOUBTFUL_REFUSALS = 5


class Refusals:
    """A 400 that hits everything (a proxy's error page, a wrong path) must neither reject a whole backlog one by one
    nor cost a thousand requests. So refused records are held until something is delivered; if nothing is, a record
    of our own is the question whether this route accepts anything at all.
    """

    def __init__(self, queue: SendingQueue, reject: Callable[[Entry, str], None]) -> None:
        """`reject` counts what is found guilty."""
        self._queue = queue
        self._reject = reject
        self._held: list[tuple[Entry, str]] = []
        self._doubted: tuple[Payload, str] | None = None

    def hold(self, entry: Entry, reason: str) -> None:
        """One record alone was refused."""
        self._held.append((entry, reason))

    @property
    def any_held(self) -> bool:
        """Whether the fate of a refused record is open."""
        return bool(self._held)

    @property
    def must_ask(self) -> bool:
        """Whether the question comes before anything else."""
        return self._doubted is not None or len(self._held) >= _DOUBTFUL_REFUSALS

    def question(self, now_unix_nano: int) -> Payload:
        """A record of our own, under the resource of a refused one, that says so to whoever reads the log."""
        example, reason = self._doubted or (self._held[0][0].payload, self._held[0][1])
        refused = max(len(self._held), 1)
        words = f"{'1 log record was' if refused == 1 else f'{refused} log records were'} refused: {reason}"
        return loss_report(example, words, now_unix_nano)

    def find_guilty(self) -> None:
        """Something else was accepted: it was these records and not the route."""
        self._doubted = None
        for entry, reason in self._held:
            self._reject(entry, reason)
        self._held.clear()

    def doubt_the_route(self) -> None:
        """Even our own record was refused: everything waits again, and the question is asked from time to time."""
        if self._held:
            entry, reason = self._held[0]
            self._doubted = entry.payload, reason
            self._queue.give_back([entry for entry, _ in self._held])
            self._held.clear()
