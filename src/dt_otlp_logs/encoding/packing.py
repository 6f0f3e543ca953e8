"""Encoded records packed into requests that Dynatrace takes, and requests merged and halved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby

from .compression import compress
from .request import Group, Payload, decompressed, expanded_bytes, seal, size_bound, unpack


@dataclass(frozen=True, slots=True)
class PackLimits:
    """What one request may hold, in uncompressed bytes.

    - `request_bytes`: 2 MB by "Access limit" (OTLP logs), 10 MB by the limits pages of log ingest: the smaller.
    - `record_bytes`: a record larger than `request_bytes` travels alone; above this size it is shrunk before.
    - `records`: 50,000 by the limits pages.
    - `expanded_bytes`: a request of more than 16 MB after preprocessing is refused; less some head room, since
      how the server counts is not documented.
    """

    request_bytes: int = 2_000_000
    record_bytes: int = 10_000_000
    records: int = 50_000
    expanded_bytes: int = 14_000_000


DEFAULT_PACK_LIMITS = PackLimits()


def pack(groups: Iterable[Group], limits: PackLimits = DEFAULT_PACK_LIMITS) -> list[Payload]:
    """The groups' records in as few requests as a single pass gives, in order, each within the limits."""
    request = _OpenRequest(limits)
    payloads: list[Payload] = []
    for group in groups:
        if not group.records:
            continue
        if request.takes(group, sum(map(len, group.records)), len(group.records)):
            request.add(group)
            continue
        for record, time in zip(group.records, group.times, strict=True):
            single = replace(group, records=(record,), times=(time,))
            if request.records and not request.takes(single, len(record), 1):
                payloads.append(request.close())
                request = _OpenRequest(limits)
            request.add(single)
    if request.records:
        payloads.append(request.close())
    return payloads


class _OpenRequest:
    def __init__(self, limits: PackLimits) -> None:
        self.records = 0
        self._limits = limits
        self._size_bytes = 0
        self._expanded_bytes = 0
        self._groups: list[Group] = []

    def takes(self, group: Group, record_bytes: int, records: int) -> bool:
        limits = self._limits
        expanded = expanded_bytes(record_bytes, group.resource_scope_expanded_bytes, records)
        return (
            self.records + records <= limits.records
            and self._size_bytes + self._added_bytes(group, record_bytes, records) <= limits.request_bytes
            and self._expanded_bytes + expanded <= limits.expanded_bytes
        )

    def _added_bytes(self, group: Group, record_bytes: int, records: int) -> int:
        bound = size_bound(group, record_bytes, records)
        return bound - size_bound(group, 0, 0) if self._continues(group) else bound

    def _continues(self, group: Group) -> bool:
        last = self._groups[-1] if self._groups else None
        return last is not None and last.resource is group.resource and last.scope is group.scope

    def add(self, group: Group) -> None:
        record_bytes, records = sum(map(len, group.records)), len(group.records)
        self._size_bytes += self._added_bytes(group, record_bytes, records)
        self._expanded_bytes += expanded_bytes(record_bytes, group.resource_scope_expanded_bytes, records)
        self.records += records
        self._groups.append(group)

    def close(self) -> Payload:
        return seal(_joined(self._groups))


def _joined(groups: list[Group]) -> list[Group]:
    """Neighbours of the same resource and scope as one group."""
    joined = []
    for _, same in groupby(groups, key=lambda group: (group.resource, group.scope)):
        run = list(same)
        records = tuple(chain.from_iterable(group.records for group in run))
        times = tuple(chain.from_iterable(group.times for group in run))
        joined.append(replace(run[0], records=records, times=times))
    return joined


def fits(payloads: Iterable[Payload], limits: PackLimits = DEFAULT_PACK_LIMITS) -> int:
    """How many payloads, counted from the first, make one request within the limits.

    The first always counts, whatever its size: it has to travel in some request.
    """
    count = records = size_bytes = expanded = 0
    for payload in payloads:
        records += payload.records
        size_bytes += payload.size_bytes
        expanded += payload.expanded_bytes
        if count and (
            records > limits.records or size_bytes > limits.request_bytes or expanded > limits.expanded_bytes
        ):
            break
        count += 1
    return count


def merge(payloads: Sequence[Payload], limits: PackLimits = DEFAULT_PACK_LIMITS) -> Payload:
    """Several payloads as one request. ValueError unless all of them fit (see `fits`), or if one is damaged.

    Requests back to back are one request, since `resource_logs` is a repeated field. Compressed members back to
    back would be shorter work, but servers differ on whether they read more than the first.
    """
    if not payloads or fits(payloads, limits) < len(payloads):
        raise ValueError(f"{len(payloads)} payloads do not make one request within {limits}")
    if len(payloads) == 1:
        return payloads[0]
    return Payload(
        body=compress(b"".join(map(decompressed, payloads))),
        records=sum(payload.records for payload in payloads),
        size_bytes=sum(payload.size_bytes for payload in payloads),
        oldest_unix_nano=min(payload.oldest_unix_nano for payload in payloads),
        expanded_bytes=sum(payload.expanded_bytes for payload in payloads),
    )


def halve(payload: Payload) -> tuple[Payload, Payload]:
    """The first half of a payload's records and the rest. ValueError if it has fewer than two, or is damaged."""
    groups = unpack(payload)
    half = sum(len(group.records) for group in groups) // 2
    if half == 0:
        raise ValueError("one record cannot be halved")
    first: list[Group] = []
    second: list[Group] = []
    for group in groups:
        if half >= len(group.records):
            first.append(group)
        elif half <= 0:
            second.append(group)
        else:
            first.append(Group(group.resource, group.scope, group.records[:half], group.times[:half]))
            second.append(Group(group.resource, group.scope, group.records[half:], group.times[half:]))
        half -= len(group.records)
    return seal(first), seal(second)
