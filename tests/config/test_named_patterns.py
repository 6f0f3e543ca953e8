"""What `dynatrace-token` finds in log text, and what it leaves.

Formats: https://docs.dynatrace.com/docs/dynatrace-api/basics/dynatrace-api-authentication (tokens), RFC 7519 and 7516
(JWT, encrypted JWT), RFC 9110 section 11.6.2 (Authorization), the ASGI specification (headers as pairs of bytes).
"""

import base64
import json
import re
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.config.named_patterns import NAMED_PATTERNS, SIGNS
from dt_otlp_logs.encoding.redaction import Redaction

PUBLIC = "ST2EY72KQINMH574WMNVI7YN"
SECRET = "G3DFPBEJYMODIDAEX454M7YWBUVEFOWKPRVMWFASS64NFH52PX6BNDVFFM572RZM"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
JWE = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..SflKxwRJSMeKKF2Q.Y2lwaGVydGV4dA.dGFn"
JWT_WITH_BLANKS = (
    base64.urlsafe_b64encode(b'{ "alg": "HS256" }').decode() + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2Q"
)
BASIC = f"Basic {base64.b64encode(b'admin:hunter2secret').decode()}"


def redacted(text: str) -> str:
    left = Redaction(NAMED_PATTERNS["dynatrace-token"]).redacted(text)
    assert left is not None
    return left


@pytest.mark.parametrize("prefix", ["dt0c01", "dt0s01", "dt0s02", "dt0s06", "dt0s16", "DT0C01"])
@pytest.mark.parametrize("public", [PUBLIC, "ST2EY72K", "abc123", "A", "A" * 33, "abc_def", "abc-def"])
@pytest.mark.parametrize("secret", [SECRET, "abcdef", "x", f"_{SECRET}", f"-{SECRET}"])
def test_of_a_token_the_secret_is_masked_and_what_identifies_it_stays(prefix: str, public: str, secret: str) -> None:
    text = f"request with '{prefix}.{public}.{secret}' failed (token={prefix}.{public}.{secret}), twice"
    assert redacted(text) == f"request with '{prefix}.{public}.***' failed (token={prefix}.{public}.***), twice"


def test_tokens_without_anything_between_them_are_masked_each() -> None:
    left = redacted(f"dt0c01.{PUBLIC}.{SECRET}" * 100)
    assert SECRET not in left
    assert left.startswith(f"dt0c01.{PUBLIC}.***dt0c01.{PUBLIC}.***")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Authorization: Api-Token dt0c01.{PUBLIC}.{SECRET}", f"Authorization: Api-Token dt0c01.{PUBLIC}.***"),
        (f"authorization=Api-Token%20dt0c01.{PUBLIC}.{SECRET}", f"authorization=Api-Token%20dt0c01.{PUBLIC}.***"),
        (f"{{'Authorization': 'Bearer dt0s16.abc.{SECRET}'}}", "{'Authorization': 'Bearer dt0s16.abc.***'}"),
        ("Authorization: Api-Token kQ7bLz29Xn41pRt8Ws0Yv", "Authorization: Api-Token ***"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic ***"),
        ("Authorization: Bearer 0a1b2c3d4e5f", "Authorization: Bearer ***"),
        ("authorization=Token 0123456789abcdef, next", "authorization=Token ***, next"),
        ("Authorization: 0123456789abcdef", "Authorization: ***"),
        ("Authorization: Custom 0123456789abcdef; next", "Authorization: ***; next"),
        ("Authorization:[Basic dXNlcjpwYXNzd29yZA==]", "Authorization:[Basic ***"),
        ("HTTP_AUTHORIZATION=Basic dXNlcjpwYXNzd29yZA==", "HTTP_AUTHORIZATION=Basic ***"),
        ("Authorization:\r\n  Api-Token\r\n  kQ7bLz29Xn41pRt8", "Authorization:\r\n  Api-Token\r\n  ***"),
        ('"authorization": "bearer 2YotnFZFEjr1zCsicMWpAA2Y"', '"authorization": "bearer ***"'),
        ('"authorization":["Basic dXNlcjpwYXNzd29yZA=="]', '"authorization":["Basic ***"]'),
        ("BEARER%202YotnFZFEjr1zCsicMWpAA&x=1", "BEARER%20***&x=1"),
        ("?Api-Token=kQ7bLz29Xn41pRt8Ws0Yv&flag", "?Api-Token=***&flag"),
        ("sent Bearer 0a1b2c3d4e5f6g7h8i9j.", "sent Bearer ***"),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer ***"),
        (f"https://host/?api-token=dt0c01.{PUBLIC}.{SECRET}&x=1", f"https://host/?api-token=dt0c01.{PUBLIC}.***&x=1"),
    ],
)  # fmt: skip
def test_credentials_are_masked_and_what_they_were_for_stays(text: str, left: str) -> None:
    assert redacted(text) == left


