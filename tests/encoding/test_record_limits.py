"""Each limit of Dynatrace's on a record, one below, at, and one above it: what is sent, said and counted.

Numbers: "Log Management and Analytics default limits", "Log Monitoring Classic limits"; words: "Log ingestion
warnings", docs.dynatrace.com.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from dt_otlp_logs.encoding.limits import PROFILES
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, seal

CONTENT = {"grail": 10_000_000, "classic": 8_192}
VALUE = {"grail": 32_768, "classic": 250}
COUNT = {"grail": 500, "classic": 50}
KEY, ARRAY = 100, 32

both_profiles = pytest.mark.parametrize("profile", ["grail", "classic"])
# One to four bytes of UTF-8.
characters = pytest.mark.parametrize("character", ["x", "ä", "€", "😀"])


@dataclass
class Sent:
    body: Any
    record: dict[str, Any]
    scope: dict[str, Any]
    resource: dict[str, Any]
    scope_name: str
    event_name: str
    truncated: int

    @property
    def warnings(self) -> list[str]:
        return list(self.record.get("dt_otlp_logs.warnings", []))

    @property
    def at_the_server(self) -> int:
        """How many attributes the record has there, flattened."""
        named = bool(self.scope_name) + bool(self.event_name)
        return named + sum(
            leaves(value) for part in (self.record, self.scope, self.resource) for value in part.values()
        )


def leaves(value: Any) -> int:
    return sum(map(leaves, value.values())) if isinstance(value, dict) else 1


def plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(element) for element in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def sent(
    profile: str,
    attributes: Any = None,
    *,
    body: Any = "x",
    resource: dict[str, Any] | None = None,
    scope: InstrumentationScope | None = None,
    structure: Any = None,
    **fields: Any,
) -> Sent:
    record = LogRecord(timestamp=1, body=body, severity_number=SeverityNumber.INFO, **fields)
    record.attributes = attributes
    encoder = OtlpEncoder(PROFILES[profile], structure=structure)
    readable = ReadableLogRecord(record, Resource(resource or {}), scope)
    encoded = encoder.encode([readable])
    # What is in a cache is sent, said and counted again.
    assert encoder.encode([readable]) == encoded
    assert encoded.replaced == 0
    request = ExportLogsServiceRequest.FromString(decompress(seal(encoded.groups)))
    (resource_logs,) = request.resource_logs
    (scope_logs,) = resource_logs.scope_logs
    (message,) = scope_logs.log_records
    found = [
        {pair.key: plain(pair.value) for pair in part.attributes}
        for part in (message, scope_logs.scope, resource_logs.resource)
    ]
    return Sent(plain(message.body), *found, scope_logs.scope.name, message.event_name, encoded.truncated)


def assert_cut(text: str, original: str, limit: int) -> None:
    size = len(original.encode())
    if size <= limit:
        assert text == original
        return
    kept, missing = re.fullmatch(r"(.*)\.\.\.\[truncated (\d+) bytes\]", text, re.DOTALL).groups()  # type: ignore[union-attr]
    assert original.startswith(kept)
    assert len(kept.encode()) + int(missing) == size
    # No more is cut than has to be: a character more, or a marker of another length, would not fit.
    assert limit - 4 - len(str(size)) <= len(text.encode()) <= limit


def text_of(character: str, size: int) -> str:
    """A text of exactly this many bytes."""
    width = len(character.encode())
    return "." * (size % width) + character * (size // width)


@both_profiles
@characters
@pytest.mark.parametrize("off", [-1, 0, 1, 2, 3, 1_000])
def test_content(profile: str, character: str, off: int) -> None:
    limit = CONTENT[profile]
    original = text_of(character, limit + off)
    result = sent(profile, {"a": 1}, body=original)
    assert_cut(result.body, original, limit)
    assert result.warnings == (["content_trimmed"] if off > 0 else [])
    assert result.truncated == (1 if off > 0 else 0)


WHERE: dict[str, Callable[[str, str], tuple[Sent, str]]] = {
    "record": lambda profile, text: (found := sent(profile, {"a": text}), found.record["a"]),
    "in an array": lambda profile, text: (found := sent(profile, {"a": [1, text]}), found.record["a"][1]),
    "in a map": lambda profile, text: (
        found := sent(profile, {"a": {"b": text}}, structure="flattened"),
        found.record["a"]["b"],
    ),
    "resource": lambda profile, text: (found := sent(profile, {}, resource={"a": text}), found.resource["a"]),
    "scope": lambda profile, text: (
        found := sent(profile, {}, scope=InstrumentationScope("s", attributes={"a": text})),
        found.scope["a"],
    ),
    "scope's name": lambda profile, text: (
        found := sent(profile, {}, scope=InstrumentationScope(text)),
        found.scope_name,
    ),
    "event's name": lambda profile, text: (found := sent(profile, {}, event_name=text), found.event_name),
    "raw level": lambda profile, text: (found := sent(profile, {}, severity_text=text), found.record["log.raw_level"]),
    "beside a collision": lambda profile, text: (
        found := sent(profile, {"a": text}, resource={"a": 1}),
        found.record["overwritten1.a"],
    ),
}


@both_profiles
@characters
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("off", [-1, 0, 1, 2, 3])
def test_the_size_of_a_value(profile: str, character: str, where: str, off: int) -> None:
    original = text_of(character, VALUE[profile] + off)
    result, text = WHERE[where](profile, original)
    assert_cut(text, original, VALUE[profile])
    assert result.warnings == (["attr_val_size_trimmed"] if off > 0 else [])
    assert result.truncated == (1 if off > 0 else 0)


@both_profiles
@pytest.mark.parametrize("name", ["k" * 99, "k" * 100, "ä" * 50, "€" * 33])
def test_a_name_within_the_limit_stays(profile: str, name: str) -> None:
    result = sent(profile, {name: 1})
    assert (result.record, result.truncated) == ({name: 1}, 0)


@both_profiles
@pytest.mark.parametrize(
    ("name", "cut"),
    [("k" * 101, "k" * 100), ("ä" * 50 + "x", "ä" * 50), ("€" * 34, "€" * 33), ("x" + "😀" * 25, "x" + "😀" * 24)],
)
def test_a_name_over_the_limit_is_cut_at_a_character(profile: str, name: str, cut: str) -> None:
    result = sent(profile, {"a": 1, name: 2})
    assert result.record == {"a": 1, cut: 2, "dt_otlp_logs.warnings": ["attr_key_trimmed"]}
    result = sent(profile, {}, resource={name: 2}, scope=InstrumentationScope("s", attributes={f"s{name}": 3}))
    assert list(result.resource) == [cut]
    assert all(len(key.encode()) <= 100 for key in result.scope)
    assert (result.warnings, result.truncated) == (["attr_key_trimmed"], 2)


@both_profiles
def test_names_that_are_the_same_once_cut_are_told_apart(profile: str) -> None:
    names = [f"{'k' * 100}{end}" for end in ("a", "b", "")]
    result = sent(profile, dict(zip(names, (1, 2, 3), strict=True)))
    del result.record["dt_otlp_logs.warnings"]
    assert result.record == {"k" * 98 + "~1": 1, "k" * 98 + "~2": 2, "k" * 100: 3}
    result = sent(profile, {"k" * 101: 1}, resource={"k" * 100: 1})
    assert result.record["k" * 98 + "~1"] == 1


@both_profiles
def test_a_name_too_long_for_the_prefix_of_a_collision_is_cut(profile: str) -> None:
    result = sent(profile, {"k" * 95: 1}, resource={"k" * 95: 2})
    assert result.record == {"overwritten1." + "k" * 87: 1, "dt_otlp_logs.warnings": ["attr_key_trimmed"]}


@both_profiles
@pytest.mark.parametrize("count", [31, 32, 33, 100])
@pytest.mark.parametrize("value", [1, None, "x", True, 1.5, [1], {"a": 1}])
def test_values_of_an_array(profile: str, count: int, value: Any) -> None:
    result = sent(profile, {"a": [value] * count, "map": {"in": [value] * count}})
    over = max(0, count - ARRAY)
    assert result.record["a"] == [value] * min(count, ARRAY)
    assert result.record["map"] == {"in": [value] * min(count, ARRAY)}
    assert result.warnings == ([f"attr_val_count_trimmed: {2 * over}"] if over else [])
    assert result.truncated == 2 * over


def test_an_array_inside_a_map_that_stays_text_is_left_alone() -> None:
    value = {"in": list(range(100)), "deep": {"a": {"b": {"c": {"d": {"e": 1}}}}}}
    result = sent("grail", {"map": value}, structure="raw")
    assert (result.record, result.truncated) == ({"map": value}, 0)


@both_profiles
@pytest.mark.parametrize("length", [31, 32, 33])
def test_values_of_an_array_in_the_resource(profile: str, length: int) -> None:
    result = sent(profile, {}, resource={"a": list(range(length))})
    assert result.resource["a"] == list(range(length))[:32]
    assert result.warnings == (["attr_val_count_trimmed: 1"] if length == 33 else [])


@both_profiles
@pytest.mark.parametrize("structure", [None, "flattened"])
def test_what_is_nested_deeper_than_five_levels_is_json_text_there(profile: str, structure: Any) -> None:
    # The names count: a.b.c.d.e are five.
    deep = {"f": [1, "ü"], "g": {"h": None}}
    result = sent(profile, {"a": {"b": {"c": {"d": {"e": deep}}}, "leaf": 1}}, structure=structure)
    inner = result.record["a"]["b"]["c"]["d"]["e"]
    assert inner == '{"f":[1,"ü"],"g":{"h":null}}'
    assert result.record["a"]["leaf"] == 1
    # Nothing is lost by it.
    assert (result.warnings, result.truncated) == ([], 0)
    at_the_limit = {"a": {"b": {"c": {"d": {"e": 1}}}}}
    assert sent(profile, at_the_limit, structure=structure).record == at_the_limit


@both_profiles
@pytest.mark.parametrize(("inner", "stays"), [(97, True), (98, True), (99, False)])
def test_a_map_whose_flattened_names_would_be_too_long_is_json_text(profile: str, inner: int, stays: bool) -> None:
    value = {"k" * inner: 1}
    result = sent(profile, {"a": value}, structure="flattened")
    assert result.record == {"a": value if stays else json.dumps(value, separators=(",", ":"))}


@both_profiles
@pytest.mark.parametrize("size", [87, 88, 95, 100])
@pytest.mark.parametrize("where", ["resource", "scope"])
def test_a_map_with_a_leaf_whose_name_is_taken_is_json_text_where_the_other_name_would_be_too_long(
    profile: str, size: int, where: str
) -> None:
    """Dynatrace calls it `overwritten1.<name>`, and cuts names of more than 100 bytes without a mark."""
    inner = "k" * (size - 4)
    taken: dict[str, Any] = {f"svc.{inner}": "first"}
    resource = taken if where == "resource" else {}
    scope = InstrumentationScope("s", attributes=taken if where == "scope" else {})
    own: dict[str, Any] = {"svc": {inner: "second"}}
    result = sent(profile, own, resource=resource, scope=scope, structure="flattened")
    stays = {inner: "second"}
    assert result.record["svc"] == (stays if size == 87 else json.dumps(stays, separators=(",", ":")))
    assert "first" in str((result.record, result.scope, result.resource))


@both_profiles
@pytest.mark.parametrize(("size", "stays"), [(87, True), (88, False)])
def test_a_body_with_a_name_too_long_to_be_counted_up_is_json_text(profile: str, size: int, stays: bool) -> None:
    body = {"message": "m", "k" * size: 1}
    result = sent(profile, body=body, structure="flattened")
    assert result.body == (body if stays else json.dumps(body, separators=(",", ":")))


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_map_is_cut_text_where_its_json_text_would_be_too_long(off: int) -> None:
    value = {"a": "x" * 20_000, "b": ""}
    text = json.dumps(value, separators=(",", ":"))
    value["b"] = "y" * (32_768 + off - len(text))
    text = json.dumps(value, separators=(",", ":"))
    for structure in (None, "raw"):
        result = sent("grail", {"map": value}, structure=structure)
        if off <= 0:
            assert result.record == {"map": value}
        else:
            assert_cut(result.record["map"], text, 32_768)
            assert result.warnings == ["attr_val_size_trimmed"]
    # Its leaves are attributes of their own.
    assert sent("grail", {"map": value}, structure="flattened").record == {"map": value}


@pytest.mark.parametrize(
    ("profile", "size", "stays"),
    # Three bytes are four characters of base64: 24,576 are 32,768, and 186 are 248.
    [("grail", 24_576, True), ("grail", 24_577, False), ("classic", 186, True), ("classic", 187, False)],
)
def test_bytes_are_cut_text_where_their_base64_would_be_too_long(profile: str, size: int, stays: bool) -> None:
    value = b"\xff" * size
    result = sent(profile, {"a": value, "in": [value], "map": {"b": value}}, structure="flattened")
    for found in (result.record["a"], result.record["in"][0], result.record["map"]["b"]):
        if stays:
            assert found == value
        else:
            assert_cut(found, base64.b64encode(value).decode(), VALUE[profile])
    assert result.truncated == (0 if stays else 3)


@both_profiles
@pytest.mark.parametrize("element", [["x" * 200] * 200, {"a": ["y" * 200] * 200}])
def test_an_element_of_an_array_that_becomes_text_has_the_limit_of_a_value(profile: str, element: Any) -> None:
    result = sent(profile, {"a": [element, 1]})
    text = json.dumps(element, separators=(",", ":"))
    assert_cut(result.record["a"][0], text, VALUE[profile])
    assert (result.record["a"][1], result.warnings) == (1, ["attr_val_size_trimmed"])


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_body_that_is_no_text_is_cut_text_where_its_json_text_would_be_too_long(off: int) -> None:
    body: list[str] = ["x" * 4_000, ""]
    body[1] = "y" * (8_192 + off - len(json.dumps(body, separators=(",", ":"))))
    result = sent("classic", body=body)
    if off <= 0:
        assert (result.body, result.warnings) == (body, [])
    else:
        assert_cut(result.body, json.dumps(body, separators=(",", ":")), 8_192)
        assert (result.warnings, result.truncated) == (["content_trimmed"], 1)


@pytest.mark.parametrize(("size", "stays"), [(6_144, True), (6_145, False)])
def test_bytes_as_the_body_are_cut_text_where_their_base64_would_be_too_long(size: int, stays: bool) -> None:
    body = b"\x01" * size
    result = sent("classic", body=body)
    if stays:
        assert result.body == body
    else:
        assert_cut(result.body, base64.b64encode(body).decode(), 8_192)


@both_profiles
@pytest.mark.parametrize("odd", ["depth", "array", "name", "names", "text", "bytes"])
def test_a_body_with_a_value_over_an_attributes_limit_is_json_text_so_that_nothing_is_lost(
    profile: str, odd: str
) -> None:
    value: dict[str, Any] = {
        "depth": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}},
        "array": {"list": list(range(33))},
        "name": {"k" * 101: 1},
        "names": {"k" * 50: {"l" * 50: 1}},
        "text": {"long": "x" * (VALUE[profile] + 1)},
        "bytes": {"long": b"\xff" * VALUE[profile]},
    }[odd]
    result = sent(profile, body={"message": "m", **value})
    if odd == "bytes":
        value = {"long": base64.b64encode(value["long"]).decode()}
    assert json.loads(result.body) == {"message": "m", **value}
    assert (result.warnings, result.truncated) == ([], 0)


def test_the_content_of_a_flattened_body_has_the_limit_of_content() -> None:
    body = {"k": 1, "message": "x" * 8_000}
    assert sent("classic", body=body).body == body
    assert sent("grail", body={"k": 1, "log": "x" * 40_000}).body == {"k": 1, "log": "x" * 40_000}


def numbered(count: int, prefix: str = "n") -> dict[str, Any]:
    return {f"{prefix}{number}": number for number in range(count)}


@both_profiles
@pytest.mark.parametrize("off", [-1, 0, 1, 12])
def test_the_number_of_attributes(profile: str, off: int) -> None:
    # Resource 3, scope 2 and its name and version 2, event name 1.
    own = numbered(COUNT[profile] + off - 8)
    scope = InstrumentationScope("s", "1", attributes=numbered(2, "s"))
    result = sent(profile, own, resource=numbered(3, "r"), scope=scope, event_name="e")
    assert (len(result.resource), len(result.scope)) == (3, 2)
    if off <= 0:
        assert (result.record, result.truncated) == (own, 0)
    else:
        # From the last to the first, and one more, since the warnings take a place, too.
        assert list(result.record) == [*list(own)[: -off - 1], "dt_otlp_logs.warnings"]
        assert result.warnings == [f"attr_count_trimmed: {off + 1}"]
        assert result.truncated == off + 1


@both_profiles
@pytest.mark.parametrize("off", [-1, 0, 1, 3, 4])
@pytest.mark.parametrize("structure", [None, "flattened"])
def test_a_map_counts_as_its_leaves_and_is_text_where_they_are_too_many(profile: str, off: int, structure: Any) -> None:
    value = {"a": 1, "b": {"c": 2, "d": 3, "e": 4}}
    own = {"map": value, **numbered(COUNT[profile] + off - 4)}
    result = sent(profile, own, structure=structure)
    if off <= 0:
        assert result.record == own
    else:
        # As text it is one attribute instead of four: so much is lost only beyond three.
        assert result.record.pop("map") == '{"a":1,"b":{"c":2,"d":3,"e":4}}'
        assert result.warnings == (["attr_count_trimmed: 2"] if off == 4 else [])
    assert result.truncated == (2 if off == 4 else 0)


def test_a_map_that_stays_one_attribute_counts_as_one() -> None:
    own = {"map": numbered(100), **numbered(499)}
    assert sent("grail", own, structure="raw").record == own


@both_profiles
def test_a_body_that_would_bring_too_many_attributes_is_json_text(profile: str) -> None:
    own = numbered(40)
    body = {"message": "m", **numbered(COUNT[profile], "b")}
    result = sent(profile, own, body=body, structure="flattened")
    assert json.loads(result.body) == body
    assert (result.record, result.truncated) == (own, 0)
    assert sent(profile, own, body={"message": "m", "k": 1}).body == {"message": "m", "k": 1}


IDENTITY: dict[str, Any] = {
    "service.name": "shop",
    "dt.entity.host": "HOST-1",
    "exception.type": "ValueError",
    "exception.message": "bad",
    "event.name": "e",
    "log.raw_level": "25",
    "trace_id": "a",
    "span_id": "b",
}


@both_profiles
def test_what_identifies_a_record_is_never_left_out_and_its_stack_trace_last(profile: str) -> None:
    limit = COUNT[profile]
    own = {"exception.stacktrace": "st", **numbered(limit), **IDENTITY}
    result = sent(profile, own)
    assert result.record == {
        "exception.stacktrace": "st",
        **numbered(limit - 10),
        **IDENTITY,
        "dt_otlp_logs.warnings": ["attr_count_trimmed: 10"],
    }
    resource = numbered(limit - 9, "r")
    result = sent(profile, {**own, "last": 1}, resource=resource)
    assert (result.resource, list(result.record)) == (resource, [*IDENTITY, "dt_otlp_logs.warnings"])
    assert result.warnings == [f"attr_count_trimmed: {limit + 2}"]


NEVER_LEFT_OUT = {name: value for name, value in IDENTITY.items() if name != "dt.entity.host"}


@both_profiles
@pytest.mark.parametrize("prefix", ["dt.x", "service.x", "Exception.Type"])
def test_more_of_what_identifies_a_record_than_it_may_have_is_cut_but_for_a_few_names(
    profile: str, prefix: str
) -> None:
    limit = COUNT[profile]
    many = numbered(limit + 100, prefix)
    result = sent(profile, {"a": 1, **many, "exception.stacktrace": "st", **NEVER_LEFT_OUT})
    assert result.at_the_server == limit
    assert NEVER_LEFT_OUT.items() <= result.record.items()
    lost = 2 + len(many) + len(NEVER_LEFT_OUT) - (len(result.record) - 1)
    assert (result.warnings, result.truncated) == ([f"attr_count_trimmed: {lost}"], lost)
    if prefix != "Exception.Type":
        # The first of them stay, at the cost of all that is ordinary.
        kept = limit - len(NEVER_LEFT_OUT) - 1
        assert {**numbered(kept, prefix)}.keys() <= result.record.keys()


@both_profiles
def test_a_resource_with_too_much_that_identifies_it_leaves_room_for_its_records(profile: str) -> None:
    limit = COUNT[profile]
    own = {"a": 1, "exception.type": "ValueError", "exception.message": "bad", "dt.entity.host": "HOST-1"}
    resource = {**numbered(limit + 100, "service.x"), "service.name": "shop"}
    result = sent(profile, own, resource=resource)
    assert result.at_the_server <= limit
    assert (result.resource["service.name"], result.record.items() >= own.items()) == ("shop", True)
    lost = len(resource) - len(result.resource)
    assert (result.warnings, result.truncated) == ([f"attr_count_trimmed: {lost}"], lost)


# "Access limits" gives a request of OTLP logs 2 MB: half of that for resource and scope.
SHARED_BYTES = 1_000_000


def shared_bytes(result: Sent) -> int:
    return sum(len(name) + len(str(value)) for part in (result.resource, result.scope) for name, value in part.items())


@pytest.mark.parametrize("where", ["resource", "scope", "both"])
def test_resource_and_scope_leave_half_of_a_request_for_the_record(where: str) -> None:
    fat, other = ({f"{name}{number}": "x" * 32_768 for number in range(100)} for name in "rs")
    resource = {"service.name": "shop", **(fat if where != "scope" else {}), "service.version": "1"}
    scope = InstrumentationScope("s", "1", attributes={} if where == "resource" else other)
    result = sent("grail", {"a": 1}, resource=resource, scope=scope)
    assert SHARED_BYTES - 34_000 < shared_bytes(result) <= SHARED_BYTES
    assert (result.resource["service.name"], result.resource["service.version"]) == ("shop", "1")
    lost = (2 if where == "both" else 1) * 100 - len(result.resource) - len(result.scope) + 2
    assert result.warnings == [f"attr_count_trimmed: {lost}"]
    assert (result.truncated, result.record["a"]) == (lost, 1)


def test_a_long_list_of_a_resource_becomes_cut_text_before_an_attribute_goes() -> None:
    resource = {"service.name": "shop", "list": ["x" * 32_768] * 32, "last": 1}
    result = sent("grail", {}, resource=resource)
    assert (result.resource["service.name"], result.resource["last"]) == ("shop", 1)
    assert_cut(result.resource["list"], json.dumps(resource["list"], separators=(",", ":")), 32_768)
    assert (result.warnings, result.truncated) == (["attr_val_size_trimmed"], 1)


def test_a_resource_of_ordinary_size_is_whole() -> None:
    resource = {f"r{number}": "x" * 2_000 for number in range(480)}
    result = sent("grail", {}, resource=resource)
    assert (result.resource, result.truncated) == (resource, 0)


@both_profiles
def test_each_kind_of_cut_is_said_once(profile: str) -> None:
    own = {
        "long": "x" * 40_000,
        "longer": "x" * 40_001,
        "k" * 101: 1,
        "array": list(range(40)),
        **numbered(COUNT[profile]),
    }
    result = sent(profile, own, body="x" * (CONTENT[profile] + 1))
    assert result.warnings == [
        "content_trimmed",
        "attr_count_trimmed: 5",
        "attr_key_trimmed",
        "attr_val_count_trimmed: 8",
        "attr_val_size_trimmed",
    ]
    assert result.truncated == 1 + 5 + 1 + 8 + 2
    assert result.at_the_server == COUNT[profile]


@both_profiles
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_resource_that_has_too_many_attributes_alone_is_cut(profile: str, off: int) -> None:
    limit = COUNT[profile]
    resource = {**numbered(limit + off - 2), "service.name": "shop", "dt.entity.host": "HOST-1"}
    result = sent(profile, {}, resource=resource)
    if off <= 0:
        assert (result.resource, result.record, result.truncated) == (resource, {}, 0)
    else:
        assert {"service.name", "dt.entity.host", "n0"} <= set(result.resource)
        (warning,) = result.warnings
        assert warning == f"attr_count_trimmed: {len(resource) - len(result.resource)}"
        assert result.at_the_server <= limit


@both_profiles
@pytest.mark.parametrize("count", range(-13, 3))
def test_a_resource_leaves_room_for_what_identifies_each_record(profile: str, count: int) -> None:
    limit = COUNT[profile]
    own = {"a": 1, "exception.type": "ValueError", "exception.message": "bad", "b": 2}
    scope = InstrumentationScope("s")
    result = sent(profile, own, resource=numbered(limit + count, "r"), scope=scope, event_name="e")
    assert result.at_the_server <= limit
    assert (result.record["exception.type"], result.record["exception.message"]) == ("ValueError", "bad")
    lost = len(own) + limit + count - len(result.resource) - len(result.record) + bool(result.warnings)
    assert result.warnings == ([f"attr_count_trimmed: {lost}"] if lost else [])


@both_profiles
def test_a_record_whose_resource_was_cut_says_so_beside_its_own_cuts(profile: str) -> None:
    result = sent(profile, {"a": "x" * 40_000}, body="x" * (CONTENT[profile] + 1), resource={"r": list(range(40))})
    assert result.warnings == ["content_trimmed", "attr_val_count_trimmed: 8", "attr_val_size_trimmed"]
    assert result.truncated == 10


def test_records_of_one_resource_that_are_cut_differently_stay_in_their_batch() -> None:
    resource = Resource(numbered(48, "r"))
    own = {"exception.type": "E", "exception.message": "m", **numbered(5)}
    batch = [
        ReadableLogRecord(
            LogRecord(timestamp=1 + number, body=str(number), attributes=own if number % 2 else {}), resource, None
        )
        for number in range(6)
    ]
    encoded = OtlpEncoder(PROFILES["classic"]).encode(batch)
    assert sum(len(group.records) for group in encoded.groups) == 6
    assert len(encoded.groups) == 2
    assert [group.times for group in encoded.groups] == [(1, 3, 5), (2, 4, 6)]
