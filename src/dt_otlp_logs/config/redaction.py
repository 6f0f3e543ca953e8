"""The patterns of `redact` that have a name: what they match in log text, and how a setting shows them.

Config values that we show ourselves are masked by `masking.py`, which would rather hide too much; log text has to
stay readable, so these match only what is written like a secret.
"""

import re
from collections.abc import Iterable

from dt_otlp_logs.config.masking import escape

# Prefix and public part of a token are safe to show and tell which token it is; only the secret may match, and
# Python's lookbehind has a fixed width, so there is one for each length of a public part. Real ones have 8 or 24
# characters of base 32, those in documentation and tests fewer.
# https://docs.dynatrace.com/docs/dynatrace-api/basics/dynatrace-api-authentication
_LONGEST_PUBLIC_PART = 32
_AFTER_PUBLIC_PART = "|".join(
    rf"(?<=(?i:dt0[a-z])\d\d\.[A-Za-z0-9]{{{length}}}\..)" for length in range(1, _LONGEST_PUBLIC_PART + 1)
)
_TOKEN = re.compile(rf"[A-Za-z0-9](?<=\..)(?:{_AFTER_PUBLIC_PART})[\w-]*")

# Header and claims of a JWT are JSON objects in base64: they begin with eyJ. The lookbehind keeps the time linear.
_JWT = re.compile(r"eyJ(?<![\w-]eyJ)[\w-]{8,}\.[\w-]{8,}\.[\w-]*")

# What stands behind the scheme's name in an Authorization header; shorter words are those of a sentence. Dynatrace's
# tokens are left to the first pattern, which keeps their public part.
_CREDENTIALS = re.compile(
    r"[AaBb](?i:(?<=a)pi-token|(?<=b)earer)(?:[\s:=+]|%20)+(?!(?i:dt0[a-z])\d\d\.)[^\s,;\"'&<>]{16,}"
)

# Behind the word Authorization everything is a secret but a Dynatrace token, which the first pattern cuts short.
_AUTHORIZATION = re.compile(
    r"[Aa](?i:(?<=a)uthorization)[\"']?\s*[:=]\s*[\"']?(?:(?i:basic|token|digest|negotiate|apikey|key)\s+)?"
    r"(?!(?i:api-token|bearer)\b)[^\s,;\"'&<>]{6,}"
)

NAMED_PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    "dynatrace-token": (_TOKEN, _JWT, _CREDENTIALS, _AUTHORIZATION)
}

_NAME_OF = {pattern: name for name, patterns in NAMED_PATTERNS.items() for pattern in patterns}


def show_patterns(patterns: Iterable[re.Pattern[str]]) -> str:
    """The patterns in the words of the setting: those with a name by their name."""
    shown = dict.fromkeys(_NAME_OF.get(pattern) or escape(pattern.pattern) for pattern in patterns)
    return ", ".join(shown) or "none"
