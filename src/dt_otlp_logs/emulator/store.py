"""What the emulator has received: the newest records and requests, within bounds, and exact counts of all."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records are meant: all conditions must hold, and no condition means all records."""

    content: str | None = None
    loglevel: str | None = None
    attributes: Sequence[tuple[str, str]] = ()

    def __call__(self, record: Mapping[str, Any]) -> bool:
        """Whether a record fits."""
        if self.content is not None and self.content not in record["content"]:
            return False
        if self.loglevel is not None and self.loglevel.upper() != record["loglevel"]:
            return False
        return all(key in record and as_text(record[key]) == value for key, value in self.attributes)


def as_text(value: Any) -> str:
    """An attribute's value as it is written in a query: text as it is, true, false, null, numbers as Python."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


@dataclass(slots=True)
class _Kept:
    record: dict[str, Any]
    route: str
    request: int
    size: int


@dataclass(slots=True)
class _Counts:
    stored: int = 0
    rejected: int = 0
    requests: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    by_service: Counter[str] = field(default_factory=Counter)


# How many service names are counted apart; what comes after that is counted together.
_MAX_SERVICES = 1_000


class Store:
    """Keeps at most so many records, bytes (estimated) and requests, newest first. Safe to use from any thread."""

    def __init__(self, max_records: int, max_bytes: int, max_requests: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._records: deque[_Kept] = deque()
        self._bytes = 0
        self._requests: deque[dict[str, Any]] = deque(maxlen=max_requests)
        self._counts = _Counts()
        self._number = 0

    def open_request(self, **facts: Any) -> dict[str, Any]:
        """Note that a request came; what is returned goes to `close_request`."""
        with self._changed:
            self._number += 1
            self._counts.requests += 1
            request = {"number": self._number, **facts}
            self._requests.append(request)
            return request

    def close_request(
        self, request: dict[str, Any], status: int | None, records: Sequence[dict[str, Any]] = (), route: str = ""
    ) -> None:
        """Note how a request ended (None: without an answer) and keep its records, in one step.

        The oldest records go when there are too many.
        """
        kept = [_Kept(record, route, request["number"], _estimated_bytes(record)) for record in records]
        with self._changed:
            request["status"] = status
            self._counts.by_status["no answer" if status is None else str(status)] += 1
            self._counts.rejected += request["rejected"]
            self._counts.stored += len(kept)
            for item in kept:
                self._keep(item)
            while len(self._records) > self._max_records or self._bytes > self._max_bytes:
                self._bytes -= self._records.popleft().size
            self._changed.notify_all()

    def _keep(self, item: _Kept) -> None:
        self._records.append(item)
        self._bytes += item.size
        service = as_text(item.record.get("service.name", ""))
        known = service in self._counts.by_service or len(self._counts.by_service) < _MAX_SERVICES
        self._counts.by_service[service if known else "(other services)"] += 1

    def records(
        self,
        wanted: Callable[[Mapping[str, Any]], bool],
        offset: int = 0,
        limit: int | None = None,
        *,
        with_route: bool,
    ) -> tuple[int, list[dict[str, Any]]]:
        """How many kept records fit, and copies of those from `offset` on, in order of arrival."""
        with self._changed:
            kept = list(self._records)
        found = [item for item in kept if wanted(item.record)]
        chosen = found[offset : None if limit is None else offset + limit]
        return len(found), [_shown(item, with_route) for item in chosen]

    def requests(self, offset: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """Copies of the requests that are kept, in order of arrival."""
        with self._changed:
            return [
                dict(request) for request in list(self._requests)[offset : None if limit is None else offset + limit]
            ]

    def summary(self) -> dict[str, Any]:
        """Exact counts of everything since the start or the last `clear`."""
        with self._changed:
            counts = self._counts
            return {
                "stored": counts.stored,
                "kept": len(self._records),
                "kept_bytes_estimated": self._bytes,
                "rejected": counts.rejected,
                "requests": counts.requests,
                "requests_by_status": dict(counts.by_status),
                "stored_by_service": dict(counts.by_service),
            }

    def clear(self) -> None:
        """Forget records, requests and counts."""
        with self._changed:
            self._records.clear()
            self._requests.clear()
            self._bytes = 0
            self._counts = _Counts()
            self._changed.notify_all()

    def wait_for(self, count: int, timeout_seconds: float) -> bool:
        """Whether `count` records have been stored since the last `clear`, waiting at most so long for it."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while self._counts.stored < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True


def _shown(item: _Kept, with_route: bool) -> dict[str, Any]:
    # Lists hold no further lists: this is a deep copy.
    record = {key: list(value) if type(value) is list else value for key, value in item.record.items()}
    if with_route:
        record["emulator.route"] = item.route
        record["emulator.request"] = item.request
    return record


def _estimated_bytes(record: Mapping[str, Any]) -> int:
    """About what a record takes in CPython, measured: 300 bytes, and 80 for each entry plus the text in it."""
    return 300 + sum(80 + _estimated_value(value) for value in record.values())


def _estimated_value(value: Any) -> int:
    if isinstance(value, str):
        return len(value) * (1 if value.isascii() else 4)
    if isinstance(value, list):
        return sum(72 + _estimated_value(element) for element in value)
    return 0
