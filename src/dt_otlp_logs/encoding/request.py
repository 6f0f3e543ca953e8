"""An OTLP request taken apart and put together: groups of encoded records, and the payload that carries them.

Works on bytes alone, so that what was encoded once, perhaps before a restart, can be split and changed without
the records it came from. Fields this version does not know are kept.
Message definitions: https://github.com/open-telemetry/opentelemetry-proto, logs/v1/logs.proto
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from .compression import compress, decompress
from .wire import FIXED64, LENGTH_DELIMITED, fields, length_delimited, varint

_RESOURCE_LOGS = b"\x0a"  # ExportLogsServiceRequest.resource_logs = 1
_SCOPE_LOGS = b"\x12"  # ResourceLogs.scope_logs = 2
_LOG_RECORDS = b"\x12"  # ScopeLogs.log_records = 2

# What the server's form of a record needs beyond the OTLP bytes. The names of timestamp, content and loglevel, the
# time as text and punctuation: about 100, measured on JSON events. And what the server adds, if it counts that:
# status, dt.auth.origin, dt.openpipeline.source and dt.ingest.format with their values.
_EXPANSION_BYTES_PER_RECORD = 250


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one resource and one scope, in the order they were logged.

    `resource` holds the fields of a ResourceLogs other than its scopes, `scope` those of a ScopeLogs other than
    its records; each of `records` is one LogRecord message, `times` are their nanoseconds since 1970.
    `resource_scope_expanded_bytes` is what the server copies to each record.
    """

    resource: bytes
    scope: bytes
    records: tuple[bytes, ...]
    times: tuple[int, ...]

    @property
    def resource_scope_expanded_bytes(self) -> int:
        return len(self.resource) + len(self.scope)


@dataclass(frozen=True, slots=True)
class Payload:
    """One OTLP request on its way: `body` is an ExportLogsServiceRequest in one gzip member.

    `size_bytes` is the request before compression, `oldest_unix_nano` the time of its oldest record,
    `expanded_bytes` an estimate of its size after the server has copied resource and scope attributes to every
    record, which is what its limit of 16 MB is about.
    """

    body: bytes
    records: int
    size_bytes: int
    oldest_unix_nano: int
    expanded_bytes: int


def expanded_bytes(record_bytes: int, shared_bytes: int, records: int = 1) -> int:
    """The estimated size of records at the server, given the sum of their bytes and that of resource and scope."""
    return record_bytes + records * (shared_bytes + _EXPANSION_BYTES_PER_RECORD)


def decompressed(payload: Payload) -> bytes:
    """The bytes of the ExportLogsServiceRequest. ValueError if the payload's body is damaged."""
    return decompress(payload.body)


def seal(groups: Sequence[Group]) -> Payload:
    """One request of all the groups. Neighbours with the same resource share it, as in the stock exporter."""
    request = b"".join(
        length_delimited(_RESOURCE_LOGS, resource + b"".join(map(_scope_logs, run)))
        for resource, run in groupby(groups, key=lambda group: group.resource)
    )
    return Payload(
        body=compress(request),
        records=sum(len(group.records) for group in groups),
        size_bytes=len(request),
        oldest_unix_nano=min((min(group.times) for group in groups if group.times), default=0),
        expanded_bytes=sum(
            expanded_bytes(sum(map(len, group.records)), group.resource_scope_expanded_bytes, len(group.records))
            for group in groups
        ),
    )


def _scope_logs(group: Group) -> bytes:
    parts = [group.scope]
    for record in group.records:
        parts += (_LOG_RECORDS, varint(len(record)), record)
    return length_delimited(_SCOPE_LOGS, b"".join(parts))


def size_bound(group: Group, record_bytes: int, records: int) -> int:
    """At least as many bytes as records of a group take in a request, given the sum of their own bytes.

    A length takes up to five bytes and its key one: around each record, the scope's records, and the resource's.
    """
    return group.resource_scope_expanded_bytes + record_bytes + 6 * (records + 2)


def unpack(payload: Payload) -> list[Group]:
    """The groups of a payload. ValueError if its bytes are damaged."""
    return groups_of(decompressed(payload))


def groups_of(request: bytes) -> list[Group]:
    """The groups of an ExportLogsServiceRequest, without those that hold no record. ValueError if it is none."""
    groups = []
    for resource_logs in fields(request):
        if resource_logs.number != 1 or resource_logs.wire_type != LENGTH_DELIMITED:
            continue
        resource, scopes = _split(request, resource_logs.content, resource_logs.end)
        for scope_start, scope_end in scopes:
            scope, spans = _split(request, scope_start, scope_end)
            if spans:
                records = tuple(request[start:end] for start, end in spans)
                groups.append(Group(resource, scope, records, tuple(map(record_time, records))))
    return groups


def _split(request: bytes, start: int, end: int) -> tuple[bytes, list[tuple[int, int]]]:
    """The repeated field 2 of a ResourceLogs or ScopeLogs as offsets, and the bytes of all its other fields."""
    rest = []
    children = []
    for field in fields(request, start, end):
        if field.number == 2 and field.wire_type == LENGTH_DELIMITED:
            children.append((field.content, field.end))
        else:
            rest.append(request[field.start : field.end])
    return b"".join(rest), children


def record_time(record: bytes) -> int:
    """A record's `time_unix_nano` (field 1), 0 if it has none."""
    if record[:1] == b"\x09":
        if len(record) < 9:
            raise ValueError("the record ends inside its time")
        return int.from_bytes(record[1:9], "little")
    for field in fields(record):
        if field.number == 1 and field.wire_type == FIXED64:
            return int.from_bytes(record[field.content : field.end], "little")
    return 0
