"""Bytes become lines without loss, whatever they are and however they arrive."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.cli.lines import LineSplitter


def split(*chunks: bytes, max_characters: int = 1_000) -> list[str]:
    splitter = LineSplitter(max_characters)
    lines = [line.text for chunk in chunks for line in splitter.feed(chunk)]
    return lines + [line.text for line in splitter.flush()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\n", ["one"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"one\n\ntwo", ["one", "", "two"]),
        (b"50 %\r100 %\n", ["50 %\r100 %"]),
        (b"form\x0cfeed\x1c\xc2\x85\n", ["form\x0cfeed\x1c\x85"]),
        ("žlutý 🐎\n".encode(), ["žlutý 🐎"]),
        (b"caf\xe9 \xff\n", ["caf\\xe9 \\xff"]),
        (b"cut \xf0\x9f", ["cut \\xf0\\x9f"]),
        (b"nul\x00\n", ["nul\x00"]),
        (codecs.BOM_UTF8 + b"one\n", ["one"]),
        (codecs.BOM_UTF16_LE + "één\r\ntwee\n".encode("utf-16-le"), ["één", "twee"]),
        (codecs.BOM_UTF16_BE + "één\n".encode("utf-16-be"), ["één"]),
        (codecs.BOM_UTF32_LE + "één\n".encode("utf-32-le"), ["één"]),
        (codecs.BOM_UTF8, []),
        (b"\xef\xbb", ["\\xef\\xbb"]),
    ],
)
def test_lines_keep_their_text(data: bytes, expected: list[str]) -> None:
    assert split(data) == expected
    assert split(*(data[i : i + 1] for i in range(len(data)))) == expected


@given(st.binary(), st.integers(1, 7))
def test_lines_do_not_depend_on_how_the_bytes_arrive(data: bytes, size: int) -> None:
    assert split(*(data[i : i + size] for i in range(0, len(data), size))) == split(data)


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))
def test_lines_joined_are_the_file(texts: list[str]) -> None:
    expected = [text.removesuffix("\r") for text in texts]
    if texts and texts[0].startswith("\ufeff"):
        expected[0] = texts[0][1:].removesuffix("\r")
    assert split("".join(text + "\n" for text in texts).encode()) == expected


def test_a_line_that_never_ends_leaves_in_pieces_and_memory_stays_bounded() -> None:
    splitter = LineSplitter(max_characters=10)
    pieces = list(splitter.feed(b"0123456789" * 3 + b"abc\nnext\n"))
    assert [(piece.text, piece.starts, piece.ends) for piece in pieces] == [
        ("0123456789", True, False),
        ("0123456789", False, False),
        ("0123456789", False, False),
        ("abc", False, True),
        ("next", True, True),
    ]


def test_the_newline_after_a_piece_is_no_line_of_its_own() -> None:
    splitter = LineSplitter()
    assert [line.text for line in splitter.feed(b"half")] == []
    assert [line.text for line in splitter.flush(final=False)] == ["half"]
    assert [(line.text, line.starts) for line in splitter.feed(b"\nnext\n")] == [("next", True)]


def test_the_rest_of_a_line_that_was_sent_half_is_marked_as_its_rest() -> None:
    splitter = LineSplitter()
    list(splitter.feed(b"half \xc3"))
    assert [line.text for line in splitter.flush(final=False)] == ["half "]
    assert [(line.text, line.starts) for line in splitter.feed(b"\xa9 whole\n")] == [("é whole", False)]
