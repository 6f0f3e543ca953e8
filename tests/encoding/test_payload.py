"""What may be done to payloads: no record is lost, doubled, changed or moved, and every result is a valid request."""

import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from dt_otlp_logs.encoding.payload import (
    ORIGINAL_TIMESTAMP,
    PackLimits,
    Payload,
    decompress,
    drop_stale,
    fits,
    halve,
    merge,
    pack,
    restamp_stale,
    seal,
    shrink,
    unpack,
)
from dt_otlp_logs.encoding.request import groups_of

HOUR = 3_600_000_000_000
NOW = 1_764_096_771_123_456_789


def attribute(key: str, text: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=text))


def log_record(text: str, time: int = NOW, **attributes: str) -> LogRecord:
    return LogRecord(
        time_unix_nano=time,
        observed_time_unix_nano=time,
        severity_text="INFO",
        body=AnyValue(string_value=text),
        attributes=[attribute(key, value) for key, value in attributes.items()],
    )


def request_of(*records: LogRecord, service: str = "shop", scope: str = "s") -> ExportLogsServiceRequest:
    scope_logs = ScopeLogs(scope=InstrumentationScope(name=scope), log_records=records, schema_url="https://s")
    return ExportLogsServiceRequest(
        resource_logs=[
            ResourceLogs(
                resource=Resource(attributes=[attribute("service.name", service)]),
                scope_logs=[scope_logs],
                schema_url="https://r",
            )
        ]
    )


def payload_of(request: ExportLogsServiceRequest) -> Payload:
    return seal(groups_of(request.SerializeToString()))


def decoded(payload: Payload) -> ExportLogsServiceRequest:
    raw = decompress(payload)
    assert payload.size_bytes == len(raw)
    request = ExportLogsServiceRequest.FromString(raw)
    assert payload.records == len(flat(request))
    return request


def flat(request: ExportLogsServiceRequest) -> list[tuple[bytes, str, bytes, str, bytes]]:
    """Every record with everything it inherits, in order."""
    return [
        (
            resource_logs.resource.SerializeToString(),
            resource_logs.schema_url,
            scope_logs.scope.SerializeToString(),
            scope_logs.schema_url,
            record.SerializeToString(),
        )
        for resource_logs in request.resource_logs
        for scope_logs in resource_logs.scope_logs
        for record in scope_logs.log_records
    ]


RECORDS = st.builds(
    log_record, st.text(max_size=300), st.integers(NOW - 48 * HOUR, NOW), a=st.text(max_size=40), b=st.just("x")
)


@st.composite
def requests(draw: st.DrawFn, min_records: int = 0) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    for service in draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=4)):
        for scope in draw(st.lists(st.sampled_from("xyz"), min_size=1, max_size=3)):
            records = draw(st.lists(RECORDS, max_size=6))
            request.MergeFrom(request_of(*records, service=service, scope=scope))
    if len(flat(request)) < min_records:
        request.MergeFrom(request_of(log_record("one"), log_record("two")))
    return request


LIMITS = st.builds(
    PackLimits,
    request_bytes=st.integers(50, 3_000),
    records=st.integers(1, 8),
    expanded_bytes=st.integers(100, 5_000),
)
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(requests())
def test_a_request_taken_apart_and_put_together_holds_the_same(request: ExportLogsServiceRequest) -> None:
    assert flat(decoded(payload_of(request))) == flat(request)


@SLOW
@given(requests(), LIMITS)
def test_packing_keeps_every_record_in_order_within_the_limits(
    request: ExportLogsServiceRequest, limits: PackLimits
) -> None:
    payloads = pack(groups_of(request.SerializeToString()), limits)
    assert [record for payload in payloads for record in flat(decoded(payload))] == flat(request)
    for payload in payloads:
        assert payload.records >= 1
        within = (
            payload.size_bytes <= limits.request_bytes
            and payload.records <= limits.records
            and payload.expanded_bytes <= limits.expanded_bytes
        )
        assert within or payload.records == 1


