"""How much goes into one request: Dynatrace's limits, and what a server has refused as too large."""

from dataclasses import replace

from dt_otlp_logs.delivery.failover import RouteState
from dt_otlp_logs.encoding.payload import PackLimits, Payload

# JSON ingest takes 10 MB a request (docs.dynatrace.com, Log Management limits). `expanded_bytes` is an estimate of
# the flat records' size, so a quarter is kept in reserve.
_JSON_EXPANDED_BYTES = 7_500_000

# A ceiling learned from a 413 is doubled after this time, so that one odd answer does not slow a service for good,
# and a limit that stands costs one refused request in ten minutes.
_CEILING_SECONDS = 600.0


def limits_for(state: RouteState, limits: PackLimits, now: float) -> PackLimits:
    """The limits of one request on this route at this moment."""
    if state.ceiling_bytes is not None:
        if now - state.ceiling_since >= _CEILING_SECONDS:
            state.ceiling_bytes *= 2
            state.ceiling_since = now
        if state.ceiling_bytes >= limits.request_bytes:
            state.ceiling_bytes = None
        else:
            limits = replace(limits, request_bytes=state.ceiling_bytes)
    if state.route.form == "json":
        limits = replace(limits, expanded_bytes=min(limits.expanded_bytes, _JSON_EXPANDED_BYTES))
    return limits


def is_over(payload: Payload, limits: PackLimits) -> bool:
    """Whether a payload of several records has to be split before it is sent. A single record is tried as it is."""
    return payload.records > 1 and (
        payload.size_bytes > limits.request_bytes
        or payload.records > limits.records
        or payload.expanded_bytes > limits.expanded_bytes
    )


def learn_ceiling(state: RouteState, refused: Payload, now: float) -> None:
    """A request of this size was too large: the next ones are at most half of it."""
    state.ceiling_bytes = max(refused.size_bytes // 2, 1)
    state.ceiling_since = now
