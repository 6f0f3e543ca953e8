"""Batches that wait to be encoded, so that whoever hands them over need not wait for the encoder."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

# The SDK's batch processor holds 2,048 records and drops the rest; a burst of 40,000 a second outruns a thread that
# encodes them between two hand-overs. So many more wait here, at about 3 kB each until they are encoded.
MOST_RECORDS = 16_384

# Encoding is pure computing: without a pause now and then it competes for the interpreter with the very thread that
# has to empty the SDK's queue.
_PAUSE_SECONDS = 0.001


class Staging:
    """A bounded waiting room in front of the encoder; the order of batches is kept."""

    def __init__(self, encode: Callable[[Sequence[Any]], None], sleep: Callable[[float], object] = time.sleep) -> None:
        """`encode` takes one batch and sees to all that follows; it is called by one thread at a time."""
        self._encode = encode
        self._sleep = sleep
        self._batches: deque[Sequence[Any]] = deque()
        self._records = 0
        self._lock = threading.Lock()
        self._encoding = threading.Lock()

    @property
    def records(self) -> int:
        """Records that are not encoded yet."""
        return self._records

    def add(self, batch: Sequence[Any]) -> None:
        """Let a batch wait."""
        with self._lock:
            self._batches.append(batch)
            self._records += len(batch)

    def make_room(self) -> None:
        """If too much waits, encode the oldest of it."""
        while self._records > MOST_RECORDS and self._encode_oldest():
            pass

    def encode_all(self) -> None:
        """Encode what waits, until nothing does."""
        while self._encode_oldest():
            if self._batches:
                self._sleep(_PAUSE_SECONDS)

    def give_up(self) -> int:
        """Forget what waits; answers how many records that is."""
        with self._lock:
            records, self._records = self._records, 0
            self._batches.clear()
            return records

    def _encode_oldest(self) -> bool:
        with self._encoding:
            with self._lock:
                if not self._batches:
                    return False
                batch = self._batches.popleft()
                self._records -= len(batch)
            self._encode(batch)
            return True
