"""The access token: a value that cannot be shown by accident, and the places it comes from."""

import hmac
import re
from typing import NoReturn

from dt_otlp_logs.config.masking import public_part
from dt_otlp_logs.config.problem import BadValueError

_SCHEME = re.compile(r"(?:authorization\s*[:=]\s*)?(api-token|bearer)(?:\s+|%20|$)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"(basic|digest|negotiate)\s", re.IGNORECASE)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_UNRESOLVED = re.compile(r"\$[({\w]|[<{]|\*\*\*|\.\.\.")
_AROUND = " \t\r\n\f\v\"'\ufeff\u200b"
_LONGEST = 16_384  # a JWT with many claims has a few kilobytes; more is not a token but a wrong file

EXPECTED = "a Dynatrace access token such as dt0c01.PUBLIC.SECRET (scope logs.ingest)"


class ApiToken:
    """A Dynatrace access token, platform token (`dt0s16`) or OAuth token, kept out of every printed form.

    Takes the token as people paste it: with `Api-Token` or `Bearer` before it, in quotes, with a line end.
    Only `authorization()` gives the secret away. Raises `BadValueError` (a ValueError) that never holds the text.
    """

    __slots__ = ("_scheme", "_secret")
    _scheme: str
    _secret: str

    def __init__(self, text: str) -> None:
        secret, pasted_scheme = _strip(text)
        if not secret:
            raise BadValueError(EXPECTED, "empty")
        if "://" in secret:
            raise BadValueError(f"{EXPECTED}, not a URL", _hidden(secret))
        if _UNRESOLVED.search(secret):
            raise BadValueError(f"{EXPECTED}; this is a placeholder or an unresolved variable", _hidden(secret))
        if len(secret) > _LONGEST or not _PRINTABLE.fullmatch(secret):
            raise BadValueError(f"{EXPECTED}, without blanks, control or non-ASCII characters", _hidden(secret))
        object.__setattr__(self, "_secret", secret)
        object.__setattr__(self, "_scheme", _scheme_of(secret) or pasted_scheme or "Api-Token")

    def authorization(self) -> str:
        """Answer the value of the Authorization header: the one place where the secret is in the clear."""
        return f"{self._scheme} {self._secret}"

    @property
    def public_id(self) -> str:
        """Prefix and public part, which Dynatrace documents as safe to show; `***` when there is none."""
        return public_part(self._secret) or "***"

    def __repr__(self) -> str:
        return f"ApiToken('{self}')"

    def __str__(self) -> str:
        return f"{public}.***" if (public := public_part(self._secret)) else "***"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ApiToken):
            return NotImplemented
        return hmac.compare_digest(self.authorization(), other.authorization())

    def __hash__(self) -> int:
        return hash((self._scheme, self._secret))

    def __copy__(self) -> "ApiToken":
        return self

    def __deepcopy__(self, memo: object) -> "ApiToken":
        return self

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("an ApiToken cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("an ApiToken cannot be changed")

    def __getstate__(self) -> NoReturn:
        raise TypeError("an ApiToken is not pickled: its secret would be stored in the clear")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        self.__getstate__()


def _strip(text: str) -> tuple[str, str | None]:
    """Take off quotes, blanks and a pasted scheme; answer the bare token and that scheme."""
    bare = text.strip(_AROUND)
    if other := _OTHER_SCHEME.match(bare):
        raise BadValueError(EXPECTED, f"credentials of the scheme {other[1].title()}")
    scheme = None
    while match := _SCHEME.match(bare):
        scheme = "Bearer" if match[1].lower() == "bearer" else "Api-Token"
        bare = bare[match.end() :].strip(_AROUND)
    return bare, scheme


def _scheme_of(secret: str) -> str | None:
    # A platform token sent as Api-Token is answered with 401, so the prefix overrules what was pasted.
    if secret.startswith("dt0c01."):
        return "Api-Token"
    if secret.startswith(("dt0s16.", "ey")):
        return "Bearer"
    return None


def _hidden(secret: str) -> str:
    public = public_part(secret)
    return f"{public}.*** ({len(secret)} characters)" if public else f"a text of {len(secret)} characters"
