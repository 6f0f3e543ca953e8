"""What the delivery loop does with each verdict: which records arrive, in which order, after which waits."""

import gzip
import random

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from doubles import ScriptedTransport, answer, loop_over, payload_of
from doubles.delivery import HOUR_NS, NOW_NS, Seen
from dt_otlp_logs.delivery.loop import IDLE
from dt_otlp_logs.delivery.transport import Response
from dt_otlp_logs.encoding.payload import PackLimits

OK = answer(200)


def delivered_ids(transport: ScriptedTransport, accepts: object = None) -> list[int]:
    return [number for request in transport.requests for number in request.ids]


def test_queued_payloads_go_as_one_request_in_order() -> None:
    harness = loop_over(lambda _: OK)
    harness.put(*(payload_of([n]) for n in range(100)))
    harness.run()
    assert harness.sent == [list(range(100))]
    assert harness.stats().delivered == 100


def test_a_request_stays_below_the_size_limit() -> None:
    harness = loop_over(lambda _: OK, max_request_bytes=10_000)
    harness.put(*(payload_of([n], size=3_000) for n in range(10)))
    harness.run()
    assert all(len(gzip.decompress(request.body)) <= 10_000 for request in harness.transport.requests)
    assert delivered_ids(harness.transport) == list(range(10))
    assert len(harness.transport.requests) == 4


def test_an_outage_loses_nothing_and_keeps_the_order() -> None:
    harness = loop_over(lambda seen: OK if seen.at >= 1020 else answer(503))
    harness.put(payload_of(range(5)))
    harness.step()
    harness.put(payload_of(range(5, 9)))
    harness.run()
    assert harness.sent[-1] == list(range(9))
    stats = harness.stats()
    assert (stats.delivered, stats.rejected, stats.dropped, stats.queued) == (9, 0, 0, 0)


def test_the_waits_of_an_outage_double_up_to_a_limit() -> None:
    harness = loop_over(lambda _: answer(503), fallback="never")
    harness.put(payload_of([1]))
    waits = []
    for _ in range(8):
        waits.append(harness.step())
        harness.clock.seconds += waits[-1]
    assert waits == [0.5, 1, 2, 4, 8, 15, 15, 15]


def test_retry_after_is_waited_for() -> None:
    harness = loop_over(lambda seen: OK if seen.at >= 1015 else answer(429, retry_after="15"))
    harness.put(payload_of([1]))
    assert harness.step() == 15.0
    harness.clock.seconds += 14.9
    harness.loop.try_now()
    assert 0 < harness.step() < 0.2, "a flush must not shorten what the server asked for"
    harness.clock.seconds += 0.1
    harness.run()
    assert len(harness.transport.requests) == 2
    assert harness.stats().delivered == 1


def test_a_flush_ends_a_wait_of_our_own() -> None:
    harness = loop_over(lambda seen: OK if seen.at > 1000 else answer(503))
    harness.put(payload_of([1]))
    harness.step()
    harness.clock.seconds += 0.01
    harness.loop.try_now()
    harness.step()
    assert harness.stats().delivered == 1


@pytest.mark.parametrize("poison", [0, 1, 777, 1998, 1999])
def test_one_unacceptable_record_in_two_thousand_costs_only_itself(poison: int) -> None:
    harness = loop_over(lambda seen: answer(400, "bad record") if poison in seen.ids else OK)
    harness.put(*(payload_of(range(start, start + 500)) for start in range(0, 2000, 500)))
    harness.run()
    stats = harness.stats()
    assert (stats.delivered, stats.rejected) == (1999, 1)
    assert stats.reasons == {"HTTP 400: bad record": 1}
    arrived = [n for request in harness.transport.requests if poison not in request.ids for n in request.ids]
    assert sorted(arrived) == [n for n in range(2000) if n != poison]
    # Halving 2,000 takes 11 levels of at most two requests; then one says what was lost.
    assert len(harness.transport.requests) <= 24


