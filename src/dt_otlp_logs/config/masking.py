"""How text that may hold a secret is shown: masked, control characters escaped, shortened."""

import re

# Dynatrace documents prefix and public part as safe to show; a public part has 8 or 24 characters.
_TOKEN = re.compile(r"dt0[a-z]\d\d\.[^\s,;'\"&?#/]*", re.IGNORECASE)
_PUBLIC = re.compile(r"(dt0[a-z]\d\d)(?:\.([a-z0-9]{1,24})(?=\..))?", re.IGNORECASE)
_JWT = re.compile(r"\bey[\w-]{4,}\.[\w.-]*")
_CREDENTIALS = re.compile(r"\b(Api-Token|Bearer|Basic|Digest)(\s|%20|\+)+[^\s,;]+", re.IGNORECASE)
_BEFORE_HOST = re.compile(r"^(\s*[\"']?(?:[a-z][a-z0-9+.-]*:)?//)?.*@", re.IGNORECASE | re.DOTALL)
_LONGEST_SHOWN = 80


def public_part(token: str) -> str:
    """Answer what of *token* may be shown: `dt0c01.PUBLIC`, the prefix alone, or nothing."""
    match = _PUBLIC.match(token)
    if match is None:
        return ""
    prefix, public = match.groups()
    return f"{prefix}.{public}" if public else prefix


def mask(text: str) -> str:
    """Replace every token, credential and user name before a host by `***`."""
    text = _CREDENTIALS.sub(r"\1 ***", text)
    text = _TOKEN.sub(lambda match: f"{public_part(match[0])}.***", text)
    text = _JWT.sub("ey***", text)
    return _BEFORE_HOST.sub(r"\1***@", text) if "@" in text else text


def escape(text: str) -> str:
    """Make control, bidirectional and unpaired surrogate characters visible: a terminal acts on none."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shown(value: object) -> str:
    """Show *value* in a message: in quotes, masked, escaped, at most 80 characters."""
    text = escape(mask(str(value)))
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[: _LONGEST_SHOWN - 3]}..."
    return f"'{text}'"
