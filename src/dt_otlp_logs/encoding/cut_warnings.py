"""What was cut of a record, in Dynatrace's own words, as an attribute of the record.

The words are those of `dt.ingest.warnings`, which is the server's ("Log ingestion warnings", docs.dynatrace.com).
"""

from collections.abc import Mapping

from .wire import fields, length_delimited

CONTENT_TRIMMED = "content_trimmed"
ATTRIBUTES_TRIMMED = "attr_count_trimmed"
KEY_TRIMMED = "attr_key_trimmed"
ARRAY_TRIMMED = "attr_val_count_trimmed"
VALUE_TRIMMED = "attr_val_size_trimmed"

_IN_ORDER = (CONTENT_TRIMMED, ATTRIBUTES_TRIMMED, KEY_TRIMMED, ARRAY_TRIMMED, VALUE_TRIMMED)

# What these left out left no trace of its own, so its number is said.
_COUNTED = frozenset({ATTRIBUTES_TRIMMED, ARRAY_TRIMMED})


def warnings_value(warnings: Mapping[str, int]) -> bytes:
    """The AnyValue: an array of texts such as `content_trimmed` and `attr_count_trimmed: 12`."""
    words = [f"{word}: {warnings[word]}" if word in _COUNTED else word for word in _IN_ORDER if word in warnings]
    return _array(b"".join(map(_element, words)))


def with_warning(any_value: bytes, word: str) -> bytes:
    """The array (of `warnings_value`, or nothing) with one more word, unless it has it."""
    elements = b"".join(any_value[array.content : array.end] for array in fields(any_value))
    return any_value if _element(word) in elements else _array(elements + _element(word))


def _element(word: str) -> bytes:
    # ArrayValue.values = 1, AnyValue.string_value = 1
    return length_delimited(b"\x0a", length_delimited(b"\x0a", word.encode()))


def _array(elements: bytes) -> bytes:
    return length_delimited(b"\x2a", elements)  # AnyValue.array_value = 5