def test_many_poison_records_are_found_among_good_ones() -> None:
    poison = {3, 4, 5, 6, 7, 8, 9, 10, 11, 250, 499}
    harness = loop_over(lambda seen: answer(400, "bad") if poison & set(seen.ids) else OK)
    harness.put(payload_of(range(500)))
    harness.run()
    assert (harness.stats().delivered, harness.stats().rejected) == (489, 11)


def test_a_400_that_hits_everything_rejects_nothing_and_asks_little() -> None:
    harness = loop_over(lambda _: answer(400, "<html>bad gateway config</html>"))
    harness.put(*(payload_of(range(start, start + 500)) for start in range(0, 2000, 500)))
    harness.run(seconds=600)
    stats = harness.stats()
    assert (stats.queued, stats.rejected, stats.dropped) == (2000, 0, 0)
    assert stats.held_up
    # 11 halvings and five single records, then one question in half a minute.
    assert len(harness.transport.requests) <= 17 + 40


def test_when_such_a_route_is_mended_everything_arrives() -> None:
    harness = loop_over(lambda seen: answer(400, "no") if seen.at < 1100 else OK)
    harness.put(payload_of(range(1000)))
    harness.run()
    assert sorted(n for r in harness.transport.requests if r.at >= 1100 for n in r.ids) == list(range(1000))
    assert (harness.stats().delivered, harness.stats().rejected) == (1000, 0)


def test_a_single_refused_record_with_nothing_else_to_compare_is_judged_by_a_record_of_our_own() -> None:
    harness = loop_over(lambda seen: answer(400, "bad") if seen.ids else OK)
    harness.put(payload_of([1]))
    harness.run()
    assert harness.sent == [[1], []]
    assert (harness.stats().rejected, harness.stats().queued) == (1, 0)


def test_a_413_is_halved_until_each_part_fits() -> None:
    harness = loop_over(lambda seen: answer(413) if len(gzip.decompress(seen.body)) > 100_000 else OK)
    harness.put(*(payload_of(range(start, start + 100), size=2_000) for start in range(0, 1000, 100)))
    harness.run()
    assert harness.stats().delivered == 1000
    assert harness.stats().rejected == harness.stats().dropped == 0
    fitting = [r for r in harness.transport.requests if len(gzip.decompress(r.body)) <= 100_000]
    assert [n for request in fitting for n in request.ids] == list(range(1000))


def test_the_ceiling_learned_from_a_413_is_remembered_and_raised_again_slowly() -> None:
    harness = loop_over(lambda seen: answer(413) if len(gzip.decompress(seen.body)) > 100_000 else OK)
    harness.put(payload_of(range(100), size=2_000))
    harness.run()
    refused = len(harness.transport.requests)
    harness.put(*(payload_of(range(start, start + 100), size=2_000) for start in range(0, 1000, 100)))
    harness.run()
    again = harness.transport.requests[refused:]
    assert all(len(gzip.decompress(request.body)) <= 100_000 for request in again)
    harness.clock.seconds += 601
    harness.put(payload_of(range(100), size=2_000))
    harness.step()
    assert len(gzip.decompress(harness.transport.requests[-1].body)) > 100_000


def test_a_record_larger_than_any_request_is_shortened_and_says_so() -> None:
    harness = loop_over(lambda seen: answer(413) if len(gzip.decompress(seen.body)) > 50_000 else OK)
    harness.put(payload_of([1], size=1_000_000))
    harness.run()
    assert harness.stats().delivered == 1
    request = ExportLogsServiceRequest.FromString(gzip.decompress(harness.transport.requests[-1].body))
    assert "[truncated" in request.resource_logs[0].scope_logs[0].log_records[0].body.string_value
    assert harness.stats().truncated == 1