@SLOW
@given(requests())
def test_packing_is_one_request_where_one_is_enough(request: ExportLogsServiceRequest) -> None:
    payloads = pack(groups_of(request.SerializeToString()))
    assert len(payloads) == (1 if flat(request) else 0)


@SLOW
@given(st.lists(requests(min_records=1), min_size=1, max_size=5), LIMITS)
def test_merging_what_fits_keeps_every_record_in_order(
    several: list[ExportLogsServiceRequest], limits: PackLimits
) -> None:
    payloads = [payload_of(request) for request in several]
    count = fits(payloads, limits)
    assert 1 <= count <= len(payloads)
    merged = merge(payloads[:count], limits)
    assert flat(decoded(merged)) == [record for request in several[:count] for record in flat(request)]
    assert merged.oldest_unix_nano == min(payload.oldest_unix_nano for payload in payloads[:count])
    if count > 1:
        assert merged.size_bytes <= limits.request_bytes
        assert merged.records <= limits.records
        assert merged.expanded_bytes <= limits.expanded_bytes
    if count < len(payloads):
        with pytest.raises(ValueError, match="do not make one request"):
            merge(payloads[: count + 1], limits)


def test_nothing_fits_of_nothing_and_cannot_be_merged() -> None:
    assert fits([]) == 0
    with pytest.raises(ValueError, match="0 payloads"):
        merge([])


@SLOW
@given(requests(min_records=2))
def test_halves_together_are_the_whole(request: ExportLogsServiceRequest) -> None:
    first, second = halve(payload_of(request))
    assert abs(first.records - second.records) <= 1
    assert flat(decoded(first)) + flat(decoded(second)) == flat(request)


def test_one_record_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="one record"):
        halve(payload_of(request_of(log_record("alone"))))


@SLOW
@given(requests(min_records=1), st.integers(NOW - 50 * HOUR, NOW + HOUR))
def test_restamping_changes_the_time_of_old_records_and_nothing_else(
    request: ExportLogsServiceRequest, limit: int
) -> None:
    later = NOW + 5 * HOUR
    payload, count = restamp_stale(payload_of(request), limit, later)
    before = [LogRecord.FromString(record[4]) for record in flat(request)]
    after = [LogRecord.FromString(record[4]) for record in flat(decoded(payload))]
    assert count == sum(record.time_unix_nano < limit for record in before)
    assert payload.oldest_unix_nano == min(record.time_unix_nano for record in after)
    # In their order, the last of them now.
    expected = iter(range(later - (count - 1) * 1_000, later + 1, 1_000))
    for old, new in zip(before, after, strict=True):
        if old.time_unix_nano < limit:
            assert new.time_unix_nano == next(expected)
            assert new.attributes.pop().key == ORIGINAL_TIMESTAMP
            new.time_unix_nano = old.time_unix_nano
        assert new == old


def test_a_restamped_record_keeps_its_first_time_to_the_nanosecond() -> None:
    payload, _ = restamp_stale(payload_of(request_of(log_record("old", NOW))), NOW + 1, NOW + HOUR)
    payload, count = restamp_stale(payload, NOW + 2 * HOUR, NOW + 3 * HOUR)
    (entry,) = flat(decoded(payload))
    record = LogRecord.FromString(entry[4])
    assert count == 1
    assert record.time_unix_nano == NOW + 3 * HOUR
    # date --utc --date=@1764096771
    assert [(pair.key, pair.value.string_value) for pair in record.attributes] == [
        ("log.original_timestamp", "2025-11-25T18:52:51.123456789Z")
    ]


def test_the_time_is_found_wherever_it_stands_in_the_record() -> None:
    record = log_record("x", 5)
    raw = record.SerializeToString()
    moved = raw[9:] + raw[:9]
    (group,) = groups_of(request_of(record).SerializeToString().replace(raw, moved))
    assert group.times == (5,)
    payload, count = restamp_stale(seal([group]), 6, 7)
    assert (count, payload.oldest_unix_nano) == (1, 7)
    assert LogRecord.FromString(flat(decoded(payload))[0][4]).time_unix_nano == 7


