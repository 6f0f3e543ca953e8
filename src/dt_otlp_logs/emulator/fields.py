"""Where the timestamp, loglevel and content of one record may be found, and which keys were used for them."""

from collections.abc import Iterable

from dt_otlp_logs.emulator.incoming import IncomingRecord, Pairs, Value


class Fields:
    """The keys of one record that can become a special field.

    A map as OTLP body is searched before the attributes, and only in the flattened model; a JSON event is all
    attributes. A key that was used for timestamp, loglevel or content is no attribute any more (the JSON page:
    "all other keys").
    """

    def __init__(self, incoming: IncomingRecord, flattened: bool) -> None:
        body = incoming.body if flattened and isinstance(incoming.body, dict) else None
        attributes: Pairs = incoming.attributes
        self._sources = [attributes] if body is None else [list(body.items()), attributes]
        self._has_body = body is not None
        self._used: list[set[str]] = [set() for _ in self._sources]
        self._by_lower_case: list[dict[str, tuple[str, Value]]] | None = None
        # Where content is looked for among keys; None when the body simply is the content.
        self.content_source: dict[str, Value] | None = dict(attributes) if incoming.is_event else body

    def take(self, keys: Iterable[str]) -> tuple[bool, Value]:
        """Whether one of these keys is there, whatever its case, and the value of the first of them."""
        return self._take(keys, range(len(self._sources)), primitive_only=False)

    def take_content(self, keys: Iterable[str], *, primitive_only: bool) -> tuple[bool, Value]:
        """As `take`, in the body or event only; with `primitive_only`, maps and arrays are passed over."""
        return self._take(keys, range(1), primitive_only=primitive_only)

    def remaining_attributes(self) -> Pairs:
        """The record's attributes that were used for nothing else."""
        return self._remaining(len(self._sources) - 1)

    def remaining_body(self) -> Pairs:
        """The keys of a map body that were used for nothing else; none when the body is the content."""
        return self._remaining(0) if self._has_body else ()

    def _remaining(self, source: int) -> Pairs:
        used = self._used[source]
        if not used:
            return self._sources[source]
        return [(key, value) for key, value in self._sources[source] if key not in used]

    def _take(self, keys: Iterable[str], sources: Iterable[int], *, primitive_only: bool) -> tuple[bool, Value]:
        for source in sources:
            names = self._names(source)
            for key in keys:
                found = names.get(key)
                if found is None or found[0] in self._used[source]:
                    continue
                if primitive_only and isinstance(found[1], (dict, list)):
                    continue
                self._used[source].add(found[0])
                return True, found[1]
        return False, None

    def _names(self, source: int) -> dict[str, tuple[str, Value]]:
        if self._by_lower_case is None:
            self._by_lower_case = [{key.lower(): (key, value) for key, value in pairs} for pairs in self._sources]
        return self._by_lower_case[source]