def test_a_record_that_is_refused_is_first_tried_at_the_size_of_a_request() -> None:
    # 2 MB is documented for OTLP logs, 10 MB for log ingest in general: what fits the first is not cut further.
    harness = loop_over(lambda seen: answer(413) if len(gzip.decompress(seen.body)) > 2_000_000 else OK)
    harness.put(payload_of([1], size=2_400_000))
    harness.run()
    sizes = [len(gzip.decompress(request.body)) for request in harness.transport.requests]
    assert len(sizes) == 2
    assert 1_990_000 < sizes[1] <= 2_000_000


def test_a_record_over_10_mb_is_shortened_before_it_is_sent() -> None:
    harness = loop_over(lambda _: OK)
    harness.put(payload_of([1], size=12_000_000), payload_of([2]))
    harness.run()
    sizes = [len(gzip.decompress(request.body)) for request in harness.transport.requests]
    assert 9_990_000 < max(sizes) <= 10_000_000
    assert (harness.stats().delivered, harness.stats().truncated) == (2, 1)


def test_a_server_that_finds_everything_too_large_loses_nothing_either() -> None:
    harness = loop_over(lambda seen: answer(413, "no") if seen.at < 1100 else OK)
    harness.put(payload_of(range(200), size=100))
    harness.run(seconds=90)
    assert (harness.stats().queued, harness.stats().rejected) == (200, 0)
    assert len(harness.transport.requests) < 30
    harness.run()
    assert harness.stats().delivered == 200


def test_a_record_that_is_too_large_however_short_is_rejected_when_others_pass() -> None:
    harness = loop_over(lambda seen: answer(413, "no") if 3 in seen.ids else OK)
    harness.put(payload_of(range(10), size=100))
    harness.run()
    assert (harness.stats().delivered, harness.stats().rejected) == (9, 1)


def test_a_probe_that_is_refused_costs_no_record_which_another_route_takes() -> None:
    """OTLP answers 400 to everything after an outage; JSON ingest works all along."""

    def script(seen: Seen) -> Response:
        if seen.url == OTLP:
            return answer(404) if seen.at < 1010 else answer(400, "not here")
        return answer(204)

    harness = loop_over(script)
    for second in range(0, 600, 2):
        harness.clock.seconds = max(harness.clock.seconds, 1000 + second)
        harness.put(payload_of([second, second + 1]))
        harness.run(seconds=2)
    stats = harness.stats()
    assert (stats.delivered, stats.rejected) == (600, 0)
    assert sum(url == OTLP for url in harness.urls) <= 12


def test_what_one_route_refused_before_it_died_another_may_take() -> None:
    first, second = "https://a:9999/e/x1", "https://b:9999/e/x1"
    seen_by_a = []

    def script(seen: Seen) -> Response:
        if seen.url.startswith(first):
            seen_by_a.append(seen)
            return answer(400, "no") if len(seen_by_a) == 1 else answer(None)
        return OK

    harness = loop_over(script, endpoint=f"{first},{second}")
    harness.put(payload_of([1]))
    harness.run()
    assert (harness.stats().delivered, harness.stats().rejected) == (1, 0)


def test_a_long_retry_after_of_one_endpoint_does_not_keep_the_next_from_taking_over() -> None:
    first, second = "https://a:9999/e/x1", "https://b:9999/e/x1"
    harness = loop_over(
        lambda seen: answer(503, retry_after="600") if seen.url.startswith(first) else OK,
        endpoint=f"{first},{second}",
    )
    harness.put(payload_of([1]))
    harness.run()
    assert harness.stats().delivered == 1
    assert harness.clock.seconds <= 1070
    asked = [request.at for request in harness.transport.requests if request.url == f"{first}/api/v2/otlp/v1/logs"]
    assert len(asked) == 1, "its own wish is kept to all the same"


def test_records_under_a_refused_scope_do_not_keep_others_from_arriving() -> None:
    harness = loop_over(
        lambda seen: answer(400, "bad scope") if any(n < 50 for n in seen.ids) else OK, fallback="never"
    )
    harness.put(payload_of(range(50)), payload_of(range(50, 150)))
    harness.run()
    assert (harness.stats().delivered, harness.stats().rejected) == (100, 50)
    questions = [request for request in harness.transport.requests if not request.ids]
    assert len(questions) <= 6, "each question that finds the records guilty makes the next one rarer"