def test_a_record_without_a_time_is_not_stale() -> None:
    payload = payload_of(request_of(LogRecord(body=AnyValue(string_value="x"))))
    assert restamp_stale(payload, NOW, NOW) == (payload, 0)
    assert drop_stale(payload, NOW) == (payload, 0)


@SLOW
@given(requests(min_records=1), st.integers(NOW - 50 * HOUR, NOW + HOUR))
def test_dropping_takes_out_the_old_records_and_nothing_else(request: ExportLogsServiceRequest, limit: int) -> None:
    payload, dropped = drop_stale(payload_of(request), limit)
    young = [record for record in flat(request) if LogRecord.FromString(record[4]).time_unix_nano >= limit]
    assert dropped == len(flat(request)) - len(young)
    assert (flat(decoded(payload)) if payload else []) == young


@SLOW
@given(
    st.integers(0, 4_000),
    st.dictionaries(st.sampled_from("abcdef"), st.text("aé€😀", max_size=2_000), max_size=4),
    st.integers(150, 6_000),
)
def test_a_shrunk_record_fits_and_keeps_its_time_and_names(
    length: int, attributes: dict[str, str], max_bytes: int
) -> None:
    request = request_of(log_record("ü" * length, **attributes))
    payload = payload_of(request)
    shrunk = shrink(payload, max_bytes)
    if shrunk is None:
        # What is left at the least: the names, a marker each, and the warnings.
        assert max_bytes < 350 + 60 * (1 + len(attributes))
        return
    smaller, truncated = shrunk
    assert smaller.size_bytes <= max_bytes
    before, after = (LogRecord.FromString(flat(decoded(each))[0][4]) for each in (payload, smaller))
    assert after.time_unix_nano == before.time_unix_nano
    names = [pair.key for pair in before.attributes]
    assert [pair.key for pair in after.attributes][: len(names)] == names
    if payload.size_bytes <= max_bytes:
        assert (smaller, truncated) == (payload, 0)
        return
    assert truncated == cut_texts(after) > 0
    is_cut = "...[truncated " in after.body.string_value
    assert ("content_trimmed" in warnings_of(after)) == is_cut
    assert ("attr_val_size_trimmed" in warnings_of(after)) == (truncated > is_cut)


def cut_texts(record: LogRecord) -> int:
    values = [record.body, *(pair.value for pair in record.attributes)]
    return sum("...[truncated " in value.string_value for value in values)


def shrunk_record(record: LogRecord, max_bytes: int) -> tuple[LogRecord, int]:
    """The record once its request is small enough, and how many of its texts were cut."""
    shrunk = shrink(payload_of(request_of(record)), max_bytes)
    assert shrunk is not None
    # Most of what may be used is.
    assert max_bytes - 1_100 < shrunk[0].size_bytes <= max_bytes
    return LogRecord.FromString(flat(decoded(shrunk[0]))[0][4]), shrunk[1]


def test_shrinking_cuts_the_content_first_and_no_more_than_it_must() -> None:
    payload = payload_of(request_of(log_record("x" * 10_000, long="y" * 5_000, short="z")))
    shrunk = shrink(payload, 9_000)
    assert shrunk is not None
    smaller, truncated = shrunk
    assert 8_850 < smaller.size_bytes <= 9_000
    record = LogRecord.FromString(flat(decoded(smaller))[0][4])
    assert [pair.value.string_value for pair in record.attributes[:2]] == ["y" * 5_000, "z"]
    assert (warnings_of(record), truncated) == (["content_trimmed"], 1)
    kept, _, missing = record.body.string_value.partition("...[truncated ")
    assert len(kept) + int(missing.removesuffix(" bytes]")) == 10_000


