"""A WARN record of our own that tells Dynatrace's users about lost records, where they look for them."""

from .request import Group, Payload, seal, unpack
from .wire import FIXED64, LENGTH_DELIMITED, VARINT, key, length_delimited, varint

# LogRecord: time_unix_nano = 1, severity_number = 2, severity_text = 3, body = 5, observed_time_unix_nano = 11;
# AnyValue.string_value = 1. WARN is 13 (opentelemetry-proto, logs/v1/logs.proto).
_TIME = key(1, FIXED64)
_SEVERITY = key(2, VARINT) + varint(13) + length_delimited(key(3, LENGTH_DELIMITED), b"WARN")
_BODY = key(5, LENGTH_DELIMITED)
_STRING = key(1, LENGTH_DELIMITED)
_OBSERVED_TIME = key(11, FIXED64)


def loss_report(like: Payload | None, words: str, now_unix_nano: int) -> Payload:
    """One record that says these words, under the resource and scope of `like`, or under none."""
    text = f"dt-otlp-logs: {words}".encode("utf-8", "backslashreplace")
    time = now_unix_nano.to_bytes(8, "little")
    record = _TIME + time + _SEVERITY + length_delimited(_BODY, length_delimited(_STRING, text)) + _OBSERVED_TIME + time
    first = unpack(like)[0] if like is not None else None
    resource, scope = (first.resource, first.scope) if first is not None else (b"", b"")
    return seal([Group(resource, scope, (record,), (now_unix_nano,))])