def test_stale_records_without_a_time_do_not_keep_the_loop_busy() -> None:
    harness = loop_over(lambda _: OK, stale="drop")
    timeless = payload_of([1])
    harness.put(type(timeless)(timeless.body, 1, timeless.size_bytes, 0, timeless.expanded_bytes))
    harness.run()
    assert harness.stats().delivered == 1


def test_one_damaged_payload_costs_none_of_those_it_was_merged_with() -> None:
    good = [payload_of([n]) for n in range(5)]
    damaged = type(good[0])(b"not gzip", 1, 100, good[0].oldest_unix_nano, 200)
    harness = loop_over(lambda _: OK, compression="none")
    harness.put(*good[:2], damaged, *good[2:])
    harness.run()
    assert (harness.stats().delivered, harness.stats().dropped) == (5, 1)


def test_a_meter_that_raises_makes_nothing_arrive_twice() -> None:
    harness = loop_over(lambda _: OK)

    def broken(_seconds: float, _exchange: object) -> None:
        raise RuntimeError("no meter")

    harness.loop._on_exchange = broken
    harness.put(payload_of([1]))
    harness.run()
    assert harness.sent == [[1]]
    assert harness.stats().delivered == 1


def test_when_everything_was_dropped_nothing_is_held_up_any_more() -> None:
    harness = loop_over(lambda seen: answer(503) if seen.at < 1001 else answer(400, "bad") if seen.ids else OK)
    harness.put(payload_of([1]))
    harness.run()
    assert harness.stats().rejected == 1
    assert harness.stats().held_up is None


def test_a_refused_token_loses_nothing_and_is_tried_again_slowly() -> None:
    harness = loop_over(lambda seen: OK if seen.at >= 1060 else answer(401, "Token Authentication failed"))
    harness.put(payload_of(range(10)))
    harness.run()
    assert harness.stats().delivered == 10
    assert len(harness.transport.requests) <= 8
    assert any("the token dt0c01.PUBLICPARTPUBLICPARTPUB1 from api_token in code" in line for line in harness.said)
    assert not any("S" * 10 in line for line in harness.said)


def test_a_token_file_put_right_ends_the_wait_at_once(tmp_path) -> None:
    file = tmp_path / "token"
    file.write_text("dt0c01.WRONG.AAAA")
    harness = loop_over(
        lambda seen: OK if "RIGHT" in seen.headers["authorization"] else answer(401),
        api_token=None,
        api_token_file=str(file),
    )
    harness.put(payload_of([1]))
    harness.step()
    assert 0 < harness.step() <= 1.0
    file.write_text("dt0c01.RIGHT.BBBB")
    harness.clock.seconds += 1.0
    harness.step()
    assert harness.stats().delivered == 1


def test_a_token_file_that_has_gone_is_part_of_what_is_said(tmp_path) -> None:
    file = tmp_path / "token"
    file.write_text("dt0c01.OLD.AAAA")
    harness = loop_over(lambda _: answer(401), api_token=None, api_token_file=str(file))
    file.unlink()
    harness.put(payload_of([1]))
    harness.step()
    assert "dt0c01.OLD from file" in harness.said[0]
    assert "which cannot be read: No such file" in harness.said[0]


@pytest.mark.parametrize("response", [answer(302, location="https://login"), answer(200, "<html>login</html>")])
def test_a_login_page_is_no_success(response: Response) -> None:
    harness = loop_over(lambda _: response)
    harness.put(payload_of(range(10)))
    harness.run(seconds=120)
    stats = harness.stats()
    assert (stats.delivered, stats.rejected, stats.queued) == (0, 0, 10)


