"""How much Dynatrace keeps of a record, and the cuts that keep to it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What the exporter keeps to itself, so that a reader sees what is missing; sizes are UTF-8 bytes.

    Dynatrace trims what is over a limit without a mark in the text and takes whichever attributes it likes.
    `attributes` counts what the record has at the server: those of resource, scope and record, and the scope's name
    and version. `array_values` are kept of an array, and `nesting_levels` of maps in maps.
    `classic`: names are lower-cased there, and maps always flattened.
    Source: "Log Management and Analytics default limits" and "Log Monitoring Classic limits", docs.dynatrace.com.
    """

    name: str
    content_bytes: int
    attributes: int
    attribute_value_bytes: int
    attribute_key_bytes: int = 100
    array_values: int = 32
    nesting_levels: int = 5
    classic: bool = False


# "10 MB" and "32 kB". Where a kB of these pages could be measured it had 1,024 bytes (512 kB were 524,288),
# so the value's limit is read that way; the content's is also the request's, and read the smaller way.
GRAIL = Limits("grail", content_bytes=10_000_000, attributes=500, attribute_value_bytes=32_768)

# "8,192 bytes" and "250 bytes": Log Monitoring Classic, and Dynatrace Managed.
CLASSIC = Limits("classic", content_bytes=8_192, attributes=50, attribute_value_bytes=250, classic=True)

PROFILES = {limits.name: limits for limits in (GRAIL, CLASSIC)}

_MOST_MARKER_BYTES = 40
_MARKER = re.compile(rb"\.\.\.\[truncated (\d{1,15}) bytes\]\Z")


def cut(text: bytes, max_bytes: int) -> bytes:
    """UTF-8 text cut to at most this many bytes, never inside a character, ending in how much is missing.

    What was missing before is counted in. Where even the marker does not fit, the text is cut without one.
    """
    if len(text) <= max_bytes:
        return text
    before = _marker(text)
    whole, missing = (text[: before.start()], int(before[1])) if before else (text, 0)
    # The marker counts what it displaces, too, so its own length is needed first: the text's length bounds it.
    longest_marker = len(truncation_marker(len(whole) + missing))
    if longest_marker >= max_bytes:
        return cut_name(text, max_bytes)
    kept = _boundary(whole, max_bytes - longest_marker)
    return whole[:kept] + truncation_marker(len(whole) - kept + missing)


def is_cut(text: bytes) -> bool:
    """Whether a text ends in a marker already."""
    return _marker(text) is not None


def _marker(text: bytes) -> re.Match[bytes] | None:
    return _MARKER.search(text, max(0, len(text) - _MOST_MARKER_BYTES))


def cut_name(name: bytes, max_bytes: int) -> bytes:
    """UTF-8 text cut to at most this many bytes, never inside a character, without a marker: it has to stay a name."""
    return name if len(name) <= max_bytes else name[: _boundary(name, max(0, max_bytes))]


def truncation_marker(missing_bytes: int) -> bytes:
    """What a cut text ends in."""
    return b"...[truncated %d bytes]" % missing_bytes


def _boundary(text: bytes, position: int) -> int:
    """The last character boundary at or before a position: UTF-8 continues a character with 0b10xxxxxx."""
    while position > 0 and text[position] & 0xC0 == 0x80:
        position -= 1
    return position
