"""Resource and scope, which own the records below them, encoded once and remembered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .any_value import MAX_RECORD_BYTES, ValueEncoder
from .attribute_mapping import plain_mapping
from .attribute_selection import Attribute, AttributeSelection
from .limits import Limits
from .redaction import TOO_SLOW
from .reserved_names import ALWAYS_FILLED, RESERVED, SCOPE_NAME, SCOPE_VERSION
from .wire import length_delimited

# A schema URL longer than an attribute's value may be is a mistake.
_MAX_URL_BYTES = 32_768

# A request has to hold resource, scope and record: half of the 2 MB that "Access limits" of docs.dynatrace.com gives it
# is for the record. The server copies both to every record, of which it then takes 16 MB.
_MAX_BYTES = 1_000_000

# Applications have one resource and some hundred scopes (a logger each); beyond that, encoding again is cheap.
_MAX_REMEMBERED = 512

# What a resource that is cut leaves of the attributes to its records: for what identifies one (exception type and
# message, event name, level, trace and span id), for the warnings, and for the name and version of the scope.
_ROOM_FOR_RECORD = 12

_TOO_SLOW = TOO_SLOW.encode()

_ATTRIBUTES = b"\x0a"  # Resource.attributes = 1
_SCOPE_ATTRIBUTES = b"\x1a"  # InstrumentationScope.attributes = 3

_FILLED_FOR_RESOURCE = dict.fromkeys(RESERVED)
_FILLED_FOR_SCOPE = dict.fromkeys(RESERVED - {SCOPE_NAME, SCOPE_VERSION})


@dataclass(frozen=True, slots=True)
class Owner:
    """The resource and the scope of a group of records.

    - `resource`, `scope`: fields of the ResourceLogs and the ScopeLogs; `resource_key`, `scope_key`: equal for those
      that differ only in the order of attributes.
    - `names`: the (comparable) names that its records' attributes cannot have, and their values; `names_alone`: the
      same without values, quicker to compare, and those of maps that could have a leaf of a long one; `filled`: those
      that the server fills, in lower case.
    - `room`: how many attributes a record of it may have; `can_make_room`: whether there would be more in one whose
      own attributes are cut.
    - `warnings`, `truncated`: what was cut of it.
    """

    resource: bytes
    resource_key: bytes
    scope: bytes
    scope_key: bytes
    names: Mapping[str, bytes]
    names_alone: frozenset[str]
    filled: Mapping[str, bytes | None]
    room: int
    can_make_room: bool
    warnings: Mapping[str, int]
    truncated: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A resource or a scope on its own."""

    fields: bytes
    key: bytes
    attributes: Sequence[Attribute] = ()
    filled: Mapping[str, bytes | None] = field(default_factory=dict)


# In place of one that raises while it is read. Made beforehand: it can be the stack or the memory that is used up.
_UNREADABLE_NAME = length_delimited(b"\x0a", b"dt_otlp_logs.unreadable")
_UNREADABLE_ATTRIBUTE = length_delimited(b"\x0a", _UNREADABLE_NAME + length_delimited(b"\x12", b"\x10\x01"))
_UNREADABLE_RESOURCE = _Part(length_delimited(b"\x0a", _UNREADABLE_ATTRIBUTE), _UNREADABLE_ATTRIBUTE)
_UNREADABLE_SCOPE = _Part(length_delimited(b"\x0a", _UNREADABLE_NAME), _UNREADABLE_NAME)


# What the SDK names a service that nobody has named; Dynatrace's files may know better.
_SERVICE_NAME = "service.name"
_UNKNOWN_SERVICE = "unknown_service"