def test_a_partial_success_is_counted_and_not_sent_again() -> None:
    body = ExportLogsServiceResponse()
    body.partial_success.rejected_log_records = 3
    body.partial_success.error_message = "too old"
    harness = loop_over(lambda _: answer(200, body.SerializeToString()))
    harness.put(payload_of(range(10)))
    harness.run()
    assert harness.sent == [list(range(10)), []]
    assert (harness.stats().delivered, harness.stats().rejected) == (7, 3)
    assert list(harness.stats().reasons) == ["refused by Dynatrace in a partial success: too old"]


OTLP, JSON = (f"https://abc12345.live.dynatrace.com/api/v2/{path}" for path in ("otlp/v1/logs", "logs/ingest"))


@pytest.mark.parametrize("status", [404, 405, 415, 501])
def test_json_ingest_takes_over_where_otlp_is_not_served(status: int) -> None:
    harness = loop_over(lambda seen: answer(status) if seen.url == OTLP else answer(204))
    harness.put(payload_of(range(10)))
    harness.run()
    assert harness.urls == [OTLP, JSON]
    assert harness.transport.requests[1].ids == list(range(10))
    assert harness.stats().delivered == 10
    harness.put(payload_of([11]))
    harness.run()
    assert harness.urls[-1] == JSON, "what was learned is remembered"


def test_otlp_is_probed_again_with_real_data_and_taken_back() -> None:
    harness = loop_over(lambda seen: answer(404) if seen.url == OTLP and seen.at < 1050 else answer(200))
    harness.put(payload_of([1]))
    harness.run()
    harness.clock.seconds += 61
    harness.put(payload_of([2]))
    harness.run()
    harness.put(payload_of([3]))
    harness.run()
    assert harness.urls == [OTLP, JSON, OTLP, OTLP]
    assert harness.stats().delivered == 3


def test_without_fallback_a_missing_otlp_route_holds_everything() -> None:
    harness = loop_over(lambda _: answer(404), fallback="never")
    harness.put(payload_of(range(10)))
    harness.run(seconds=300)
    assert set(harness.urls) == {OTLP}
    assert harness.stats().queued == 10
    assert any(OTLP in line and "should look like" in line for line in harness.said)


def test_json_only_uses_no_otlp() -> None:
    harness = loop_over(lambda _: answer(204), fallback="json-only")
    harness.put(payload_of([1]))
    harness.run()
    assert harness.urls == [JSON]


def test_the_second_endpoint_takes_over_when_the_first_is_dead_and_gives_back() -> None:
    first, second = "https://a:9999/e/abc12345", "https://b:9999/e/abc12345"

    def script(seen: Seen) -> Response:
        return answer(None) if seen.url.startswith("https://a") and seen.at < 1200 else OK

    harness = loop_over(script, endpoint=f"{first},{second}")
    harness.put(payload_of([1]))
    harness.run()
    assert harness.urls[-1].startswith(second)
    assert harness.clock.seconds == 1000, "an address that never answered is not waited for"
    # The first endpoint's JSON route is as dead as its OTLP route: it is not tried.
    assert not any(url.endswith("logs/ingest") for url in harness.urls)
    harness.clock.seconds = 1300
    harness.put(payload_of([2]))
    harness.run()
    assert harness.urls[-1].startswith(first)
    assert harness.stats().delivered == 2


def test_an_endpoint_that_has_worked_is_given_some_time_before_the_next_takes_over() -> None:
    def script(seen: Seen) -> Response:
        return answer(None) if seen.url.startswith("https://a") and seen.at > 1010 else OK

    harness = loop_over(script, endpoint="https://a:9999/e/x1,https://b:9999/e/x1")
    harness.put(payload_of([1]))
    harness.run()
    harness.clock.seconds = 1020
    harness.put(payload_of([2]))
    harness.run()
    assert harness.urls[0].startswith("https://a")
    assert harness.urls[-1].startswith("https://b")
    assert 1050 <= harness.clock.seconds <= 1080
    assert harness.stats().delivered == 2