def warnings_of(record: LogRecord) -> list[str]:
    (found,) = (pair.value for pair in record.attributes if pair.key == "dt_otlp_logs.warnings")
    return [value.string_value for value in found.array_value.values]


IDENTITY = ("exception.type", "exception.message", "service.name", "dt.entity.host", "trace_id", "event.name")


def test_shrinking_cuts_ordinary_attributes_then_the_stack_trace_and_what_identifies_the_record_last() -> None:
    own = dict.fromkeys(IDENTITY, "i" * 30_000)
    record = log_record("boom", **own, **{"exception.stacktrace": "s" * 32_000}, a="y" * 2_000, b="z" * 2_000)
    identity = len(IDENTITY) * 30_000
    for max_bytes, cut in (
        (identity + 35_000, ["a", "b"]),
        (identity + 20_000, ["exception.stacktrace", "a", "b"]),
        (identity + 1_200, ["exception.stacktrace", "a", "b"]),
        (identity - 10_000, [IDENTITY[0], "exception.stacktrace", "a", "b"]),
    ):
        after, truncated = shrunk_record(record, max_bytes)
        values = {pair.key: pair.value.string_value for pair in after.attributes}
        assert [name for name in values if "...[truncated" in values[name]] == cut
        assert (after.body.string_value, truncated) == ("boom", len(cut))
        assert warnings_of(after) == ["attr_val_size_trimmed"]


def test_shrinking_keeps_the_beginning_of_every_text_as_long_as_that_is_enough() -> None:
    record = log_record("x" * 30_000, **{f"a{number}": "y" * 30_000 for number in range(20)})
    after, truncated = shrunk_record(record, 40_000)
    assert min(len(value) for value in texts(after)) == 1_024
    assert truncated == 21
    after, _ = shrunk_record(record, 4_000)
    # At the least a character, and how much is missing.
    assert all(value[0] in "xy" and "...[truncated 29" in value for value in texts(after))


def texts(record: LogRecord) -> list[str]:
    values = [record.body, *(pair.value for pair in record.attributes if pair.key != "dt_otlp_logs.warnings")]
    return [value.string_value for value in values]


def test_shrinking_says_so_beside_what_was_cut_before() -> None:
    record = log_record("x" * 10_000, long="y" * 5_000)
    warnings = record.attributes.add(key="dt_otlp_logs.warnings").value.array_value.values
    warnings.add(string_value="content_trimmed")
    warnings.add(string_value="attr_count_trimmed: 3")
    after, truncated = shrunk_record(record, 2_000)
    assert warnings_of(after) == ["content_trimmed", "attr_count_trimmed: 3", "attr_val_size_trimmed"]
    assert [pair.key for pair in after.attributes] == ["long", "dt_otlp_logs.warnings"]
    assert truncated == 2


def test_what_is_cut_twice_says_how_much_is_missing_in_all_and_counts_once() -> None:
    payload = payload_of(request_of(log_record("x" * 100_000)))
    first = shrink(payload, 50_000)
    assert first is not None
    second = shrink(first[0], 25_000)
    assert second is not None
    record = LogRecord.FromString(flat(decoded(second[0]))[0][4])
    kept, _, missing = record.body.string_value.partition("...[truncated ")
    assert len(kept) + int(missing.removesuffix(" bytes]")) == 100_000
    assert (first[1], second[1]) == (1, 0)


@pytest.mark.parametrize("kind", ["map", "list"])
@pytest.mark.parametrize("place", ["body", "attribute"])
def test_shrinking_makes_json_text_of_a_map_or_a_list_and_cuts_that(kind: str, place: str) -> None:
    record = log_record("x")
    value = record.body if place == "body" else record.attributes.add(key="found").value
    for number in range(1_000):
        if kind == "map":
            value.kvlist_value.values.append(attribute(f"key{number}", "value"))
        else:
            value.array_value.values.add(string_value=f"value{number}")
    after, truncated = shrunk_record(record, 4_000)
    text = after.body.string_value if place == "body" else after.attributes[0].value.string_value
    start = '{"key0":"value","key1":"value",' if kind == "map" else '["value0","value1",'
    assert text.startswith(start)
    assert text.endswith(" bytes]")
    assert truncated == 1


