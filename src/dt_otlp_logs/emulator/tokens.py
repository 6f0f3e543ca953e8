"""Who may send: the tokens the emulator knows, and the answer to an Authorization header."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from dt_otlp_logs.emulator.answers import RefusedError

CLASSIC_SCOPE = "logs.ingest"
PLATFORM_SCOPE = "openpipeline:logs:ingest"

# Shaped like real tokens (prefix, 24 and 64 characters of base 32) and plainly not real ones.
_FAKE_SECRET = "EMULATORONLYNOTASECRET" + "2" * 42
DEFAULT_TOKEN = "dt0c01.EMULATORDEFAULTTOKEN2222." + _FAKE_SECRET
PLATFORM_TOKEN = "dt0s16.EMULATORPLATFORMTOKEN222." + _FAKE_SECRET
TOKEN_WITHOUT_SCOPE = "dt0c01.EMULATORTOKENNOSCOPE2222." + _FAKE_SECRET
# The sample of the Log ingestion API page, so that its curl example works as printed.
DOCUMENTATION_TOKEN = "dt0c01.abc123.abcdefjhij1234567890"  # noqa: S105 - printed in public documentation


def token_identifier(token: str) -> str:
    """Prefix and public part of a token, which may be shown; `other` for anything not shaped like a token."""
    parts = token.split(".")
    if len(parts) == 3 and parts[0].startswith("dt0"):
        return f"{parts[0]}.{parts[1]}"
    return "other"


@dataclass(frozen=True, slots=True)
class AcceptedToken:
    """A token the emulator knows, with its scopes. Its secret part is in no repr and no answer."""

    value: str = field(repr=False)
    scopes: frozenset[str] = frozenset({CLASSIC_SCOPE})
    expired: bool = False

    @classmethod
    def with_ingest_scope(cls, value: str) -> "AcceptedToken":
        """A token with the scope for logs that its kind has."""
        return cls(value, frozenset({PLATFORM_SCOPE if _is_bearer(value) else CLASSIC_SCOPE}))

    @property
    def identifier(self) -> str:
        """What may be shown of it."""
        return token_identifier(self.value)

    @property
    def scheme(self) -> Literal["api-token", "bearer"]:
        """`dt0c01` tokens go as Api-Token; platform tokens and JWTs as Bearer (fact sheet, section 2.1)."""
        return "bearer" if _is_bearer(self.value) else "api-token"


def _is_bearer(token: str) -> bool:
    return token.startswith(("dt0s16.", "ey"))


STANDARD_TOKENS = (
    AcceptedToken(DEFAULT_TOKEN),
    AcceptedToken(DOCUMENTATION_TOKEN),
    AcceptedToken(PLATFORM_TOKEN, frozenset({PLATFORM_SCOPE})),
    AcceptedToken(TOKEN_WITHOUT_SCOPE, frozenset({"metrics.ingest"})),
)


def authorize(
    header: str | None, known: Iterable[AcceptedToken], *, platform_tokens: bool, missing_scope_status: int
) -> AcceptedToken:
    """Answer the token that an Authorization header names, or raise RefusedError with 401 or 403.

    A known token under the wrong scheme is an unknown one: Dynatrace answers 401 to a platform token sent as
    Api-Token (azure-log-forwarder issue 128).
    """
    scheme, _, presented = (header or "").strip().partition(" ")
    token = _find(presented.strip(), known)
    if token is None or scheme.lower() != token.scheme or (token.scheme == "bearer" and not platform_tokens):
        raise RefusedError(401, "Token Authentication failed")
    if token.expired:
        raise RefusedError(403, "Token is expired")
    if not token.scopes & {CLASSIC_SCOPE, PLATFORM_SCOPE}:
        wanted = f"{CLASSIC_SCOPE} (Ingest logs)" if token.scheme == "api-token" else PLATFORM_SCOPE
        raise RefusedError(missing_scope_status, f"Token is missing required scope. Use one of: {wanted}")
    return token


def _find(presented: str, known: Iterable[AcceptedToken]) -> AcceptedToken | None:
    found = None
    for token in known:
        if hmac.compare_digest(token.value.encode(), presented.encode("utf-8", "replace")):
            found = token
    return found