def test_when_everything_is_dead_all_endpoints_go_on_being_tried() -> None:
    harness = loop_over(
        lambda seen: OK if seen.at > 1600 and seen.url.startswith("https://a") else answer(None),
        endpoint="https://a:9999/e/x1,https://b:9999/e/x1",
    )
    harness.put(payload_of([1]))
    harness.run()
    assert harness.stats().delivered == 1
    assert harness.clock.seconds < 1700


def test_a_refused_token_does_not_lead_to_the_same_endpoints_other_form() -> None:
    harness = loop_over(lambda _: answer(403))
    harness.put(payload_of([1]))
    harness.run(seconds=300)
    assert set(harness.urls) == {OTLP}


def test_stale_records_are_restamped_and_keep_their_time_in_an_attribute() -> None:
    harness = loop_over(lambda _: OK)
    harness.put(payload_of([1], age_ns=25 * HOUR_NS), payload_of([2]))
    harness.run()
    request = ExportLogsServiceRequest.FromString(gzip.decompress(harness.transport.requests[0].body))
    scopes = [scope for resource in request.resource_logs for scope in resource.scope_logs]
    old, new = (record for scope in scopes for record in scope.log_records)
    assert old.time_unix_nano == NOW_NS
    assert [(a.key, a.value.string_value[:10]) for a in old.attributes] == [("log.original_timestamp", "2026-11-17")]
    assert new.time_unix_nano == NOW_NS
    assert not new.attributes
    assert harness.stats().delivered == 2


def test_stale_records_are_dropped_and_counted_if_so_configured() -> None:
    harness = loop_over(lambda _: OK, stale="drop")
    harness.put(payload_of([1], age_ns=25 * HOUR_NS), payload_of([2]))
    harness.run()
    assert delivered_ids(harness.transport) == [2]
    assert (harness.stats().delivered, harness.stats().dropped) == (1, 1)


def test_records_that_became_stale_while_waiting_are_restamped_before_they_are_sent() -> None:
    harness = loop_over(lambda seen: answer(503) if seen.at < 1000 + 25 * 3600 else OK)
    harness.put(payload_of([1]))
    harness.step()
    harness.clock.seconds += 26 * 3600
    harness.run()
    request = ExportLogsServiceRequest.FromString(gzip.decompress(harness.transport.requests[-1].body))
    assert request.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano == harness.clock.time_ns()


@pytest.mark.parametrize(("when_full", "kept"), [("drop_oldest", [2, 3]), ("drop_newest", [1, 2])])
def test_a_full_queue_drops_from_the_end_that_was_chosen_and_counts(when_full: str, kept: list[int]) -> None:
    room_for_two = 2 * (len(payload_of([1]).body) + 400) + 100
    harness = loop_over(lambda _: OK, queue_max_bytes=room_for_two, queue_full=when_full)
    harness.put(payload_of([1]), payload_of([2]), payload_of([3]))
    harness.run()
    assert delivered_ids(harness.transport) == kept
    assert (harness.stats().delivered, harness.stats().dropped) == (2, 1)


def test_what_is_on_its_way_does_not_give_way_to_new_records() -> None:
    harness = loop_over(lambda _: OK, queue_max_bytes=10)
    arrived = []

    def script(seen: Seen) -> Response:
        if not arrived:
            arrived.append(seen.ids)
            harness.put(payload_of([2]), payload_of([3]))
        return OK

    harness.transport.script = script
    harness.put(payload_of([1]))
    harness.run()
    assert harness.sent == [[1], [3]]
    assert (harness.stats().delivered, harness.stats().dropped) == (2, 1)


def test_a_fault_of_our_own_costs_one_payload_after_some_tries_and_says_so() -> None:
    damaged = payload_of([1])
    damaged = type(damaged)(b"not gzip", 1, 100, damaged.oldest_unix_nano, 200)
    harness = loop_over(lambda _: OK, compression="none")
    harness.put(damaged)
    harness.run()
    harness.put(payload_of([2]))
    harness.run()
    assert (harness.stats().delivered, harness.stats().dropped) == (1, 1)
    assert any("internal error" in line for line in harness.said)