def test_a_resource_that_is_too_large_alone_cannot_be_shrunk() -> None:
    assert shrink(payload_of(request_of(log_record("x"), service="s" * 1_000)), 500) is None


def test_only_a_single_record_is_shrunk() -> None:
    with pytest.raises(ValueError, match="single record"):
        shrink(payload_of(request_of(log_record("a"), log_record("b"))), 10)


def test_a_record_over_the_limit_of_a_batch_travels_alone() -> None:
    request = request_of(*(log_record(text * 1_000) for text in ("a", "bbbbb", "c", "d")))
    payloads = pack(groups_of(request.SerializeToString()), PackLimits(request_bytes=2_500, record_bytes=6_000))
    assert [payload.records for payload in payloads] == [1, 1, 2]
    assert payloads[1].size_bytes > 5_000


def test_the_estimate_grows_with_what_the_server_copies_to_each_record() -> None:
    records = [log_record(str(number)) for number in range(100)]
    small, large = (payload_of(request_of(*records, service="s" * length)) for length in (10, 1_010))
    assert large.size_bytes - small.size_bytes < 1_100
    assert 100 * 1_000 <= large.expanded_bytes - small.expanded_bytes <= 100 * 1_010


def test_a_request_stays_below_16_mb_after_the_resource_was_copied_to_every_record() -> None:
    # 20 kB of resource for 2,000 records: 40 MB at the server, in a request of 80 kB.
    request = request_of(*(log_record(str(number)) for number in range(2_000)), service="s" * 20_000)
    payloads = pack(groups_of(request.SerializeToString()))
    assert sum(payload.records for payload in payloads) == 2_000
    for payload in payloads:
        copied = sum(
            len(resource) + len(scope) + len(record) for resource, _, scope, _, record in flat(decoded(payload))
        )
        assert copied < 15_000_000
    # Together again they would be over it, whatever their size on the way.
    assert fits(payloads) == 1
    assert sum(payload.size_bytes for payload in payloads) < 300_000


def test_a_request_has_at_most_50_000_records() -> None:
    request = request_of(*[LogRecord(time_unix_nano=NOW)] * 50_001)
    limits = PackLimits(request_bytes=10_000_000, expanded_bytes=100_000_000)
    payloads = pack(groups_of(request.SerializeToString()), limits)
    assert [payload.records for payload in payloads] == [50_000, 1]
    assert fits(payloads, limits) == 1


def test_fields_of_a_later_protocol_are_kept() -> None:
    unknown = b"\xfa\x07\x03abc"  # field 127, three bytes
    request = request_of(log_record("x"))
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    record.MergeFromString(unknown)
    request.resource_logs[0].scope_logs[0].MergeFromString(unknown)
    request.resource_logs[0].MergeFromString(unknown)
    assert decompress(payload_of(request)).count(unknown) == 3


@pytest.mark.parametrize("body", [b"", b"not gzip", zlib.compress(b"zlib, not gzip")])
def test_a_damaged_payload_is_a_value_error(body: bytes) -> None:
    damaged = Payload(body, 2, 10, NOW, 10)
    for action in (decompress, unpack, halve, lambda payload: drop_stale(payload, NOW)):
        with pytest.raises(ValueError, match="gzip"):
            action(damaged)


def test_a_truncated_payload_is_a_value_error() -> None:
    whole = payload_of(request_of(log_record("x")))
    with pytest.raises(ValueError, match="gzip"):
        decompress(Payload(whole.body[:-4], 1, 1, 1, 1))


@given(st.binary(max_size=200))
def test_noise_is_a_value_error_or_no_records_at_all(noise: bytes) -> None:
    try:
        groups_of(noise)
    except ValueError:
        pass
