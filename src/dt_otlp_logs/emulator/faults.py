"""Faults to order: what should go wrong with the next requests, and how often or how long."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from dt_otlp_logs.emulator import answers


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that goes wrong. Without `times` and `seconds` it stays until cleared.

    `status` alone answers an error envelope and stores nothing; a status below 300 stores and then answers
    with that status and no body. `retry_after` is sent verbatim. `delay_seconds` passes before anything else is
    done; the request is stored even if its client has left by then. `cut` closes the connection without an
    answer, before or after storing. `html` answers a page (200: a login page) and `redirect_to` a 302 (or the
    status given); neither stores. `silent` accepts the request and never answers. `rejected_records` refuses
    that many records at the end of each request and reports it as partial success. `path` limits the fault to
    one ingest path. Raises ValueError for a fault that could never do anything.
    """

    status: int | None = None
    retry_after: str | None = None
    message: str | None = None
    delay_seconds: float = 0.0
    cut: Literal["before", "after"] | None = None
    html: bool = False
    redirect_to: str | None = None
    silent: bool = False
    rejected_records: int | None = None
    times: int | None = None
    seconds: float | None = None
    path: Literal["otlp", "json"] | None = None

    def __post_init__(self) -> None:
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            wrong_bool = value is not None and isinstance(value, bool) != (kinds is bool)
            if wrong_bool or not isinstance(value, kinds | None):
                raise ValueError(f"{name} has the wrong type: {value!r}")
        for problem in self._problems():
            raise ValueError(problem)

    def _problems(self) -> list[str]:
        checks = (
            (self.status is not None and not 200 <= self.status <= 599, "status must be between 200 and 599"),
            (self.cut not in (None, "before", "after"), 'cut must be "before" or "after"'),
            (self.path not in (None, "otlp", "json"), 'path must be "otlp" or "json"'),
            (not 0 <= self.delay_seconds <= 3600, "delay_seconds must be between 0 and 3600"),
            (self.times is not None and self.times < 1, "times must be at least 1"),
            (self.seconds is not None and not self.seconds > 0, "seconds must be more than 0"),
            (self.rejected_records is not None and self.rejected_records < 1, "rejected_records must be at least 1"),
            (any(_breaks_a_header(text) for text in (self.retry_after, self.redirect_to)), "not a header value"),
            (
                self.status is None
                and not (self.cut or self.html or self.redirect_to or self.silent)
                and not self.delay_seconds
                and self.rejected_records is None,
                "a fault needs status, delay_seconds, cut, html, redirect_to, silent or rejected_records",
            ),
        )
        return [problem for wrong, problem in checks if wrong]

    @classmethod
    def from_document(cls, document: Any) -> "Fault":
        """A fault from a JSON object with the same names; raises ValueError that says what is wrong."""
        if not isinstance(document, dict):
            raise ValueError("a fault is a JSON object")
        unknown = sorted(set(document) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}")
        return cls(**document)

    def to_document(self) -> dict[str, Any]:
        """The fields that say something."""
        return {name: value for name, value in asdict(self).items() if value not in (None, False, 0.0)}

    @property
    def stores(self) -> bool:
        """Whether the request is still processed and stored."""
        if self.cut is not None:
            return self.cut == "after"
        return not (self.html or self.redirect_to or self.silent) and (self.status is None or self.status < 300)

    def answer(self, path: str) -> answers.Answer:
        """The answer in place of Dynatrace's own; only for a fault that has a status, a page or a redirect."""
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        if self.redirect_to is not None:
            return answers.Answer(self.status or 302, headers={**headers, "Location": self.redirect_to})
        status = self.status or 200
        message = self.message or answers.message_for(status)
        if self.html:
            return answers.html_page(status, message, path, headers)
        if status < 300:
            return answers.Answer(status, headers=headers)
        return answers.error(status, message, headers)


_KINDS: Mapping[str, Any] = {
    "status": int,
    "retry_after": str,
    "message": str,
    "delay_seconds": int | float,
    "cut": str,
    "html": bool,
    "redirect_to": str,
    "silent": bool,
    "rejected_records": int,
    "times": int,
    "seconds": int | float,
    "path": str,
}


def _breaks_a_header(text: str | None) -> bool:
    return text is not None and (not text.isascii() or not text.isprintable())


DISK_QUEUE_FULL = Fault(status=503, message="Usable space limit reached")
"""What an ActiveGate answers when its disk queue is full; `dataclasses.replace` gives it `times` or `seconds`."""


class FaultPlan:
    """The faults that are ordered; the first one that fits a request happens to it. Safe to use from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._planned: list[tuple[Fault, float | None]] = []

    def order(self, fault: Fault) -> None:
        """Add a fault after those already ordered; its `seconds` start now."""
        until = None if fault.seconds is None else self._clock() + fault.seconds
        with self._lock:
            self._planned.append((fault, until))

    def take(self, route: str) -> Fault | None:
        """The fault for one request on this route, used up by one."""
        with self._lock:
            self._forget_expired()
            for position, (fault, until) in enumerate(self._planned):
                if fault.path in (None, route):
                    if fault.times is not None:
                        left = [(replace(fault, times=fault.times - 1), until)] if fault.times > 1 else []
                        self._planned[position : position + 1] = left
                    return fault
        return None

    def pending(self) -> list[Fault]:
        """What is still ordered, with the times that are left."""
        with self._lock:
            self._forget_expired()
            return [fault for fault, _ in self._planned]

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._planned.clear()

    def _forget_expired(self) -> None:
        now = self._clock()
        self._planned = [(fault, until) for fault, until in self._planned if until is None or now < until]
