"""When the next attempt is due, after so many failures in a row."""

import math
from collections.abc import Callable

from dt_otlp_logs.delivery.backoff import backoff_seconds, slow_backoff_seconds


class Pace:
    """Keeps the wait between attempts. Times are monotonic seconds, passed in by the caller."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._failures = 0
        self._not_before = 0.0
        self._is_ours = True

    def seconds_left(self, now: float) -> float:
        """How long until the next attempt; 0 or less if it is due."""
        return self._not_before - now

    def failed(self, now: float, *, slow: bool, asked: float | None = None, at_most: float = math.inf) -> float:
        """Answers how long to wait now. `slow`: a person has to act; `asked`: the server's Retry-After."""
        self._failures += 1
        pause = slow_backoff_seconds if slow else backoff_seconds
        wait = min(max(pause(self._failures, self._random), asked or 0.0), at_most)
        self._is_ours = not asked
        self._not_before = now + wait
        return wait

    def elsewhere(self) -> None:
        """Another route is tried at once. The count goes on: two dead routes in turn are no reason to hurry."""
        self._not_before = 0.0

    def hurry(self) -> None:
        """End a wait that is our own; what a server asked for is kept."""
        if self._is_ours:
            self._not_before = 0.0

    def succeeded(self) -> None:
        """Start over."""
        self._failures = 0
        self._not_before = 0.0
