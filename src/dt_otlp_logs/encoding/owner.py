"""Resource and scope, which own the records below them, encoded once and remembered."""

from collections.abc import Callable
from dataclasses import dataclass

from .any_value import MAX_RECORD_BYTES, ValueEncoder
from .attributes import AttributeEncoder
from .wire import length_delimited

# A name, version or schema URL longer than an attribute's value may be is a mistake.
_MAX_TEXT_BYTES = 32_768

# Applications have one resource and some hundred scopes (a logger each); beyond that, encoding again is cheap.
_MAX_REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class Owner:
    """`fields` of the ResourceLogs or ScopeLogs; `key` is equal for owners that differ only in attribute order."""

    fields: bytes
    key: bytes


# In place of one that raises while it is read. Made beforehand: it can be the stack or the memory that is used up.
_UNREADABLE_NAME = length_delimited(b"\x0a", b"dt_otlp_logs.unreadable")
_UNREADABLE_ATTRIBUTE = length_delimited(b"\x0a", _UNREADABLE_NAME + length_delimited(b"\x12", b"\x10\x01"))
_UNREADABLE_RESOURCE = Owner(length_delimited(b"\x0a", _UNREADABLE_ATTRIBUTE), _UNREADABLE_ATTRIBUTE)
_UNREADABLE_SCOPE = Owner(length_delimited(b"\x0a", _UNREADABLE_NAME), _UNREADABLE_NAME)


class OwnerEncoder:
    """Encodes resources and scopes; the same object is encoded once, as hashing one costs more than a record."""

    def __init__(self, values: ValueEncoder, attributes: AttributeEncoder) -> None:
        self._values = values
        self._attributes = attributes
        # The object is kept beside what was made of it, so that its id() stays its own.
        self._remembered: dict[int, tuple[object, Owner]] = {}

    def resource(self, resource: object) -> Owner:
        """The fields `resource` and `schema_url` of a ResourceLogs. One that raises while it is read is called so."""
        return self._remember(resource, self._resource, _UNREADABLE_RESOURCE)

    def scope(self, scope: object) -> Owner:
        """The fields `scope` and `schema_url` of a ScopeLogs. None is an empty scope."""
        return self._remember(scope, self._scope, _UNREADABLE_SCOPE)

    def _remember(self, owner: object, encode: Callable[[object], Owner], unreadable: Owner) -> Owner:
        remembered = self._remembered.get(id(owner))
        if remembered is not None:
            return remembered[1]
        replaced, truncated = self._values.replaced, self._values.truncated
        self._values.bytes_left = MAX_RECORD_BYTES
        try:
            encoded = encode(owner)
        except Exception:  # noqa: BLE001 - the attributes are the application's objects
            self._values.replaced = replaced + 1
            return unreadable
        # What was counted has to be counted in the next batch, too.
        if (self._values.replaced, self._values.truncated) == (replaced, truncated) and owner is not None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[id(owner)] = (owner, encoded)
        return encoded

    def _resource(self, resource: object) -> Owner:
        attributes = self._attributes.other_attributes(resource.attributes, b"\x0a")  # type: ignore[attr-defined]
        schema_url = self._text_field(b"\x1a", resource.schema_url)  # type: ignore[attr-defined]
        return Owner(
            length_delimited(b"\x0a", b"".join(attributes)) + schema_url,
            schema_url + b"".join(sorted(attributes)),
        )

    def _scope(self, scope: object) -> Owner:
        if not scope:
            return Owner(length_delimited(b"\x0a", b""), b"")
        name = self._text_field(b"\x0a", scope.name)  # type: ignore[attr-defined]
        version = self._text_field(b"\x12", scope.version)  # type: ignore[attr-defined]
        attributes = self._attributes.other_attributes(scope.attributes, b"\x1a")  # type: ignore[attr-defined]
        schema_url = self._text_field(b"\x1a", scope.schema_url)  # type: ignore[attr-defined]
        return Owner(
            length_delimited(b"\x0a", name + version + b"".join(attributes)) + schema_url,
            b"\xff".join((name, version, schema_url, *sorted(attributes))),
        )

    def _text_field(self, field_key: bytes, value: object) -> bytes:
        if value is None:
            return b""
        text = self._values.name(value, _MAX_TEXT_BYTES)
        return length_delimited(field_key, text) if text else b""