def test_a_closed_loop_answers_how_much_was_waiting_and_sends_no_more() -> None:
    harness = loop_over(lambda _: OK)
    harness.put(payload_of(range(10)))
    assert harness.loop.close() == 10
    assert harness.loop.step(1.0) == IDLE
    assert not harness.transport.requests


def test_an_answer_that_comes_after_the_end_changes_nothing() -> None:
    harness = loop_over(lambda _: OK)

    def script(_: Seen) -> Response:
        harness.ledger.drop(harness.loop.close(), "shutdown", "shutdown")
        return OK

    harness.transport.script = script
    harness.put(payload_of(range(10)))
    harness.step()
    assert (harness.stats().delivered, harness.stats().dropped) == (0, 10)


def test_delivery_that_stops_and_goes_on_is_said_in_two_lines() -> None:
    harness = loop_over(lambda seen: OK if seen.at >= 1020 else answer(503, "Usable space limit reached"))
    harness.put(payload_of(range(10)))
    harness.run()
    assert len(harness.said) == 2
    assert "held up" in harness.said[0]
    assert "Usable space limit reached. 10 records held" in harness.said[0]
    assert "10 records arrived late, after 3" in harness.said[1]


def test_a_long_outage_is_repeated_once_a_minute() -> None:
    harness = loop_over(lambda _: answer(503))
    harness.put(payload_of([1]))
    harness.run(seconds=600)
    assert 10 <= len(harness.said) <= 12


def test_the_number_of_records_in_one_request_is_bounded() -> None:
    harness = loop_over(lambda _: OK, limits=PackLimits(records=50))
    harness.put(*(payload_of(range(n, n + 20)) for n in range(0, 200, 20)))
    harness.run()
    assert all(len(ids) <= 50 for ids in harness.sent)
    assert delivered_ids(harness.transport) == list(range(200))


def test_after_a_loss_dynatrace_is_told_once_how_much_and_why() -> None:
    harness = loop_over(lambda seen: answer(400, "bad") if {3, 5} & set(seen.ids) else OK)
    harness.put(payload_of(range(10)))
    harness.run()
    (report,) = (request for request in harness.transport.requests if not request.ids)
    message = ExportLogsServiceRequest.FromString(gzip.decompress(report.body))
    record = message.resource_logs[0].scope_logs[0].log_records[0]
    assert (record.severity_text, record.severity_number) == ("WARN", 13)
    assert record.body.string_value == "dt-otlp-logs: 2 log records were lost in the last 1 s (2: HTTP 400: bad)"
    assert harness.transport.requests[-1] is report, "after everything else has been delivered"


def test_reports_of_losses_are_at_most_one_a_minute() -> None:
    harness = loop_over(lambda seen: answer(400, "bad") if any(n % 2 for n in seen.ids) else OK)
    for second in range(120):
        harness.clock.seconds = 1000 + second
        harness.put(payload_of([2 * second, 2 * second + 1]))
        harness.run(seconds=1)
    reports = [request for request in harness.transport.requests if not request.ids]
    assert 2 <= len(reports) <= 3
    assert harness.stats().rejected == 120


def test_a_report_that_fails_stops_nothing() -> None:
    harness = loop_over(lambda seen: answer(400) if 3 in seen.ids else (OK if seen.ids else answer(503)))
    harness.put(payload_of(range(10)))
    harness.run()
    harness.put(payload_of([10]))
    harness.run()
    assert (harness.stats().delivered, harness.stats().rejected) == (10, 1)
    assert harness.stats().held_up is None


def test_a_token_of_any_shape_that_a_server_quotes_is_shown_nowhere() -> None:
    secret = "opaque-secret-without-a-known-prefix"
    harness = loop_over(lambda seen: answer(400, f"bad {secret}") if 3 in seen.ids else OK, api_token=secret)
    harness.put(payload_of(range(10)))
    harness.run()
    assert harness.stats().rejected == 1
    assert secret not in repr(harness.stats().reasons) + repr(harness.said)
    assert not any(secret.encode() in gzip.decompress(request.body) for request in harness.transport.requests)


