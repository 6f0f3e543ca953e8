"""OpenTelemetry log records as OTLP bytes: the messages of the stock encoder, without building them as objects.

Four things are different on purpose:

- `time_unix_nano` is never 0: the record's timestamp, else its observed timestamp, else now. Dynatrace documents
  no use of the observed time.
- Values and fields the stock encoder raises at or drops become a safe text, or are left out if they are ids,
  numbers or times out of range (`Encoded.replaced` counts them). bytearray and memoryview are bytes, a severity
  number may be a plain integer.
- A record that cannot be encoded at all is replaced by one that says so, with what could be kept of it.
- Content and string attribute values over Dynatrace's limits are cut with a marker, and what `redact` matches
  becomes `***`. Everything else over a limit is left to the server, which trims it and says so in
  `dt.ingest.warnings`.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opentelemetry.sdk._logs import ReadableLogRecord

from .any_value import ValueEncoder
from .attributes import AttributeEncoder
from .limits import Limits
from .owner import OwnerEncoder
from .record import RecordEncoder
from .request import Group

__all__ = ["Encoded", "Group", "OtlpEncoder"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch as bytes: every record of it is in one of the groups, so `lost` is 0 by design.

    `replaced` counts values, fields and whole records that could not be sent as they are, `truncated` the texts
    that were cut.
    """

    groups: tuple[Group, ...]
    replaced: int
    truncated: int
    lost: int = 0


class _OpenGroup:
    __slots__ = ("records", "resource", "scope", "times")

    def __init__(self, resource: bytes, scope: bytes) -> None:
        self.resource = resource
        self.scope = scope
        self.records: list[bytes] = []
        self.times: list[int] = []

    def close(self) -> Group:
        return Group(self.resource, self.scope, tuple(self.records), tuple(self.times))


# By the key of the resource: its fields, and by the key of the scope: the group.
_OpenGroups = dict[bytes, tuple[bytes, dict[bytes, _OpenGroup]]]


class OtlpEncoder:
    """Encodes batches of log records. Keeps bounded caches, so it is for one thread at a time.

    `redact` are patterns whose matches in texts, also nested ones, become `***`; ValueError if one matches the
    empty text or is for bytes. `time_ns` is the clock for records that have no time.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        redact: tuple[re.Pattern[str], ...] = (),
        time_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._values = ValueEncoder(redact)
        attributes = AttributeEncoder(self._values, limits.attribute_value_bytes)
        self._records = RecordEncoder(self._values, attributes, limits.content_bytes, time_ns)
        self._owners = OwnerEncoder(self._values, attributes)

    def encode(self, batch: Sequence[ReadableLogRecord]) -> Encoded:
        """Every record as one LogRecord message, grouped by resource and scope in order of first appearance.

        Does not raise, whatever the records hold, except for what is no `Exception`, such as KeyboardInterrupt.
        """
        self._values.replaced = self._values.truncated = 0
        # The values hold the objects whose id() is the key, so that no id is used twice in a batch.
        by_identity: dict[tuple[int, int], tuple[_OpenGroup, object, object]] = {}
        by_content: _OpenGroups = {}
        for readable in batch:
            record, time_unix_nano = self._records.encode(readable)
            try:
                resource: object = readable.resource
                scope: object = readable.instrumentation_scope
            except Exception:  # noqa: BLE001 - not a record at all, or one whose properties raise
                resource = scope = None
            found = by_identity.get((id(resource), id(scope)))
            if found is None:
                group = self._group(resource, scope, by_content)
                by_identity[id(resource), id(scope)] = (group, resource, scope)
            else:
                group = found[0]
            group.records.append(record)
            group.times.append(time_unix_nano)
        return Encoded(
            groups=tuple(group.close() for _, scopes in by_content.values() for group in scopes.values()),
            replaced=self._values.replaced,
            truncated=self._values.truncated,
        )

    def _group(self, resource: object, scope: object, by_content: _OpenGroups) -> _OpenGroup:
        resource_owner = self._owners.resource(resource)
        scope_owner = self._owners.scope(scope)
        # Of owners that differ only in the order of their attributes, the first speaks for all.
        fields, scopes = by_content.setdefault(resource_owner.key, (resource_owner.fields, {}))
        return scopes.setdefault(scope_owner.key, _OpenGroup(fields, scope_owner.fields))
