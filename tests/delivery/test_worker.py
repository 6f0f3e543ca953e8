"""The worker: its thread, flush, shutdown and fork, over the real loop and a scripted transport."""

import os
import threading
import time
from collections.abc import Callable

import pytest

from doubles import ScriptedTransport, answer, payload_of
from doubles.delivery import TOKEN, FakeClock, Seen
from dt_otlp_logs.config import Config, load_config
from dt_otlp_logs.delivery.assembly import delivery_worker
from dt_otlp_logs.delivery.ledger import Changes
from dt_otlp_logs.delivery.transport import Response
from dt_otlp_logs.delivery.worker import DeliveryWorker
from dt_otlp_logs.diagnostics import Diagnostics


class Made:
    def __init__(self, script: Callable[[Seen], Response], encode=None, **settings: object) -> None:
        config = load_config({"endpoint": "https://abc12345.live.dynatrace.com", "api_token": TOKEN, **settings}, {})
        self.said: list[str] = []
        self.transports: list[ScriptedTransport] = []

        def transport(_: Config) -> ScriptedTransport:
            self.transports.append(ScriptedTransport(script, FakeClock()))
            return self.transports[-1]

        self.worker: DeliveryWorker = delivery_worker(
            config, Diagnostics(self.said.append), make_transport=transport, random_number=lambda: 0.0, encode=encode
        )


def threads() -> set[int | None]:
    return {thread.ident for thread in threading.enumerate() if thread.name == "dt-otlp-logs-delivery"}


def test_no_thread_runs_before_the_first_payload() -> None:
    before = threads()
    made = Made(lambda _: answer(200))
    assert threads() <= before  # those of other tests may be ending
    assert made.worker.wait_settled(0.1, even_if_held_up=True)
    assert made.worker.shutdown(1.0)
    assert threads() <= before


def test_what_is_accepted_is_delivered() -> None:
    made = Made(lambda _: answer(200))
    assert made.worker.accept([payload_of(range(5)), payload_of(range(5, 9))])
    assert made.worker.wait_settled(5.0, even_if_held_up=True)
    assert made.worker.stats().delivered == 9
    made.worker.shutdown(1.0)


def test_waiting_ends_when_an_outage_is_known() -> None:
    made = Made(lambda _: answer(503))
    made.worker.accept([payload_of([1])])
    assert not made.worker.wait_settled(30.0, even_if_held_up=False)
    assert made.worker.stats().held_up
    made.worker.shutdown(0.0)


def test_a_flush_against_a_silent_server_keeps_its_timeout() -> None:
    release = threading.Event()

    def silent(_: Seen) -> Response:
        release.wait(20)
        return answer(None)

    made = Made(silent)
    made.worker.accept([payload_of([1])])
    started = time.monotonic()
    assert not made.worker.wait_settled(0.1, even_if_held_up=True)
    assert not made.worker.shutdown(0.1)
    # The server stays silent for 20 s: whoever waited for it would need that long.
    assert time.monotonic() - started < 10.0
    stats = made.worker.stats()
    assert (stats.dropped, stats.queued) == (1, 0)
    release.set()


def test_a_flush_goes_on_trying_while_it_lasts() -> None:
    put_right = threading.Event()

    def server(_: Seen) -> Response:
        if put_right.is_set():
            return answer(200)
        threading.Timer(0.1, put_right.set).start()
        return answer(401, "expired")  # what a person must put right is asked for every 5 s at the most

    made = Made(server)
    made.worker.accept([payload_of([1])])
    assert made.worker.wait_settled(4.0, even_if_held_up=True)
    assert made.worker.stats().delivered == 1
    made.worker.shutdown(0.0)


def test_what_is_on_its_way_at_the_end_is_said_to_be_possibly_delivered() -> None:
    release = threading.Event()

    def silent(_: Seen) -> Response:
        release.wait(20)
        return answer(None)

    made = Made(silent)
    made.worker.accept([payload_of(range(3))])
    while not made.transports[0].requests:
        time.sleep(0.01)
    made.worker.accept([payload_of(range(3, 5))])
    assert not made.worker.shutdown(0.1)
    release.set()
    on_its_way, waiting = made.worker.stats().reasons.items()
    assert "may have arrived" in on_its_way[0]
    assert "https://abc12345.live.dynatrace.com/api/v2/otlp/v1/logs" in on_its_way[0]
    assert (on_its_way[1], waiting[1]) == (3, 2)


def test_shutdown_drops_and_counts_what_could_not_be_delivered_and_says_why() -> None:
    made = Made(lambda _: answer(503, "busy"))
    made.worker.accept([payload_of(range(7))])
    assert not made.worker.shutdown(0.3)
    stats = made.worker.stats()
    assert (stats.accepted, stats.dropped, stats.queued) == (7, 7, 0)
    (reason,) = stats.reasons
    assert "SHUTDOWN_TIMEOUT" in reason
    assert "HTTP 503: busy" in reason
    assert any("7 records lost" in line for line in made.said)


def test_shutdown_uses_its_time_to_deliver() -> None:
    calls = []

    def script(_: Seen) -> Response:
        calls.append(1)
        return answer(503) if len(calls) < 3 else answer(200)

    made = Made(script)
    made.worker.accept([payload_of(range(7))])
    assert made.worker.shutdown(10.0)
    assert made.worker.stats().delivered == 7


