"""Which route to use: the first that works, with the better ones probed again from time to time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dt_otlp_logs.delivery.route import Route


@dataclass(slots=True)
class RouteState:
    """What is known of one route. `left` routes are passed over until `probe_at`."""

    route: Route
    failing_since: float | None = None
    left: str | None = None
    """Why it is passed over; None while it is in use or untried."""
    probe_at: float = 0.0
    delivered_at: float = -math.inf
    """When it last delivered."""
    not_before: float = 0.0
    """What its server asked for by Retry-After."""

    @property
    def due_at(self) -> float:
        """When a route that was left may be probed: not before its server wished."""
        return max(self.probe_at, self.not_before)

    ceiling_bytes: int | None = None
    """The largest request (uncompressed) after one was answered 413; None without such an answer."""
    ceiling_since: float = 0.0


class Failover:
    """Chooses among routes in order of preference. Times are monotonic seconds, passed in by the caller."""

    def __init__(self, routes: Sequence[Route], *, after_seconds: float, probe_seconds: float) -> None:
        self._states = [RouteState(route) for route in routes]
        self._after_seconds = after_seconds
        self._probe_seconds = probe_seconds

    @property
    def states(self) -> Sequence[RouteState]:
        """All routes, the most preferred first."""
        return self._states

    def choose(self, now: float) -> RouteState:
        """The best route that is in use or due for a probe; if all were left, the one whose probe is due first."""
        for state in self._states:
            if state.left is None or now >= state.due_at:
                return state
        return min(self._states, key=lambda state: state.due_at)

    @property
    def has_one_in_use(self) -> bool:
        """Whether some route has not been left."""
        return any(state.left is None for state in self._states)

    def worked(self, state: RouteState, now: float) -> None:
        """It delivered: it stays in use, or comes back into use."""
        state.failing_since = None
        state.left = None
        state.delivered_at = now

    def failed(self, state: RouteState, reason: str, now: float, *, no_answer: bool, whole_endpoint: bool) -> bool:
        """It did not deliver; after `after_seconds` of that it is left, if there is another one to try.

        With `no_answer` from an endpoint that never worked it is left at once: more likely a wrong or dead address
        than an outage, and a job that is over in a second must not spend it waiting.
        `whole_endpoint`: the cause (no connection, a refused token) is the same for the endpoint's other form.
        Answers whether another route is to be tried at once.
        """
        if state.left is not None:
            state.probe_at = now + self._probe_seconds
            return self._has_other(now)
        if state.failing_since is None:
            state.failing_since = now
        patience = 0.0 if no_answer and state.delivered_at == -math.inf else self._after_seconds
        if now - state.failing_since < patience:
            return False
        affected = [
            other
            for other in self._states
            if other is state or (whole_endpoint and other.route.endpoint == state.route.endpoint)
        ]
        if len(affected) == len(self._states):
            return False
        for other in affected:
            self._leave(other, reason, now)
        return self._has_other(now)

    def asked_to_wait(self, state: RouteState, until: float) -> None:
        """Its server wishes no request before then, in whatever form."""
        for other in self._states:
            if other.route.endpoint == state.route.endpoint:
                other.not_before = until

    def seconds_until_left(self, state: RouteState, now: float) -> float:
        """How long a failing route is still waited for, if there is another endpoint; endless if there is none."""
        others = (other for other in self._states if other.route.endpoint != state.route.endpoint)
        if state.failing_since is None or not any(other.left is None or now >= other.due_at for other in others):
            return math.inf
        return max(state.failing_since + self._after_seconds - now, 0.0)

    def unsupported(self, state: RouteState, reason: str, now: float) -> bool:
        """Its URL does not serve this ingest: it is left at once. Answers whether another route is to be tried."""
        self._leave(state, reason, now)
        return self._has_other(now)

    def _leave(self, state: RouteState, reason: str, now: float) -> None:
        state.left = reason
        state.failing_since = None
        state.probe_at = now + self._probe_seconds

    def _has_other(self, now: float) -> bool:
        return any(state.left is None or now >= state.due_at for state in self._states)
