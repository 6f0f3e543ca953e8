"""Python values as `extra`: what their author expects to read, typed where OpenTelemetry has a type for them.

Sources: the README's table, `encoding.plain_value`'s docstring, the documentation of each type.
"""

import math
import sys
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from types import MappingProxyType, SimpleNamespace

from records.row import Check, Row, extra, has, one_of

TRUNCATED = Check("an array of 32 at most", lambda value: isinstance(value, list) and 0 < len(value) <= 32)


def marked(record: dict[str, object]) -> bool:
    """What was cut says so on the record."""
    return bool(record.get("dt_otlp_logs.warnings"))


SCALARS = [
    extra("none", lambda: None, None),
    extra("true", lambda: True, True),
    extra("false", lambda: False, False),
    extra("zero", lambda: 0, 0),
    extra("int", lambda: 42, 42),
    extra("negative", lambda: -42, -42),
    extra("int32-max", lambda: 2**31 - 1, 2**31 - 1),
    extra("int32-beyond", lambda: 2**31, 2**31),
    extra("float-exact-int-max", lambda: 2**53, 2**53),
    extra("float-exact-int-beyond", lambda: 2**53 + 1, 2**53 + 1),
    extra("int64-max", lambda: 2**63 - 1, 2**63 - 1),
    extra("int64-beyond", lambda: 2**63, str(2**63)),
    extra("int64-min", lambda: -(2**63), -(2**63)),
    extra("int64-below", lambda: -(2**63) - 1, str(-(2**63) - 1)),
    extra("uint64-max", lambda: 2**64 - 1, str(2**64 - 1)),
    extra("int-huge", lambda: 10**100, str(10**100)),
    # int-to-text conversion is refused by Python above 4,300 digits.
    extra("int-beyond-text", lambda: 10**5000, Check("some text", lambda value: isinstance(value, str) and value)),
    extra("float", lambda: 1.5, 1.5),
    extra("float-integral", lambda: 3.0, 3.0),
    extra("float-zero", lambda: 0.0, 0.0),
    extra("float-minus-zero", lambda: -0.0, -0.0),
    extra("float-tenth", lambda: 0.1, 0.1),
    extra("float-subnormal", lambda: 5e-324, 5e-324),
    extra("float-min", lambda: sys.float_info.min, sys.float_info.min),
    extra("float-max", lambda: sys.float_info.max, sys.float_info.max),
    extra("float-large", lambda: 1e16, 1e16),
    extra("float-nan", lambda: math.nan, "NaN"),
    extra("float-inf", lambda: math.inf, "Infinity"),
    extra("float-minus-inf", lambda: -math.inf, "-Infinity"),
    extra("text", lambda: "tea", "tea"),
    extra("text-empty", lambda: "", ""),
    extra("text-number", lambda: "42", "42"),
    extra("text-true", lambda: "true", "true"),
    extra("bytes-text", lambda: b"tea", "tea"),
    extra("bytes-utf8", lambda: "тea€".encode(), "тea€"),
    extra("bytes-binary", lambda: b"\x00\xff", b"\x00\xff"),
    extra("bytes-empty", lambda: b"", ""),
    extra("bytearray", lambda: bytearray(b"\x00\xff"), b"\x00\xff"),
    extra("memoryview", lambda: memoryview(b"\x00\xff"), b"\x00\xff"),
    extra("complex", lambda: 1 + 2j, "(1+2j)"),
    extra("complex-nan", lambda: complex(math.nan, 1), has("nan")),
    extra("ellipsis", lambda: ..., "Ellipsis"),
    extra("not-implemented", lambda: NotImplemented, "NotImplemented"),
]


