"""The waiting room in front of the encoder."""

import threading

from dt_otlp_logs.delivery.staging import MOST_RECORDS, Staging


def test_batches_are_encoded_in_order_when_somebody_has_time() -> None:
    encoded: list[object] = []
    staging = Staging(encoded.extend)
    staging.add([1, 2])
    staging.add([3])
    assert (encoded, staging.records) == ([], 3)
    staging.encode_all()
    assert (encoded, staging.records) == ([1, 2, 3], 0)


def test_when_too_much_waits_the_caller_encodes_the_oldest_of_it() -> None:
    encoded: list[object] = []
    staging = Staging(encoded.append)
    staging.add(["first"] * 512)
    for _ in range(MOST_RECORDS // 512):
        staging.add(["later"] * 512)
        staging.make_room()
    assert encoded == [["first"] * 512]
    assert staging.records == MOST_RECORDS


def test_many_threads_lose_and_reorder_nothing_of_their_own() -> None:
    encoded: list[tuple[int, int]] = []
    staging = Staging(encoded.extend)

    def add(thread: int) -> None:
        for number in range(500):
            staging.add([(thread, number)] * 50)
            staging.make_room()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    staging.encode_all()
    assert len(encoded) == 4 * 500 * 50
    for thread in range(4):
        own = [number for owner, number in encoded if owner == thread]
        assert own == sorted(own)


def test_what_is_given_up_is_counted() -> None:
    staging = Staging(lambda _: None)
    staging.add([1, 2, 3])
    assert staging.give_up() == 3
    assert staging.give_up() == 0
