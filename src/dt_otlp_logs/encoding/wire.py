"""Protobuf on the wire: the few primitives that writing and reading OTLP takes.

Reference: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator
from typing import NamedTuple

VARINT = 0
FIXED64 = 1
LENGTH_DELIMITED = 2
FIXED32 = 5

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
UINT32_MAX = 0xFFFF_FFFF
UINT64_MAX = 0xFFFF_FFFF_FFFF_FFFF


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


# Lengths of attribute values and of most contents: looked up, since a loop in Python costs ten times as much.
SHORT_VARINTS = tuple(_varint(value) for value in range(2048))


def varint(value: int) -> bytes:
    """A number from 0 to 2**64 - 1 as a varint. Negative numbers are written as their two's complement."""
    if 0 <= value < 2048:
        return SHORT_VARINTS[value]
    # Written out for order numbers and lengths of records: half the time of the loop.
    if 0 <= value < 1 << 14:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if 0 <= value < 1 << 21:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))
    if 0 <= value < 1 << 28:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14 & 0x7F | 0x80, value >> 21))
    return _varint(value & UINT64_MAX)


def key(field: int, wire_type: int) -> bytes:
    """What stands before a field's content: its number and how to read it."""
    return varint(field << 3 | wire_type)


def length_delimited(field_key: bytes, content: bytes) -> bytes:
    """A field that holds text, bytes or a message."""
    return b"%b%b%b" % (field_key, varint(len(content)), content)


class Field(NamedTuple):
    """One field of a message: offsets into the bytes it was read from."""

    number: int
    wire_type: int
    start: int
    content: int
    end: int


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The varint at a position, and the position after it. ValueError if there is none."""
    value = shift = 0
    for offset in range(position, min(position + 10, len(data))):
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset + 1
        shift += 7
    raise ValueError(f"no varint at byte {position}")


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """The fields of the message between two offsets. ValueError if the bytes are no message."""
    position = start
    end = len(data) if end is None else end
    while position < end:
        field_start = position
        tag, position = read_varint(data, position)
        wire_type = tag & 7
        content = position
        if wire_type == LENGTH_DELIMITED:
            length, content = read_varint(data, position)
            position = content + length
        elif wire_type == FIXED64:
            position += 8
        elif wire_type == FIXED32:
            position += 4
        elif wire_type == VARINT:
            _, position = read_varint(data, position)
        else:
            raise ValueError(f"wire type {wire_type} at byte {field_start} is none that protobuf still uses")
        if position > end:
            raise ValueError(f"the field at byte {field_start} ends after the message it is in")
        yield Field(tag >> 3, wire_type, field_start, content, position)
