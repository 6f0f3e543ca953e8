"""Objects that misbehave and structures without end: the record arrives, and nothing reaches the application.

Sources: the docstrings of the handler ("never raises") and of `encoding.plain_value`.
"""

import collections
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from records.row import SOME_TEXT, Check, Row, extra, has


class Raising:
    """Raises in whatever it is asked."""

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no")

    __str__ = __repr__ = __eq__ = __hash__ = __len__ = __iter__ = __bool__ = __format__ = _fail  # type: ignore[assignment]
    __getitem__ = __contains__ = __index__ = __int__ = __float__ = __getattr__ = _fail  # type: ignore[assignment]


class NoText:
    def __str__(self) -> str:
        return 42  # type: ignore[return-value]  # noqa: PLE0307

    __repr__ = __str__


class Lying:
    """Claims another class."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("no class")


class Endless:
    def __iter__(self) -> Iterator[int]:
        return itertools.count()

    def __str__(self) -> str:
        return "endless"


class EndlessSequence(Sequence[int]):
    def __len__(self) -> int:
        return 2**40

    def __getitem__(self, index: Any) -> Any:
        return 7

    def __repr__(self) -> str:
        return "endless"


class EndlessMapping(Mapping[str, int]):
    def __len__(self) -> int:
        return 2**40

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())

    def __getitem__(self, key: str) -> int:
        return 7

    def __repr__(self) -> str:
        return "endless"


class RaisingMapping(Mapping[str, int]):
    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __getitem__(self, key: str) -> int:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        return "raising mapping"


class OddDict(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no")


class OddStr(str):  # noqa: SLOT000
    def __str__(self) -> str:
        raise RuntimeError("no")

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        raise RuntimeError("no")


class OddInt(int):
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __index__ = __str__  # type: ignore[assignment]


class OddFloat(float):
    def __float__(self) -> float:
        raise RuntimeError("no")


def cyclic_list() -> list[Any]:
    found: list[Any] = [1]
    found.append(found)
    return found


def cyclic_map() -> dict[str, Any]:
    found: dict[str, Any] = {"a": 1}
    found["self"] = found
    return found


def cyclic_pair() -> dict[str, Any]:
    first: dict[str, Any] = {"name": "first"}
    first["second"] = {"first": first}
    return first


def deep(kind: str, levels: int) -> Any:
    found: Any = "bottom"
    for _ in range(levels):
        found = {"a": found} if kind == "map" else [found] if kind == "list" else collections.deque([found])
    return found


def doubling() -> list[Any]:
    """2**40 leaves in 40 lists."""
    found: list[Any] = ["leaf"]
    for _ in range(40):
        found = [found, found]
    return found


def bounded(record: dict[str, Any]) -> bool:
    return len(str(record)) < 100_000


def arrives(id_: str, make: Any, **fields: Any) -> Row:
    """The record arrives, however little of the value does."""
    fields.setdefault("holds", bounded)
    return Row(
        f"hostile-{id_}",
        lambda source: source.log.info("kept", extra=source.extra(value=make())),
        {"content": "kept"},
        **fields,
    )


def says_cut(record: dict[str, Any]) -> bool:
    """The record arrives and is bounded, with a text that says what is missing."""
    kept = [str(value) for name, value in record.items() if name.startswith(("value", "dt_otlp_logs."))]
    return bounded(record) and any(
        word in " ".join(kept).lower()
        for word in ("cut", "trunc", "deep", "nest", "circular", "cycl", "itself", "beyond")
    )


OBJECTS = [
    extra("raising", Raising, SOME_TEXT),
    extra("no-text", NoText, SOME_TEXT),
    extra("lying", Lying, SOME_TEXT),
    extra("endless", Endless, "endless"),
    extra("endless-count", itertools.count, has("count(0)")),
    extra("odd-str", lambda: OddStr("tea"), "tea"),
    extra("odd-int", lambda: OddInt(5), 5),
    extra("odd-float", lambda: OddFloat(1.5), 1.5),
    extra("raising-in-list", lambda: [Raising(), 1], Check("two texts", lambda value: len(value) == 2)),
    arrives("raising-in-map", lambda: {"a": Raising(), "b": 1}),
    arrives("raising-key", lambda: {RaisingKey(): 1, "b": 2}),
    arrives("raising-mapping", RaisingMapping),
    arrives("endless-sequence", EndlessSequence),
    arrives("odd-dict", lambda: OddDict(a=1)),
    arrives("raising-class", lambda: type("Meta", (type,), {"__repr__": Raising.__str__})("Odd", (), {})),
]


class RaisingKey:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


STRUCTURES = [
    arrives("cyclic-list", cyclic_list, holds=says_cut),
    arrives("cyclic-map", cyclic_map, holds=says_cut),
    arrives("cyclic-pair", cyclic_pair, holds=says_cut),
    arrives("deep-map-17", lambda: deep("map", 17), holds=says_cut),
    arrives("deep-map-1000", lambda: deep("map", 1000), holds=says_cut),
    arrives("deep-list-17", lambda: deep("list", 17), holds=says_cut),
    arrives("deep-list-1000", lambda: deep("list", 1000), holds=says_cut),
    arrives("deep-deque-1000", lambda: deep("deque", 1000), holds=says_cut),
    extra("shared-twice", lambda: [shared := [1], shared], [[1], [1]]),
]


HUGE: list[Row] = [
    arrives("endless-mapping", EndlessMapping),
    arrives("deep-map-100000", lambda: deep("map", 100_000), holds=says_cut),
    arrives("deep-list-100000", lambda: deep("list", 100_000), holds=says_cut),
    arrives("doubling", doubling),
    arrives("wide", lambda: {f"n{number}": number for number in range(50_000)}),
]


def call(id_: str, message: Any, args: tuple[Any, ...], content: Any, *, prints: bool) -> Row:
    """A message with arguments, as the call has them."""
    return Row(
        f"message-{id_}",
        lambda source: source.log.info(
            message() if isinstance(message, type) else message, *args, extra=source.extra()
        ),
        {"content": content},
        prints=prints,
    )


CALLS = [
    call("plain", "a", (), "a", prints=False),
    call("empty", "", (), "", prints=False),
    call("percent-without-args", "100 % of %s and %d", (), "100 % of %s and %d", prints=False),
    call("percent-escaped-without-args", "100 %%", (), "100 %%", prints=False),
    call("args", "%s is %d", ("a", 1), "a is 1", prints=False),
    call("args-percent", "%d %% of %s", (5, "a"), "5 % of a", prints=False),
    call("args-map", "%(a)s", ({"a": 1},), "1", prints=False),
    call("args-repr", "%r", ("a",), "'a'", prints=False),
    call("args-float", "%.2f", (1.005,), "1.00", prints=False),
    call("args-none", "%s", (None,), "None", prints=False),
    # logging prints what is wrong with these; what can be kept is the format itself.
    call("args-too-many", "tea", ("a",), has("tea"), prints=True),
    call("args-too-few", "%s and %s", ("a",), has("%s and %s"), prints=True),
    call("args-wrong-type", "%d teas", ("a",), has("%d teas"), prints=True),
    call("args-bad-format", "%q teas", ("a",), has("%q teas"), prints=True),
    call("args-raising", "%s teas", (Raising(),), has("%s teas"), prints=True),
    call("args-missing-key", "%(b)s teas", ({"a": 1},), has("%(b)s teas"), prints=True),
    call("raising", Raising, (), SOME_TEXT, prints=True),
    call("no-text", NoText, (), SOME_TEXT, prints=True),
    call("int", 42, (), "42", prints=False),
    call("none", None, (), "None", prints=False),
    call("true", True, (), "True", prints=False),
    call("float", 1.5, (), "1.5", prints=False),
    call("bytes", b"tea", (), "b'tea'", prints=False),
    call("list", ["a", 1], (), "['a', 1]", prints=False),
    call("tuple", ("a", 1), (), "('a', 1)", prints=False),
    call("exception", ValueError("boom"), (), "boom", prints=False),
    call("object", Endless, (), "endless", prints=False),
]

ROWS: list[Row] = [*OBJECTS, *STRUCTURES, *CALLS]
