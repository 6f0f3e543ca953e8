"""OpenTelemetry log records as OTLP bytes: the messages of the stock encoder, without building them as objects.

What is different, on purpose:

- `time_unix_nano` is never 0: the record's timestamp, else its observed timestamp, else now. Dynatrace documents
  no use of the observed time.
- The severity text is a word that Dynatrace reads as what the severity number means; what the record said instead
  is in `log.raw_level` (see `severity.py`).
- Values and fields the stock encoder raises at or drops become a safe text, or are left out if they are ids,
  numbers or times out of range (`Encoded.replaced` counts them). bytearray and memoryview are bytes, a severity
  number may be a plain integer.
- A record that cannot be encoded at all is replaced by one that says so, with what could be kept of it.
- Every record is within Dynatrace's limits, as they are after resource and scope are merged into it (see `limits.py`).
  What was cut says so: texts end in how much is missing, `dt_otlp_logs.warnings` names each kind of cut, and
  `Encoded.truncated` counts. What identifies a record goes last.
- Attributes that would collide with one of the resource or scope, or with a field that Dynatrace fills itself, are
  left out if they say the same, else named `overwritten1.<name>`, as Dynatrace does where it documents it.
- What `redact` matches becomes `***`.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from opentelemetry.sdk._logs import ReadableLogRecord

from .any_value import ValueEncoder
from .attribute_limits import ValueLimits
from .attribute_selection import AttributeSelection
from .event_values import Structure
from .limits import Limits
from .owner import Owner, OwnerEncoder
from .record import RecordEncoder
from .request import Group

__all__ = ["Encoded", "Group", "OtlpEncoder"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch as bytes: every record of it is in one of the groups, so `lost` is 0 by design.

    `replaced` counts values, fields and whole records that could not be sent as they are, `truncated` the texts and
    names that were cut, and the attributes and values of arrays that were left out.
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

    `redact` are patterns whose matches become `***` in texts, in bytes that are text, and in what Dynatrace stores as
    text of a list, a map or a body; ValueError if one matches the empty text or is for bytes. `structure` is how the
    tenant keeps maps; None: unknown, so that they are made to suit both. `json_ingest`: records may go by JSON ingest,
    too, and are to be stored alike; a map as the body is then JSON text unless the structure is known.
    `resource_attributes` are added to each resource that has none of that name.
    `time_ns` is the clock for records that have no time.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        redact: tuple[re.Pattern[str], ...] = (),
        structure: Structure = None,
        json_ingest: bool = False,
        resource_attributes: Mapping[str, str] = MappingProxyType({}),
        time_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._values = ValueEncoder(redact)
        value_limits = ValueLimits(self._values, limits, structure, json_ingest)
        selection = AttributeSelection(self._values, limits, value_limits)
        self._records = RecordEncoder(self._values, limits, value_limits, selection, time_ns)
        self._owners = OwnerEncoder(self._values, limits, selection, resource_attributes)

    def encode(self, batch: Sequence[ReadableLogRecord]) -> Encoded:
        """Every record as one LogRecord message, grouped by resource and scope in order of first appearance.

        Does not raise, whatever the records hold, except for what is no `Exception`, such as KeyboardInterrupt.
        """
        values = self._values
        values.replaced = values.truncated = 0
        # The values hold the objects whose id() is the key, so that no id is used twice in a batch.
        by_identity: dict[tuple[int, int], tuple[_OpenGroup, Owner, object, object]] = {}
        by_content: _OpenGroups = {}
        for readable in batch:
            try:
                resource: object = readable.resource
                scope: object = readable.instrumentation_scope
            except Exception:  # noqa: BLE001 - not a record at all, or one whose properties raise
                resource = scope = None
            found = by_identity.get((id(resource), id(scope)))
            if found is None:
                owner = self._owners.owner(resource, scope)
                values.truncated += owner.truncated
                group = _group(owner, by_content)
                by_identity[id(resource), id(scope)] = (group, owner, resource, scope)
            else:
                group, owner = found[0], found[1]
            replaced, truncated = values.replaced, values.truncated
            try:
                record, time_unix_nano, needs_room = self._records.encode(readable, owner)
                if needs_room:
                    owner = self._owners.owner(resource, scope, make_room=True)
                    group = _group(owner, by_content)
                    # What was counted is counted again.
                    values.replaced, values.truncated = replaced, truncated + owner.truncated
                    record, time_unix_nano, _ = self._records.encode(readable, owner)
            except Exception as error:  # noqa: BLE001 - records hold the application's objects
                values.replaced, values.truncated = replaced, truncated
                record, time_unix_nano = self._records.stand_in(readable, error)
            group.records.append(record)
            group.times.append(time_unix_nano)
        return Encoded(
            groups=tuple(
                group.close() for _, scopes in by_content.values() for group in scopes.values() if group.records
            ),
            replaced=values.replaced,
            truncated=values.truncated,
        )


def _group(owner: Owner, by_content: _OpenGroups) -> _OpenGroup:
    # Of owners that differ only in the order of their attributes, the first speaks for all.
    fields, scopes = by_content.setdefault(owner.resource_key, (owner.resource, {}))
    return scopes.setdefault(owner.scope_key, _OpenGroup(fields, owner.scope))