HEADERS = {"Authorization": BASIC}
AS_BYTES = [(b"authorization", BASIC.encode())]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (repr(HEADERS), "{'Authorization': 'Basic ***'}"),
        (json.dumps(HEADERS), '{"Authorization": "Basic ***"}'),
        (json.dumps(json.dumps(HEADERS)), '"{\\"Authorization\\": \\"Basic ***\\"}"'),
        (json.dumps(json.dumps(json.dumps(HEADERS))), '"\\"{\\\\\\"Authorization\\\\\\": \\\\\\"Basic ***\\\\\\"}\\""'),
        (repr({b"Authorization": BASIC.encode()}), "{b'Authorization': b'Basic ***'}"),
        (repr([*HEADERS.items()]), "[('Authorization', 'Basic ***')]"),
        (repr(AS_BYTES), "[(b'authorization', b'Basic ***')]"),
        (quote(json.dumps(HEADERS)), "%7B%22Authorization%22%3A%20%22Basic%20***"),
    ],
)  # fmt: skip
def test_the_header_is_found_in_every_form_it_is_logged_in(text: str, left: str) -> None:
    assert redacted(text) == left


def test_the_header_is_found_in_json_that_is_indented() -> None:
    assert json.loads(redacted(json.dumps([*HEADERS.items()], indent=20))) == [["Authorization", "Basic ***"]]


@pytest.mark.parametrize("jwt", [JWT, JWE, JWT_WITH_BLANKS, JWT.rpartition(".")[0] + "."])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("token ", ", refreshed"),
        ("https://host/cb?next=a%3Ftoken%3D", ""),
        ("%22", "%22"),
        ("Token%20", "&x=1"),
        ('"line\\n', '"'),
        ("'a\\t", "'"),
        ("id_", ""),
        ("x-", "\n"),
    ],
)
def test_a_jwt_is_masked_whatever_stands_before_it(jwt: str, before: str, after: str) -> None:
    assert redacted(f"{before}{jwt}{after}") == f"{before}***{after}"


