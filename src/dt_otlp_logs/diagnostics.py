"""What we say on stderr: one line at a time, token masked, and never through the application's own logging."""

import re
import sys
import time
from collections.abc import Callable

# Dynatrace's tokens are prefix.public.secret; prefix and public part may be shown, the secret never
# (docs.dynatrace.com, Dynatrace API - Tokens and authentication). JWTs have no public part.
_TOKEN = re.compile(r"\b(dt0[a-z]\d\d\.[A-Za-z0-9]+)\.[A-Za-z0-9]+")
_JWT = re.compile(r"\bey[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?")
# Behind a scheme's name anything long is a secret; ordinary words ("Basic authentication") are shorter or end earlier.
_CREDENTIAL = re.compile(r"\b(Api-Token|Bearer|Basic)\s+(?!dt0)[^\s,;]{16,}", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def mask_secrets(text: str) -> str:
    """The text with the secret part of every Dynatrace token, every JWT and other credentials replaced by `***`."""
    return _CREDENTIAL.sub(r"\1 ***", _JWT.sub("***", _TOKEN.sub(r"\1.***", text)))


def printable(text: str) -> str:
    """The text with control and direction-changing characters written as escapes, safe in a terminal."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def _to_stderr(line: str) -> None:
    # Looked up at each call: applications and test runners replace sys.stderr, and it is None in a process
    # without a console.
    stream = sys.stderr
    if stream is None:
        return
    stream.write(line + "\n")
    stream.flush()


class Diagnostics:
    """Says what an operator must know, in lines such as `2026-11-25T18:52:51Z dt-otlp-logs WARNING ...`.

    The lines bypass `logging` on purpose: a logger of ours would be fed back into the pipeline by a root
    handler, or switched off by `dictConfig` (disable_existing_loggers). A line that cannot be written is
    given up: nothing here raises.
    """

    def __init__(
        self, write: Callable[[str], None] = _to_stderr, time_seconds: Callable[[], float] = time.time
    ) -> None:
        self._write = write
        self._time_seconds = time_seconds
        self._said: set[str] = set()

    def info(self, text: str) -> None:
        """Say that something is well again, or how something was understood."""
        self._say("INFO", text)

    def warning(self, text: str) -> None:
        """Say that something is wrong, and nothing is lost so far."""
        self._say("WARNING", text)

    def error(self, text: str) -> None:
        """Say that records were lost, or that nothing can be delivered until a person acts."""
        self._say("ERROR", text)

    def once(self, text: str, key: str | None = None) -> None:
        """Say this text the first time only (INFO); texts with the same *key* count as one."""
        key = text if key is None else key
        if key not in self._said:
            self._said.add(key)
            self.info(text)

    def _say(self, level: str, text: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._time_seconds()))
        try:
            self._write(f"{stamp} dt-otlp-logs {level} {printable(mask_secrets(text))}")
        except Exception:  # noqa: BLE001  # closed, full, or replaced by something that is no stream
            pass  # there is nowhere left to say it
