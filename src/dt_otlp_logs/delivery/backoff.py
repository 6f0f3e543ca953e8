"""How long to wait before the next attempt: pure functions of the number of failures and a random number."""

import math
from collections.abc import Callable
from email.utils import parsedate_to_datetime

# Half a second first, so that a restarting gateway costs little; 15 s at most, so that records arrive soon after
# an outage ends, while ten thousand services still send no more than about 700 requests a second between them.
FIRST_SECONDS = 0.5
LONGEST_SECONDS = 15.0

# After 401/403, a redirect or a login page a person has to act: ask seldom, yet soon enough after the repair.
SLOW_FIRST_SECONDS = 5.0
SLOW_LONGEST_SECONDS = 30.0

# A Retry-After beyond this is cut: nothing documented asks for more, and a mistaken header ("86400") must not
# silence a service for a day.
LONGEST_RETRY_AFTER_SECONDS = 600.0


def backoff_seconds(failures: int, random: Callable[[], float]) -> float:
    """The wait after the n-th failure in a row (n >= 1): doubling, then spread over half to the whole of it."""
    return _spread(FIRST_SECONDS, LONGEST_SECONDS, failures, random)


def slow_backoff_seconds(failures: int, random: Callable[[], float]) -> float:
    """Like `backoff_seconds`, at the pace for faults that only a person can mend."""
    return _spread(SLOW_FIRST_SECONDS, SLOW_LONGEST_SECONDS, failures, random)


def _spread(first: float, longest: float, failures: int, random: Callable[[], float]) -> float:
    # The exponent is bounded so that a month of failures cannot overflow a float.
    ceiling = min(longest, first * 2.0 ** min(failures - 1, 16))
    return ceiling * (0.5 + 0.5 * random())


def retry_after_seconds(header: str | None, now_unix_seconds: float) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3: a number or a date); None without one."""
    if not header:
        return None
    text = header.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now_unix_seconds
        except (ValueError, TypeError, OverflowError):
            return None
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)