@pytest.mark.parametrize(
    "text",
    [
        "module.name.attr",
        "dt0c01",
        f"the token dt0c01.{PUBLIC} has expired",
        f"dt0c01.{PUBLIC}.",
        "dt.entity.host is set, dt0.a.b is not, nor is dtc001.a.b",
        "python3.11.7 on host-1.example.com took 12.5.3 ms",
        "the Bearer of bad news, and Api-Token authentication",
        "bearer authentication-required-here",
        "The bearer certificate-validation-failed",
        'WWW-Authenticate: Bearer realm="example", error="invalid_token"',
        "authorization failed for bob",
        "authorization: none",
        "authorization: forbidden",
        "authorization: required for user 12345678",
        "Authorization = denied because of role",
        "Authorization: Basic authentication is required",
        "authorization=enabled",
        "authorization, please",
        "eye.balls.tracker and eyJ alone",
        "2026-11-25T19:30:56.123Z user@example.com",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redacted(text) == text


PIECES = ["Authorization", "authorization", ": ", "=", '"', "'", "\\", "Bearer ", "Basic ", "Api-Token ", "%20", "***"]


@given(st.lists(st.sampled_from([*PIECES, JWT, JWE, BASIC, f"dt0c01.{PUBLIC}.{SECRET}", "0a1b2c3d", " ", "word"])))
def test_what_is_left_is_not_masked_again(pieces: list[str]) -> None:
    # Else a map would be taken for one with a secret in it, once its texts are redacted.
    left = redacted("".join(pieces))
    assert SECRET not in left
    assert redacted(left).count("***") <= left.count("***")


OWN = re.compile(r"[0-9=]{2,}|\*+")


@given(st.lists(st.sampled_from([*PIECES, JWT, JWE, f"dt0c01.{PUBLIC}.{SECRET}", "dT0", "ey", "J", "12", " "])))
def test_a_pattern_that_has_no_sign_in_a_text_finds_nothing_in_it_nor_in_what_others_leave(pieces: list[str]) -> None:
    text = "".join(pieces)
    patterns = NAMED_PATTERNS["dynatrace-token"]
    expected = OWN.sub("***", text)
    for pattern in patterns:
        expected = pattern.sub(r"\g<kept>***", expected)
    assert Redaction((OWN, *patterns)).redacted(text) == expected


def test_signs_are_small_letters_and_not_of_what_replaces_a_secret() -> None:
    for pattern in NAMED_PATTERNS["dynatrace-token"]:
        for sign in SIGNS[pattern]:
            assert sign
            assert sign == sign.lower()
            assert "*" not in sign


@given(
    st.text(),
    st.from_regex("dt0[cs][0-9][0-9]", fullmatch=True),
    st.text(string.ascii_letters + string.digits, min_size=1, max_size=32),
    st.text(string.ascii_letters + string.digits, min_size=8, max_size=80),
    st.text(string.punctuation + " \n", max_size=3),
)
def test_no_secret_is_left_wherever_a_token_stands(
    before: str, prefix: str, public: str, secret: str, end: str
) -> None:
    left = redacted(f"{before} {prefix}.{public}.{secret}{end}")
    assert f"{prefix}.{public}.{secret}" not in left
    assert f"{prefix}.{public}.***" in left


@given(st.text("Aaeyn_-", max_size=20), st.text("%=\"'\\ ", max_size=3))
def test_no_jwt_is_left_wherever_it_stands(word: str, between: str) -> None:
    assert JWT[12:] not in redacted(f"{word}{between}{JWT}")


HOSTILE = [
    *("x", "a.", " ", "=", ":", "%20", "\\", "a", "a-", "_", '"'),
    *(
        "eyJ",
        "eyJ.",
        "eyAi",
        "_eyJ",
        "%3DeyJ",
        "\\neyJ",
        "eyJabcdefgh",
        "eyJabcdefgh.",
        "eyJabcdefgh..",
        "-eyJaaaaaaaa.a",
    ),
    *("dt0c01.", "dt0c01.A", "dt0c01.A.", "dt0c01.A-", "dt0dt0c01.."),
    *("Bearer ", "Bearer", "bearer%20", "Bearer=", "bearer:a", "Bearer\\", "bearer a.b-", "Api-Token", "api-token=a-"),
    *("Authorization", "Authorization:", "authorization=", "authorization: ", "authorization ", "authorization%3D"),
    *("Authorization: basic ", "authorization: a-", "Authorization: *", "authorization=dt0c01."),
    *("authorization:\\", 'authorization":"'),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("start", ["", "eyJ", "dt0c01.", "Bearer ", "Authorization: ", "Authorization: Basic "])
@pytest.mark.parametrize("part", HOSTILE)
def test_a_large_hostile_text_takes_no_quadratic_time(start: str, part: str) -> None:
    # That would be hours.
    text = start + part * (200_000 // len(part))
    assert redacted(text)


@pytest.mark.timeout(60)
def test_many_hostile_words_far_apart_take_no_quadratic_time() -> None:
    for word in ("authorization", "authorization:", "bearer", "eyJ", "dt0c01.", "authorization=basic"):
        for filler in (" ", "a", "=", "\\", "-", "a."):
            text = (word + filler * 1_000) * 200
            assert redacted(text)
