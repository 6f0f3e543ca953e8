"""While nothing is delivered: how long to wait, where else to go, and what is said about it."""

import math
from collections.abc import Callable

from dt_otlp_logs.config import TokenSource
from dt_otlp_logs.delivery.advice import advice
from dt_otlp_logs.delivery.failover import Failover, RouteState
from dt_otlp_logs.delivery.ledger import DeliveryLedger
from dt_otlp_logs.delivery.pace import Pace
from dt_otlp_logs.delivery.reporter import DeliveryReporter
from dt_otlp_logs.delivery.route import Exchange
from dt_otlp_logs.delivery.verdict import Denied, Misdirected, Retryable, Unsupported

# How often a token file is looked at while the token is refused.
_TOKEN_POLL_SECONDS = 1.0


class Outage:
    """Keeps the pace of attempts that fail, and chooses another route where there is one. Times are monotonic seconds.

    Nothing is lost by it: what was to be delivered stays in the queue, which is the loop's.
    """

    def __init__(
        self,
        *,
        failover: Failover,
        ledger: DeliveryLedger,
        reporter: DeliveryReporter,
        token: TokenSource,
        random: Callable[[], float],
    ) -> None:
        self._failover = failover
        self._ledger = ledger
        self._reporter = reporter
        self._token = token
        self._pace = Pace(random)
        self._denied = False

    def seconds_left(self, now: float) -> float:
        """How long until the next attempt is due, or until the token file should be looked at again."""
        wait = self._pace.seconds_left(now)
        if wait <= 0 or not self._denied:
            return max(wait, 0.0)
        return 0.0 if self._token.reload() else min(wait, _TOKEN_POLL_SECONDS)

    def hurry(self) -> None:
        """End a wait that is our own backoff; what a server asked for (Retry-After) is kept."""
        self._pace.hurry()

    def is_over(self) -> None:
        """Something was accepted."""
        self._pace.succeeded()
        self._denied = False

    def internal_error(self, now: float, words: str, held_records: int) -> float:
        """A fault of ours stopped the delivery: answers how long to wait."""
        self._reporter.failed(words, "please report it", held_records, now)
        return self._pace.failed(now, slow=False)

    def goes_on(self, state: RouteState, exchange: Exchange, now: float, held_records: int) -> float:
        """This route failed, and nothing is lost: answers how long to wait; 0 to go on with another route."""
        verdict = exchange.verdict
        assert isinstance(verdict, Retryable | Denied | Unsupported | Misdirected)  # noqa: S101  # for the type checker
        self._ledger.retry_needed()
        self._denied = isinstance(verdict, Denied)
        if self._leaves(state, verdict, now):
            self._pace.elsewhere()
            self._reporter.switched(state.route.url, self._failover.choose(now).route.url, verdict.reason)
            return 0
        what_to_do = advice(verdict, exchange.response.fault, url=state.route.url, token=_token_words(self._token))
        self._reporter.failed(f"{state.route.url}: {verdict.reason}", what_to_do, held_records, now)
        if self._denied and self._token.reload():
            return 0
        if isinstance(verdict, Retryable):
            at_most = self._failover.seconds_until_left(state, now) if verdict.after else math.inf
            return self._pace.failed(now, slow=False, asked=verdict.after, at_most=at_most)
        return self._pace.failed(now, slow=True)

    def _leaves(self, state: RouteState, verdict: Retryable | Denied | Unsupported | Misdirected, now: float) -> bool:
        """Whether another route takes over at once."""
        if isinstance(verdict, Unsupported):
            return self._failover.unsupported(state, verdict.reason, now)
        no_answer = isinstance(verdict, Retryable) and verdict.no_answer
        asked_to_wait = verdict.after if isinstance(verdict, Retryable) else None
        if asked_to_wait:
            # The server's wish is its own; another endpoint need not wait for it beyond our patience.
            self._failover.asked_to_wait(state, now + asked_to_wait)
        return self._failover.failed(
            state,
            verdict.reason,
            now,
            no_answer=no_answer,
            whole_endpoint=no_answer or bool(asked_to_wait) or self._denied,
        )


def _token_words(source: TokenSource) -> str:
    token = source.current()
    if token is None:
        return "no token is sent, yet one"
    trouble = f" (the last good one: {source.problem})" if source.problem else ""
    return f"the token {token.public_id} from {source.where}{trouble}"