class OwnerEncoder:
    """Encodes resources and scopes; the same objects are encoded once, as hashing one costs more than a record."""

    def __init__(
        self,
        values: ValueEncoder,
        limits: Limits,
        selection: AttributeSelection,
        resource_attributes: Mapping[str, str],
    ) -> None:
        self._values = values
        self._limits = limits
        self._selection = selection
        self._resource_attributes = {
            selection.comparable(name): (name, value) for name, value in resource_attributes.items()
        }
        # The objects are kept beside what was made of them, so that their id() stays their own.
        self._remembered: dict[tuple[int, int, bool], tuple[object, object, Owner]] = {}
        self._unreadable = Owner(
            resource=_UNREADABLE_RESOURCE.fields,
            resource_key=_UNREADABLE_RESOURCE.key,
            scope=_UNREADABLE_SCOPE.fields,
            scope_key=_UNREADABLE_SCOPE.key,
            names={},
            names_alone=frozenset(),
            filled=dict.fromkeys(ALWAYS_FILLED),
            room=limits.attributes - 2,
            can_make_room=False,
            warnings={},
            truncated=0,
        )

    def owner(self, resource: object, scope: object, *, make_room: bool = False) -> Owner:
        """What records of this resource and scope have in common. Of one that raises while it is read, it says that.

        A scope that is None is an empty one. `make_room`: with so few ordinary attributes that a record has room for
        what identifies it. A resource that has too many alone is cut like that in any case.
        """
        remembered = self._remembered.get((id(resource), id(scope), make_room))
        if remembered is not None:
            return remembered[2]
        try:
            return self._encode(resource, scope, make_room)
        except Exception:  # noqa: BLE001 - out of stack or memory
            self._values.replaced += 1
            return self._unreadable

    def _encode(self, resource: object, scope: object, make_room: bool) -> Owner:
        values = self._values
        replaced, truncated = values.replaced, values.truncated
        values.bytes_left, values.warnings = MAX_RECORD_BYTES, {}
        above = self._part(lambda: self._resource(resource, make_room), _UNREADABLE_RESOURCE)
        below = self._part(lambda: self._scope(scope, above, make_room), _UNREADABLE_SCOPE)
        count = sum(each.leaves for each in (*above.attributes, *below.attributes)) + len(below.filled)
        names = self._selection.names((*above.attributes, *below.attributes))
        owner = Owner(
            resource=above.fields,
            resource_key=above.key,
            scope=below.fields,
            scope_key=below.key,
            names=names,
            names_alone=frozenset(names) | self._selection.maps_to_look_at(names),
            filled={**dict.fromkeys(ALWAYS_FILLED), **below.filled},
            room=self._limits.attributes - count,
            can_make_room=not make_room and count > self._limits.attributes - _ROOM_FOR_RECORD,
            warnings=values.warnings,
            truncated=values.truncated - truncated,
        )
        values.truncated = truncated
        # What was replaced, or raised, has to be tried and counted again in the next batch. But not if redaction took
        # too long for a text of it: that would be some time for each batch.
        if values.replaced == replaced or _TOO_SLOW in above.fields or _TOO_SLOW in below.fields:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[id(resource), id(scope), make_room] = (resource, scope, owner)
        return owner

    def _part(self, encode: Callable[[], _Part], unreadable: _Part) -> _Part:
        try:
            return encode()
        except Exception:  # noqa: BLE001 - the attributes are the application's objects
            self._values.replaced += 1
            return unreadable

    def _resource(self, resource: Any, make_room: bool) -> _Part:
        given = plain_mapping(resource.attributes, self._values)
        names = {self._selection.comparable(name) for name in given if isinstance(name, str)}
        service_name = given.get(_SERVICE_NAME)
        if type(service_name) is str and service_name.startswith(_UNKNOWN_SERVICE):
            names.discard(_SERVICE_NAME)
        given |= {name: value for key, (name, value) in self._resource_attributes.items() if key not in names}
        attributes = self._selection.named(given, filled=_FILLED_FOR_RESOURCE)
        attributes = self._within(attributes, self._limits.attributes, _MAX_BYTES, make_room)
        encoded = [each.field(_ATTRIBUTES) for each in attributes]
        schema_url = self._text_field(b"\x1a", resource.schema_url, _MAX_URL_BYTES)
        return _Part(
            length_delimited(b"\x0a", b"".join(encoded)) + schema_url,
            schema_url + b"".join(sorted(encoded)),
            attributes,
        )

    def _scope(self, scope: Any, above: _Part, make_room: bool) -> _Part:
        if not scope:
            return _Part(length_delimited(b"\x0a", b""), b"")
        name = self._text_field(b"\x0a", scope.name, self._limits.attribute_value_bytes)
        version = self._text_field(b"\x12", scope.version, self._limits.attribute_value_bytes)
        # The field of a text in a scope is that of an AnyValue but for its number.
        texts = {SCOPE_NAME: name, SCOPE_VERSION: version}
        filled: dict[str, bytes | None] = {key: b"\x0a" + text[1:] for key, text in texts.items() if text}
        attributes = self._selection.named(
            plain_mapping(scope.attributes, self._values),
            self._selection.names(above.attributes),
            {**_FILLED_FOR_SCOPE, **filled},
        )
        most = self._limits.attributes - sum(each.leaves for each in above.attributes) - len(filled)
        attributes = self._within(attributes, most, _MAX_BYTES - len(above.fields), make_room)
        encoded = [each.field(_SCOPE_ATTRIBUTES) for each in attributes]
        schema_url = self._text_field(b"\x1a", scope.schema_url, _MAX_URL_BYTES)
        return _Part(
            length_delimited(b"\x0a", name + version + b"".join(encoded)) + schema_url,
            b"\xff".join((name, version, schema_url, *sorted(encoded))),
            attributes,
            filled,
        )

    def _within(self, attributes: list[Attribute], most: int, max_bytes: int, make_room: bool) -> list[Attribute]:
        is_too_long = sum(each.size_bytes for each in attributes) > max_bytes
        if not make_room and not is_too_long and sum(each.leaves for each in attributes) <= most:
            return attributes
        return self._selection.within(attributes, most - _ROOM_FOR_RECORD, says_so=False, max_bytes=max_bytes)[0]

    def _text_field(self, field_key: bytes, value: object, max_bytes: int) -> bytes:
        if value is None:
            return b""
        text = self._values.name(value, max_bytes)
        return length_delimited(field_key, text) if text else b""