@pytest.mark.parametrize("status", [500, 403])
@pytest.mark.parametrize("where", [0, 137, 299])
def test_a_record_that_the_server_always_fails_on_does_not_keep_others_waiting(status: int, where: int) -> None:
    harness = loop_over(lambda seen: answer(status) if where in seen.ids else OK, fallback="never")
    harness.put(payload_of(range(300)))
    for later in range(300, 306):
        harness.run(seconds=300)
        harness.put(payload_of([later]))
    harness.run()
    stats = harness.stats()
    assert (stats.delivered, stats.rejected, stats.queued) == (305, 1, 0)
    assert list(stats.reasons) == [f"HTTP {status}, again and again while other records were accepted"]
    arrived = [n for request in harness.transport.requests if where not in request.ids for n in request.ids]
    assert sorted(arrived) == [n for n in range(306) if n != where]


@pytest.mark.parametrize("status", [500, 403])
def test_a_long_outage_of_such_answers_costs_no_record(status: int) -> None:
    harness = loop_over(lambda seen: answer(status) if seen.at < 1000 + 3600 else OK, fallback="never")
    harness.put(*(payload_of(range(n, n + 50)) for n in range(0, 300, 50)))
    harness.run(seconds=7200, most_requests=2000)
    stats = harness.stats()
    assert (stats.delivered, stats.rejected, stats.dropped, stats.queued) == (300, 0, 0, 0)
    arrived = [n for request in harness.transport.requests if request.at >= 4600 for n in request.ids]
    assert sorted(arrived) == list(range(300))


def test_a_server_that_fails_on_most_of_what_it_gets_costs_no_record() -> None:
    chance = random.Random(3)
    harness = loop_over(lambda _: answer(500) if chance.random() < 0.9 else OK, fallback="never")
    for start in range(0, 2000, 20):
        harness.put(payload_of(range(start, start + 20)))
        harness.run(seconds=30, most_requests=100_000)
    harness.run(seconds=100_000, most_requests=100_000)
    assert (harness.stats().delivered, harness.stats().rejected) == (2000, 0)


@pytest.mark.parametrize("then", [413, 400])
def test_a_route_that_was_left_in_vain_may_still_split_and_isolate(then: int) -> None:
    """JSON alone, and one 404 at the beginning: there is no other route, so its refusals are about the records."""

    def script(seen: Seen) -> Response:
        if seen.at < 1001:
            return answer(404)
        return answer(then) if 7 in seen.ids and (then == 400 or len(seen.ids) > 2) else answer(204)

    harness = loop_over(script, fallback="json-only")
    harness.put(payload_of(range(100)))
    harness.run()
    assert harness.stats().delivered == (99 if then == 400 else 100)
    assert harness.stats().queued == 0


def test_the_route_in_use_goes_on_while_another_ones_retry_after_lasts() -> None:
    first, second = "https://a:9999/e/x1", "https://b:9999/e/x1"
    harness = loop_over(
        lambda seen: answer(503, retry_after="600") if seen.url.startswith(first) else OK,
        endpoint=f"{first},{second}",
    )
    arrived = []
    for minute in range(9):
        harness.clock.seconds = max(harness.clock.seconds, 1000 + 60 * minute)
        harness.put(payload_of([minute]))
        harness.run(seconds=59)
        arrived.append(harness.stats().delivered)
    assert arrived == list(range(1, 10)), "each minute's record arrives in its minute"


def test_a_server_that_asks_for_a_minute_gets_it_in_every_form() -> None:
    harness = loop_over(lambda seen: answer(503, retry_after="60") if seen.at < 1060 else OK)
    harness.put(payload_of([1]))
    harness.run()
    assert [request.at for request in harness.transport.requests] == [1000, 1060]
    assert harness.stats().delivered == 1