ARRAYS = [
    extra("list-empty", list, []),
    extra("tuple-empty", tuple, []),
    extra("list-texts", lambda: ["a", "b"], ["a", "b"]),
    extra("list-ints", lambda: [1, 2], [1, 2]),
    extra("list-floats", lambda: [1.5, -0.0], [1.5, -0.0]),
    extra("list-bools", lambda: [True, False], [True, False]),
    extra("list-numbers", lambda: [1, 2.5], one_of([1, 2.5], [1.0, 2.5], ["1", "2.5"], ["1.0", "2.5"])),
    extra("list-nones", lambda: [None, None], [None, None]),
    extra("list-ints-none", lambda: [1, None, 2], [1, None, 2]),
    extra("list-texts-none", lambda: ["a", None], ["a", None]),
    extra("list-mixed", lambda: [1, "a", True], [1, "a", True]),
    extra("list-mixed-float", lambda: ["a", 1.5], ["a", 1.5]),
    extra("list-int-beyond", lambda: [1, 2**63], [1, str(2**63)]),
    extra("list-nan", lambda: ["a", math.nan], ["a", math.nan]),
    extra("list-maps", lambda: [{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
    extra("list-map-and-int", lambda: [{"a": 1}, 2], [{"a": 1}, 2]),
    extra("list-lists", lambda: [[1, 2], [3]], [[1, 2], [3]]),
    extra("list-empties", lambda: [[], {}], [[], {}]),
    extra("list-bytes", lambda: [b"\x00\xff", "a"], [b"\x00\xff", "a"]),
    extra("tuple", lambda: (1, 2), [1, 2]),
    extra("set", lambda: {"b", "a"}, ["a", "b"]),
    extra("set-ints", lambda: {3, 1, 2}, [1, 2, 3]),
    extra("set-unsortable", lambda: {1, "a"}, one_of(["1", "a"], ["a", "1"])),
    extra("frozenset", lambda: frozenset({2, 1}), [1, 2]),
    extra("deque", lambda: deque([1, 2]), [1, 2]),
    extra("range", lambda: range(3), [0, 1, 2]),
    extra("dict-keys", lambda: {"a": 1}.keys(), one_of(["a"], "dict_keys(['a'])")),
    extra("list-31", lambda: list(range(31)), list(range(31))),
    extra("list-32", lambda: list(range(32)), list(range(32))),
    extra("list-33", lambda: list(range(33)), TRUNCATED, holds=marked),
    extra("list-10000", lambda: list(range(10_000)), TRUNCATED, holds=marked),
    extra("range-huge", lambda: range(10**15), TRUNCATED),
    extra("list-32-texts", lambda: [str(n) for n in range(32)], [str(n) for n in range(32)]),
    extra("list-33-texts", lambda: [str(n) for n in range(33)], TRUNCATED, holds=marked),
]

MAPS = [
    extra("map", lambda: {"a": 1, "b": "x", "c": True, "d": 1.5}, {"a": 1, "b": "x", "c": True, "d": 1.5}),
    extra("map-none", lambda: {"a": None}, {"a": None}),
    extra("map-nested", lambda: {"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 1}}}),
    extra("map-list", lambda: {"a": [1, 2]}, {"a": [1, 2]}),
    extra("map-list-of-maps", lambda: {"a": [{"b": 1}]}, {"a": [{"b": 1}]}),
    extra("map-nan", lambda: {"a": math.nan, "b": math.inf}, {"a": "NaN", "b": "Infinity"}),
    extra("map-int-beyond", lambda: {"a": 2**63}, {"a": str(2**63)}),
    extra("map-bytes", lambda: {"a": b"\x00\xff"}, {"a": b"\x00\xff"}),
    extra("map-int-keys", lambda: {1: "a", 2: "b"}, {"1": "a", "2": "b"}),
    extra("map-tuple-keys", lambda: {(1, 2): "a"}, {"(1, 2)": "a"}),
    extra("map-none-key", lambda: {None: "a"}, {"None": "a"}),
    extra("map-bool-key", lambda: {True: "a"}, {"True": "a"}),
    extra("map-dotted-key", lambda: {"a.b": 1}, {"a.b": 1}),
    extra("ordered-dict", lambda: OrderedDict(a=1), {"a": 1}),
    extra("default-dict", lambda: defaultdict(int, a=1), {"a": 1}),
    extra("counter", lambda: Counter("aab"), {"a": 2, "b": 1}),
    extra("mapping-proxy", lambda: MappingProxyType({"a": 1}), {"a": 1}),
    extra("chain-map", lambda: ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    extra("namespace", lambda: SimpleNamespace(a=1), one_of("namespace(a=1)")),
]


def colliding(record: dict[str, object]) -> bool:
    """Neither value of two keys that read alike is lost."""
    kept = " ".join(str(value) for name, value in record.items() if name.lower().startswith(("value", "overwritten")))
    return "first" in kept and "second" in kept


ALIKE = [
    Row(
        f"alike-{name}",
        lambda source, make=make: source.log.info("kept", extra=source.extra(**make())),
        {"content": "kept"},
        holds=colliding,
    )
    for name, make in {
        "int-and-text-key": lambda: {"value": {1: "first", "1": "second"}},
        "none-and-text-key": lambda: {"value": {None: "first", "None": "second"}},
        "dotted-and-nested": lambda: {"value.a": "first", "value": {"a": "second"}},
        "nested-and-dotted": lambda: {"value": {"a": {"b": "first"}, "a.b": "second"}},
        "case": lambda: {"value": "first", "VALUE": "second"},
        "case-nested": lambda: {"value": {"a": "first", "A": "second"}},
    }.items()
]

ROWS: list[Row] = [*SCALARS, *ARRAYS, *MAPS, *ALIKE]
