"""Sizes, times and switches: as people write them, and nothing senseless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.config import BadValueError
from dt_otlp_logs.config.quantity import parse_bytes, parse_seconds, parse_switch


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512_000_000), ("64MiB", 67_108_864), ("64Mi", 67_108_864), ("1GiB", 1_073_741_824), ("10 kb", 10_000),
        ("2_000_000", 2_000_000), ("1.5 GB", 1_500_000_000), ("1e6", 1_000_000), (" 5B ", 5), (17, 17), (2e6, 2000000),
    ],
)  # fmt: skip
def test_a_size_is_read(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("30s", 30),
        ("500ms", 0.5),
        ("1.5", 1.5),
        (10, 10),
        (0.25, 0.25),
        ("2 m", 120),
        ("1h", 3600),
        ("1_000ms", 1),
    ],
)
def test_a_time_is_read(text, time):
    assert parse_seconds(text) == pytest.approx(time)


@pytest.mark.parametrize("value", ["", "x", "5 parsecs", "nan", "inf", "-1", "0", "1e400", "_1", "--1", "1.2.3", None,
                                   True, [], float("nan"), float("inf"), -1, 0, b"1", "\u0661", 10**400])  # fmt: skip
@pytest.mark.parametrize("parse", [parse_bytes, parse_seconds])
def test_what_is_senseless_is_refused_with_the_units_that_are_understood(parse, value):
    with pytest.raises(BadValueError, match=r"units: |at most"):
        parse(value)


def test_a_time_may_be_zero_only_where_that_means_something():
    assert parse_seconds(0, zero_allowed=True) == 0
    with pytest.raises(BadValueError):
        parse_seconds("-0.1", zero_allowed=True)
    with pytest.raises(BadValueError, match="at most a day"):
        parse_seconds("25h")


@pytest.mark.parametrize("value", ["true", "1", "YES", " on ", True, 1])
def test_a_switch_is_on(value):
    assert parse_switch(value) is True


@pytest.mark.parametrize("value", ["false", "0", "No", "off", False, 0])
def test_a_switch_is_off(value):
    assert parse_switch(value) is False


@pytest.mark.parametrize("value", ["", "maybe", 2, None, 1.0])
def test_a_switch_is_neither(value):
    with pytest.raises(BadValueError, match="true or false"):
        parse_switch(value)


NUMBERS = st.from_regex(r"[-+]?[0-9_.]+(e[0-9]+)?[a-zA-Z]*", fullmatch=True)


@given(
    st.one_of(st.text(), st.floats(), st.integers(), NUMBERS),
    st.sampled_from([parse_bytes, parse_seconds, parse_switch]),
)
def test_anything_is_a_quantity_or_refused_by_its_own_error(value, parse):
    try:
        read = parse(value)
    except BadValueError:
        return
    assert read is True or read is False or 0 < read < float("inf")
