"""Single records that were refused, until it is known whether they are at fault or the route is."""

import math
from collections.abc import Callable

from dt_otlp_logs.delivery.failover import RouteState
from dt_otlp_logs.delivery.memory_queue import Entry, SendingQueue
from dt_otlp_logs.encoding.loss_report import loss_report
from dt_otlp_logs.encoding.payload import Payload

# So many single records refused in a row, with nothing delivered in between, put the route in doubt rather than
# the records. Each time the question finds the records guilty, twice as many are needed for the next one.
_DOUBTFUL_REFUSALS = 5


class Refusals:
    """A 400 that hits everything (a proxy's error page, a wrong path) must neither reject a whole backlog one by one
    nor cost a thousand requests. So refused records are held until something is delivered over the same route; if
    nothing is, a record of our own is the question whether this route accepts anything at all.
    """

    def __init__(self, queue: SendingQueue, reject: Callable[[Entry, str], None]) -> None:
        """`reject` counts what is found guilty."""
        self._queue = queue
        self._reject = reject
        self._held: list[tuple[Entry, str]] = []
        self._route: RouteState | None = None
        # By the route's identity: what it refused, for the words of the question.
        self._doubts: dict[int, str] = {}
        self._began = math.inf
        self._enough = _DOUBTFUL_REFUSALS

    def begin(self, now: float) -> None:
        """A request of several records was refused, for the first time: what is delivered from now on is evidence."""
        self._began = now

    def hold(self, entry: Entry, reason: str, route: RouteState, now: float) -> None:
        """One record alone was refused on this route."""
        if not entry.suspect:
            self._began = now
        self.moved_to(route)
        self._held.append((entry, reason))

    def moved_to(self, route: RouteState) -> None:
        """What one route refused, another may take: the held records wait again for that one."""
        if self._route is not route:
            self.give_back()
            self._route = route

    @property
    def any_held(self) -> bool:
        """Whether the fate of a refused record is open."""
        return bool(self._held)

    @property
    def must_ask(self) -> bool:
        """Whether the question comes before anything else."""
        return id(self._route) in self._doubts or len(self._held) >= self._enough

    def are_proven(self, delivered_at: float) -> bool:
        """Whether the route has delivered since the request that held these records was refused."""
        return delivered_at >= self._began

    def question(self, now_unix_nano: int) -> Payload:
        """A record of our own that says so to whoever reads the log, without anything of the refused ones in it."""
        reason = self._doubts.get(id(self._route)) or self._held[0][1]
        refused = max(len(self._held), 1)
        words = f"{'1 log record was' if refused == 1 else f'{refused} log records were'} refused: {reason}"
        return loss_report(None, words, now_unix_nano)

    def answered_well(self) -> None:
        """The question was accepted: it was these records and not the route."""
        self._enough *= 2
        self.find_guilty()

    def others_pass(self) -> None:
        """Something else was accepted."""
        self._enough = _DOUBTFUL_REFUSALS
        self.find_guilty()

    def find_guilty(self) -> None:
        """What is held is rejected."""
        self._doubts.pop(id(self._route), None)
        while self._held:
            entry, reason = self._held.pop(0)
            self._reject(entry, reason)

    def doubt_the_route(self, reason: str) -> None:
        """Even our own record was refused: everything waits again, and the question is asked from time to time."""
        self._doubts.setdefault(id(self._route), self._held[0][1] if self._held else reason)
        self.give_back()

    def give_back(self) -> None:
        """What is held waits in the queue again."""
        self._queue.give_back([entry for entry, _ in self._held])
        self._held.clear()
