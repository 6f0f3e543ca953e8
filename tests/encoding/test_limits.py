"""The cut at a limit, and the limits' numbers."""

import re

from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.encoding.limits import CLASSIC, GRAIL, PROFILES, cut, cut_name


@given(st.text(), st.integers(0, 200))
def test_a_cut_text_fits_is_valid_and_says_exactly_what_is_missing(text: str, max_bytes: int) -> None:
    encoded = text.encode()
    result = cut(encoded, max_bytes)
    assert len(result) <= max_bytes or result == encoded
    result.decode()
    if len(encoded) <= max_bytes:
        assert result == encoded
    elif match := re.search(rb"\.\.\.\[truncated (\d+) bytes\]\Z", result):
        kept = result[: match.start()]
        assert encoded.startswith(kept)
        assert len(kept) + int(match[1]) == len(encoded)
    else:
        assert encoded.startswith(result)
        assert max_bytes <= len(f"...[truncated {len(encoded)} bytes]")


@given(st.text("aé€😀", min_size=100), st.integers(60, 200), st.integers(40, 200))
def test_a_text_that_is_cut_again_says_how_much_is_missing_in_all(text: str, first: int, second: int) -> None:
    result = cut(cut(text.encode(), first), second)
    match = re.search(rb"\.\.\.\[truncated (\d+) bytes\]\Z", result)
    if match is None:
        assert result == text.encode()
    else:
        assert match.start() + int(match[1]) == len(text.encode())
        assert result[: match.start()].count(b"truncated") == 0


@given(st.text(), st.integers(0, 40))
def test_a_cut_name_is_the_longest_beginning_that_fits(name: str, max_bytes: int) -> None:
    beginnings = [name[:length].encode() for length in range(len(name) + 1)]
    assert cut_name(name.encode(), max_bytes) == [each for each in beginnings if len(each) <= max_bytes][-1]


def test_the_profiles_are_what_dynatrace_documents() -> None:
    assert (GRAIL.content_bytes, GRAIL.attributes, GRAIL.attribute_value_bytes) == (10_000_000, 500, 32_768)
    assert (CLASSIC.content_bytes, CLASSIC.attributes, CLASSIC.attribute_value_bytes) == (8_192, 50, 250)
    for limits in (GRAIL, CLASSIC):
        assert (limits.attribute_key_bytes, limits.array_values, limits.nesting_levels) == (100, 32, 5)
    assert PROFILES == {"grail": GRAIL, "classic": CLASSIC}
