"""The protobuf primitives against protobuf's own reading of them."""

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, UInt64Value
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.encoding.wire import LENGTH_DELIMITED, VARINT, fields, key, length_delimited, read_varint, varint


@given(st.integers(0, 2**64 - 1) | st.integers(0, 300).map(lambda n: 2 ** (n % 64)))
def test_a_varint_is_read_by_protobuf_and_by_us(number: int) -> None:
    assert UInt64Value.FromString(key(1, VARINT) + varint(number)).value == number
    assert read_varint(varint(number), 0) == (number, len(varint(number)))


@given(st.integers(-(2**63), -1))
def test_a_negative_varint_is_an_int64(number: int) -> None:
    assert Int64Value.FromString(key(1, VARINT) + varint(number)).value == number


@given(st.binary(max_size=5_000))
def test_a_length_delimited_field_is_read_by_protobuf_and_by_us(content: bytes) -> None:
    encoded = length_delimited(key(1, LENGTH_DELIMITED), content)
    assert BytesValue.FromString(encoded).value == content
    (field,) = fields(encoded)
    assert encoded[field.content : field.end] == content


@given(st.binary(max_size=60))
def test_bytes_that_are_no_message_are_a_value_error_and_nothing_else(noise: bytes) -> None:
    try:
        ends = [field.end for field in fields(noise)]
    except ValueError:
        return
    assert all(end <= len(noise) for end in ends)


@pytest.mark.parametrize("broken", [b"\x0a", b"\x0a\x05abc", b"\x09\x00", b"\x80" * 11, b"\x0b", b"\x0d\x00"])
def test_a_message_that_ends_early_is_a_value_error(broken: bytes) -> None:
    with pytest.raises(ValueError, match="byte"):
        list(fields(broken))
