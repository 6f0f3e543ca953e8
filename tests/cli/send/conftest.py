"""An exporter, a clock and signals that obey the test, and `send` run with them in this process."""

import argparse
import io
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord

from dt_otlp_logs.cli import send
from dt_otlp_logs.cli.stop_signals import StopSignals
from dt_otlp_logs.delivery.ledger import DeliveryStats

NOW_SECONDS = 1_764_100_000  # 2025-11-25T19:46:40Z


class FakeClock:
    """Time that passes when something waits, and a nanosecond at each look at the date."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return NOW_SECONDS * 10**9 + int(self.now * 1e9)

    def sleep(self, seconds: float) -> bool:
        self.now += seconds
        return False


@dataclass
class FakeExporter:
    """Delivers what `fate` says: a word for each record, `delivered`, `rejected`, `dropped` or `queued`."""

    fate: Callable[[ReadableLogRecord], str] = lambda _: "delivered"
    held_up: str | None = None
    batches: list[list[ReadableLogRecord]] = field(default_factory=list)
    waiting: deque[ReadableLogRecord] = field(default_factory=deque)
    settled: Counter[str] = field(default_factory=Counter)
    closed: bool = False

    @property
    def records(self) -> list[ReadableLogRecord]:
        return [record for batch in self.batches for record in batch]

    @property
    def contents(self) -> list[str]:
        return [str(record.log_record.body) for record in self.records]

    def enqueue(self, batch: Sequence[ReadableLogRecord], /) -> object:
        assert not self.closed
        self.batches.append(list(batch))
        self.waiting.extend(batch)
        return None

    def stats(self) -> DeliveryStats:
        self._settle()
        queued = {"queued": len(self.waiting)} if not self.closed else {"dropped": len(self.waiting)}
        counts = Counter(self.settled) + Counter(queued)
        return DeliveryStats(
            accepted=sum(counts.values()),
            **counts,
            reasons={f"{word} by the test": counts[word] for word in ("rejected", "dropped") if counts[word]},
            held_up=self.held_up,
        )

    def _settle(self) -> None:
        """In order, as the delivery loop does: what is queued keeps the others behind it waiting."""
        while self.waiting and (fate := self.fate(self.waiting[0])) != "queued":
            self.waiting.popleft()
            self.settled[fate] += 1

    def shutdown(self, timeout_millis: int, /) -> object:
        self.closed = True
        return None


class ScriptedSignals(StopSignals):
    """Each wait performs the next step; after the last one the user has pressed Ctrl-C."""

    def __init__(self, clock: FakeClock, steps: Iterator[Callable[[], object]] | None = None) -> None:
        super().__init__()
        self._clock = clock
        self._steps = steps

    def press_ctrl_c(self) -> None:
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        if seconds > 0 and self._steps is not None:
            self._clock.sleep(seconds)
            step = next(self._steps, None)
            if step is None:
                self._stop.set()
            else:
                step()
        return self._stop.is_set()

    def wait_even_if_stopped(self, seconds: float) -> bool:
        return self._clock.sleep(seconds)


@dataclass
class Sent:
    """What a run of `send` left behind."""

    exporter: FakeExporter
    clock: FakeClock
    status: int | None = None
    settings: dict[str, str] = field(default_factory=dict)


class Sender:
    """Runs the command with fakes; `raising` runs leave their exception to the test."""

    def __init__(self) -> None:
        self.exporter = FakeExporter()
        self.clock = FakeClock()
        self.settings: dict[str, str] = {}
        self.queue_bytes = 64_000_000
        self.steps: Iterator[Callable[[], object]] | None = None

    def __call__(self, *argv: object, stdin: bytes | None = None) -> Sent:
        parser = argparse.ArgumentParser()
        send.add_arguments(parser)

        def open_exporter(settings: Any) -> tuple[FakeExporter, int]:
            self.settings = dict(settings)
            return self.exporter, self.queue_bytes

        self.signals = ScriptedSignals(self.clock, self.steps)
        status = send.run(
            parser.parse_args([str(argument) for argument in argv]),
            open_exporter=open_exporter,
            clock=self.clock,
            signals=self.signals,
            standard_input=None if stdin is None else io.BytesIO(stdin),
        )
        return Sent(self.exporter, self.clock, status, self.settings)


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> Sender:
    """`send` with an exporter that delivers everything, and nothing in the environment."""
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)
    return Sender()
