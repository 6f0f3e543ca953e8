"""The patterns that `redact` knows by a name.

Config values that we show ourselves are masked by `masking.py`, which would rather hide too much; log text has to
stay readable, so these match only what is written like a secret. What their group `kept` matches stays: it says what
the secret was for. What they leave does not match again. A secret that is broken over several lines is not found.

Log text is hostile: each pattern takes time in proportion to the text, since what may repeat without a bound is read
a fixed number of times (every other repetition has one).
"""

import re

# Prefix and public part of a token are safe to show and tell which token it is.
# https://docs.dynatrace.com/docs/dynatrace-api/basics/dynatrace-api-authentication
_PREFIX = r"[Dd][Tt]0[A-Za-z]\d\d\."
_TOKEN = re.compile(rf"(?P<kept>{_PREFIX}[\w-]+\.)[\w-](?:(?!{_PREFIX})[\w-])*")

# Header and claims of a JWT are JSON objects in base64: {" and { " are eyJ and eyAi. An encrypted one (RFC 7516) has
# two further parts, and its second may be empty. What stands before may be the end of an escape: \n, %3D. A run of its
# characters is only searched if it has a second part, and then the first eyJ is the one.
_JWT = re.compile(
    r"(?<![\w-])(?=[\w-]{11,}\.(?:[\w-]{8,})?\.)(?P<kept>[\w-]*?)"
    r"ey(?:J|Ai)[\w-]{8,}\.[\w-]*\.[\w-]*(?:\.[\w-]+){0,2}"
)

# One character of a credential, and words of a sentence instead: small letters but for the first, none very long.
_CHARACTER = r"[^\s,;\"'&<>\\]"
_WORDS = rf"[A-Za-z][a-z]{{0,14}}(?:[._=:/()!?-][a-z]{{0,15}}){{0,8}}(?!{_CHARACTER})"

# Dynatrace's tokens are left to the first pattern, which keeps their public part.
_DONE = rf"\*|{_PREFIX}"

# What stands behind the scheme's name in an Authorization header, wherever that is written.
_CREDENTIALS = re.compile(
    rf"(?P<kept>(?i:api-token|bearer)(?:[\s:=+]|%20){{1,8}})(?!{_DONE}|{_WORDS}){_CHARACTER}{{8,}}"
)

# Behind the name of the header, as text, in JSON (also inside of a text), in a dict, in a list of pairs, in a URL.
_SCHEME = (
    r"(?i:basic|bearer|api-?token|token|digest|negotiate|ntlm|api-?key|key|dpop|aws4-hmac-sha256)(?:\s{1,64}|%20|\+)"
)
_ANY_SCHEME = r"(?:[A-Za-z][\w-]{1,19}\s{1,64})?"
_QUOTE = r"b?\\{0,16}[\"']"
_BETWEEN = (
    rf"(?:\\{{0,16}}[\"']\s{{0,64}}[:=,]\s{{0,64}}\[?{_QUOTE}"
    rf"|\s{{0,64}}[:=]\s{{0,64}}\[?(?:{_QUOTE})?"
    r"|(?:%22)?%3[ADad](?:%20|\+)?(?:%22)?)"
)
_AUTHORIZATION = re.compile(
    rf"(?P<kept>(?i:authorization){_BETWEEN}(?:{_SCHEME}|(?={_ANY_SCHEME}{_CHARACTER}{{6}})))"
    rf"{_ANY_SCHEME}(?!{_DONE}|{_SCHEME}|{_WORDS}){_CHARACTER}+"
)

NAMED_PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    "dynatrace-token": (_TOKEN, _JWT, _AUTHORIZATION, _CREDENTIALS)
}

SIGNS: dict[re.Pattern[str], tuple[str, ...]] = {
    _TOKEN: ("dt0",),
    _JWT: ("eyj", "eyai"),
    _AUTHORIZATION: ("authorization",),
    _CREDENTIALS: ("api-token", "bearer"),
}
"""A text that has none of these in small letters holds nothing that the pattern matches; most texts have none. None has
a `*`, so that a text cannot come to have one by what other patterns replace."""