def test_after_shutdown_records_are_counted_as_dropped() -> None:
    made = Made(lambda _: answer(200))
    made.worker.shutdown(1.0)
    assert not made.worker.accept([payload_of(range(3))])
    stats = made.worker.stats()
    assert stats.reasons == {"logged after shutdown": 3}


def test_a_second_shutdown_does_nothing() -> None:
    made = Made(lambda _: answer(200))
    made.worker.accept([payload_of([1])])
    assert made.worker.shutdown(5.0)
    assert made.worker.shutdown(5.0)
    assert made.worker.stats().delivered == 1


def test_draining_leaves_the_worker_open_and_starts_the_budget() -> None:
    made = Made(lambda _: answer(200), shutdown_timeout_seconds=1.0)
    made.worker.accept([payload_of([1])])
    assert made.worker.drain()
    assert made.worker.accept([payload_of([2])])
    assert made.worker.shutdown(None)
    assert made.worker.stats().delivered == 2


def test_delivery_goes_on_in_the_callers_thread_when_no_thread_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    made = Made(lambda _: answer(200))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    made.worker.accept([payload_of(range(3))])
    assert made.worker.shutdown(5.0)
    assert made.worker.stats().delivered == 3


def test_payloads_put_from_many_threads_all_arrive() -> None:
    made = Made(lambda _: answer(200))

    def put(start: int) -> None:
        for number in range(start, start + 50):
            made.worker.accept([payload_of([number])])

    putters = [threading.Thread(target=put, args=(start,)) for start in range(0, 400, 50)]
    for thread in putters:
        thread.start()
    for thread in putters:
        thread.join()
    assert made.worker.wait_settled(10.0, even_if_held_up=True)
    arrived = [number for request in made.transports[0].requests for number in request.ids]
    assert sorted(arrived) == list(range(400))
    made.worker.shutdown(1.0)


def test_a_flush_is_not_true_while_an_older_record_waits_aside() -> None:
    made = Made(lambda seen: answer(500) if 0 in seen.ids else answer(200), fallback="never")
    made.worker.loop._stuck._failures = 100  # as after half a minute of failures
    made.worker.accept([payload_of([0]), payload_of([1])])
    made.worker.accept([payload_of([2]), payload_of([3])])
    deadline = time.monotonic() + 30
    while made.worker.stats().delivered < 3 and time.monotonic() < deadline:
        made.worker.loop.try_now()
        made.worker.wait_settled(0.05, even_if_held_up=True)
    assert made.worker.stats().delivered == 3
    assert made.worker.stats().queued == 1
    assert not made.worker.wait_settled(0.05, even_if_held_up=True)
    made.worker.shutdown(0)


def test_a_batch_that_is_being_encoded_when_the_end_comes_is_counted() -> None:
    encoding, go_on = threading.Event(), threading.Event()

    def encode(batch):
        encoding.set()
        go_on.wait(10)
        return [payload_of(range(len(batch)))], Changes()

    made = Made(lambda _: answer(200), encode=encode)
    made.worker.stage(["a", "b", "c"])
    encoding.wait(10)
    made.worker.shutdown(0.0)
    go_on.set()
    while made.worker.stats().queued:
        time.sleep(0.01)
    assert made.worker.stats().lost_by_kind == {"shutdown": 3}


def test_a_batch_that_cannot_be_encoded_is_counted_and_the_next_one_delivered() -> None:
    def encode(batch):
        if batch == ["bad"]:
            raise RuntimeError("no")
        return [payload_of(range(len(batch)))], Changes()

    made = Made(lambda _: answer(200), encode=encode)
    made.worker.stage(["bad"])
    made.worker.stage(["good", "good"])
    assert made.worker.wait_settled(5.0, even_if_held_up=True)
    stats = made.worker.stats()
    assert (stats.delivered, stats.lost_by_kind) == (2, {"internal_error": 1})
    made.worker.shutdown(1.0)


def test_a_flush_delivers_in_the_callers_thread_when_no_thread_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    made = Made(lambda _: answer(200))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    made.worker.accept([payload_of(range(3))])
    assert made.worker.wait_settled(5.0, even_if_held_up=False)
    assert made.worker.stats().delivered == 3


def test_a_server_that_comes_back_within_the_shutdown_budget_is_not_missed() -> None:
    calls = []

    def script(_: Seen) -> Response:
        calls.append(time.monotonic())
        return answer(503) if len(calls) < 8 else answer(200)

    made = Made(script)
    made.worker.accept([payload_of(range(7))])
    # With doubling waits the eighth attempt would come after half a minute.
    assert made.worker.shutdown(None)
    assert made.worker.stats().delivered == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_starts_empty_with_connections_of_its_own() -> None:
    release = threading.Event()

    def script(_: Seen) -> Response:
        release.wait(10)
        return answer(200)

    made = Made(script)
    made.worker.accept([payload_of([1])])
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        release.set()
        stats = made.worker.stats()
        made.worker.accept([payload_of([2])])
        delivered = made.worker.shutdown(5.0)
        ids = [number for request in made.transports[-1].requests for number in request.ids]
        os.write(write, f"{len(made.transports)} {stats.accepted} {stats.queued} {delivered} {ids}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100).decode() == "2 0 0 True [2]"
    release.set()
    assert made.worker.shutdown(5.0)
    assert made.worker.stats().delivered == 1
