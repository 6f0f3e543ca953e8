"""Tokens: the right scheme for each kind, files that change, and a secret no printed form gives away."""

import copy
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.config import ApiToken, BadValueError, TokenSource

SECRET = "HUNTER2" * 9
CLASSIC = f"dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX.{SECRET}"
PLATFORM = f"dt0s16.ABCDEFGH.{SECRET}"
JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.{SECRET}"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (CLASSIC, f"Api-Token {CLASSIC}"),
        ("dt0c01.abc123.abcdef", "Api-Token dt0c01.abc123.abcdef"),
        (PLATFORM, f"Bearer {PLATFORM}"),
        (JWT, f"Bearer {JWT}"),
        ("something-else", "Api-Token something-else"),
        (f"Api-Token {CLASSIC}", f"Api-Token {CLASSIC}"),
        (f"api-token  {CLASSIC}\n", f"Api-Token {CLASSIC}"),
        (f"Api-Token%20{CLASSIC}", f"Api-Token {CLASSIC}"),
        (f"Authorization: Api-Token {CLASSIC}", f"Api-Token {CLASSIC}"),
        (f"Bearer {PLATFORM}", f"Bearer {PLATFORM}"),
        (f"Api-Token {PLATFORM}", f"Bearer {PLATFORM}"),
        (f"Bearer {CLASSIC}", f"Api-Token {CLASSIC}"),
        ("Bearer opaque", "Bearer opaque"),
        (f'"{CLASSIC}"', f"Api-Token {CLASSIC}"),
        (f"'Api-Token {CLASSIC}'", f"Api-Token {CLASSIC}"),
        (f"\ufeff{CLASSIC}\r\n", f"Api-Token {CLASSIC}"),
    ],
)
def test_the_scheme_follows_the_prefix_however_the_token_was_pasted(text, header):
    assert ApiToken(text).authorization() == header


@pytest.mark.parametrize(
    ("text", "public"),
    [
        (CLASSIC, "dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX"),
        ("dt0c01.abc123.abcdef", "dt0c01.abc123"),
        (PLATFORM, "dt0s16.ABCDEFGH"),
        (JWT, "***"),
        ("opaque.secret.text", "***"),
        (f"dt0c01.{SECRET}", "dt0c01"),
        (f"dt0c01.{SECRET}.x", "dt0c01"),
        ("dt0c01.abc", "dt0c01"),
    ],
)
def test_only_prefix_and_public_part_are_shown(text, public):
    assert ApiToken(text).public_id == public


@pytest.mark.parametrize(
    "text",
    ["", " ", "''", "Api-Token", "Bearer ", "dt0c01.ABC.SEC RET", "dt0c01.ABC.SEC\nRET", "dt0c01.ABC.SEC\0RET",
     "dt0c01.ABC.SECRÉT", "https://SECRET.example.org", "Basic SECRET", "${SECRET}", "$(SECRET)", "<SECRET>",
     "$SECRET", "dt0c01.ABC.***", "dt0c01....SECRET", "x" * 20_000],
)  # fmt: skip
def test_what_is_no_token_is_refused_without_being_repeated(text):
    with pytest.raises(BadValueError) as caught:
        ApiToken(text)
    shown = f"{caught.value} {caught.value!r}"
    assert "RET" not in shown.replace("PUBLIC.SECRET", "")
    assert "\n" not in str(caught.value)


@given(st.text(min_size=1))
def test_any_text_is_a_token_or_refused_by_its_own_error(text):
    try:
        token = ApiToken(text)
    except BadValueError:
        return
    assert token.authorization().isascii()
    assert "\n" not in token.authorization()


@pytest.mark.parametrize("text", [CLASSIC, PLATFORM, JWT, SECRET])
def test_no_printed_form_of_a_token_holds_the_secret(text):
    token = ApiToken(text)
    printed = f"{token} {token!s} {token!r} {token:>200} {[token]} {dir(token)}"
    printed += "%r %s" % (token, token)  # noqa: UP031
    printed += repr(TokenSource.fixed(token)) + str({token: 1}) + repr(ValueError(token))
    assert "HUNTER2" not in printed


@pytest.mark.parametrize("made", [ApiToken(CLASSIC), TokenSource.fixed(ApiToken(CLASSIC))])
def test_a_token_is_copied_but_not_pickled(made):
    assert copy.copy(made) is made
    assert copy.deepcopy({"token": made})["token"] is made
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="stored in the clear"):
            pickle.dumps(made, protocol)


def test_a_token_cannot_be_changed():
    token = ApiToken(CLASSIC)
    with pytest.raises(AttributeError):
        token._secret = "x"
    with pytest.raises(AttributeError):
        del token._secret


def test_tokens_are_equal_by_what_they_send():
    assert ApiToken(CLASSIC) == ApiToken(f"Api-Token {CLASSIC}")
    assert hash(ApiToken(CLASSIC)) == hash(ApiToken(f"'{CLASSIC}'"))
    assert ApiToken(CLASSIC) != ApiToken(PLATFORM)
    assert ApiToken(CLASSIC) != CLASSIC


def test_a_fixed_token_never_changes():
    source = TokenSource.fixed(ApiToken(CLASSIC), "DT_API_TOKEN")
    assert source.current() == ApiToken(CLASSIC)
    assert (source.where, source.problem, source.reload()) == ("DT_API_TOKEN", None, False)
    assert TokenSource.none().current() is None


def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(f"\ufeff {CLASSIC}\n", encoding="utf-8")
    source = TokenSource.from_file(file)
    assert source.current() == ApiToken(CLASSIC)
    assert source.where == f"file {file}"
    assert source.reload() is False
    file.write_text(PLATFORM)
    assert source.current() == ApiToken(PLATFORM)


def test_reload_tells_whether_the_token_is_another_one(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(CLASSIC)
    source = TokenSource.from_file(file)
    file.write_text(PLATFORM)
    assert source.reload() is True
    assert source.reload() is False


def test_a_kubernetes_secret_swapped_by_symlink_is_noticed(tmp_path: Path):
    for version, token in (("1", CLASSIC), ("2", PLATFORM)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "token").write_text(token)
    data, file = tmp_path / "..data", tmp_path / "token"
    data.symlink_to("1")
    file.symlink_to(Path("..data") / "token")
    source = TokenSource.from_file(file)
    assert source.current() == ApiToken(CLASSIC)
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").replace(data)
    assert source.current() == ApiToken(PLATFORM)


def test_the_last_good_token_is_kept_when_the_file_goes_bad(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(CLASSIC)
    source = TokenSource.from_file(file)
    for spoil in (lambda: file.write_text(""), file.unlink, file.mkdir):
        spoil()
        assert source.current() == ApiToken(CLASSIC)
        assert str(file) in (source.problem or "")
    file.rmdir()
    file.write_text(PLATFORM)
    assert source.current() == ApiToken(PLATFORM)
    assert source.problem is None


def test_a_file_that_is_no_token_file_is_a_problem_and_no_exception(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_text("x" * 100_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\0")
    (tmp_path / "two").write_text(f"{CLASSIC}\n{CLASSIC}\n")
    for name in ("missing", "pipe", "large", "binary", "two", ".", "nul\0"):
        source = TokenSource.from_file(tmp_path / name)
        assert source.current() is None
        assert source.problem
        assert "HUNTER2" not in source.problem
