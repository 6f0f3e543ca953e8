"""`DynatraceLogs`: what arrived, flushed before each look, with failures that say what came instead."""

import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dt_otlp_logs.pytest_plugin.arrived import ArrivedRecord, Conditions, without_tokens
from dt_otlp_logs.pytest_plugin.in_process import flush, running_pipeline

if TYPE_CHECKING:
    from dt_otlp_logs.emulator import RunningEmulator

# A look waits this long for what is on its way: long enough for the retries after a short fault.
_LOOK_TIMEOUT_SECONDS = 5.0
# A waiting application of this process is flushed this often meanwhile.
_FLUSH_EVERY_SECONDS = 0.5
_MOST_SHOWN = 20

_NOTHING_CAME = (
    "No request came and no pipeline runs in this process. The application has to configure itself after the fixture "
    "`dynatrace` has set DT_ENDPOINT; if it runs in a process of its own, use wait_for()."
)


class DynatraceLogs:
    """The records that arrived in a local Dynatrace, in order of arrival.

    Before each look, what this process has logged is delivered: by the running pipeline and by OpenTelemetry's global
    LoggerProvider. That takes milliseconds, and at most 5 seconds where Dynatrace answers with errors; while a fault
    is ordered that lets nothing through and has no end, a look only waits for the first attempt to fail.
    """

    def __init__(self, emulator: "RunningEmulator") -> None:
        self._emulator = emulator

    def find(
        self,
        content: str | None = None,
        *,
        loglevel: str | None = None,
        pattern: str | re.Pattern[str] | None = None,
        attributes: Mapping[str, Any] | None = None,
        **more_attributes: Any,
    ) -> list[ArrivedRecord]:
        """The records that fit all conditions; none given: all.

        `content` has to be part of the content, `pattern` a regular expression found in it, `loglevel` equal (`WARN`,
        as Dynatrace has it). Attributes have to be equal; `status`, `trace_id` and the like may be among them.
        """
        wanted = Conditions(content, loglevel, pattern, {**(attributes or {}), **more_attributes})
        return [record for record in self._look() if wanted(record)]

    def one(
        self,
        content: str | None = None,
        *,
        loglevel: str | None = None,
        pattern: str | re.Pattern[str] | None = None,
        attributes: Mapping[str, Any] | None = None,
        **more_attributes: Any,
    ) -> ArrivedRecord:
        """The one record that fits; conditions as for `find`. AssertionError if there is none, or more than one."""
        __tracebackhide__ = True
        wanted = Conditions(content, loglevel, pattern, {**(attributes or {}), **more_attributes})
        arrived = self._look()
        found = [record for record in arrived if wanted(record)]
        if len(found) != 1:
            raise AssertionError(self._failure(f"expected one record{_with(wanted)}", found, arrived))
        return found[0]

    def wait_for(
        self,
        count: int = 1,
        *,
        timeout_seconds: float = 10.0,
        content: str | None = None,
        loglevel: str | None = None,
        pattern: str | re.Pattern[str] | None = None,
        attributes: Mapping[str, Any] | None = None,
        **more_attributes: Any,
    ) -> list[ArrivedRecord]:
        """Wait until at least `count` records fit (conditions as for `find`), and answer them.

        For applications in other processes and threads. AssertionError if there are too few after `timeout_seconds`.
        """
        __tracebackhide__ = True
        wanted = Conditions(content, loglevel, pattern, {**(attributes or {}), **more_attributes})
        deadline = time.monotonic() + timeout_seconds
        while True:
            left = max(deadline - time.monotonic(), 0.0)
            flush(min(left, _FLUSH_EVERY_SECONDS), nothing_can_arrive=self._nothing_can_arrive)
            stored = self._emulator.summary()["stored"]
            arrived = self._arrived()
            found = [record for record in arrived if wanted(record)]
            if len(found) >= count:
                return found
            if not left:
                records = "record" if count == 1 else "records"
                expected = f"waited {timeout_seconds:g} s for {count} {records}{_with(wanted)}"
                raise AssertionError(self._failure(expected, found, arrived))
            self._wait_for_more(than=stored, timeout_seconds=min(left, _FLUSH_EVERY_SECONDS))

    def clear(self) -> None:
        """Forget what has arrived so far, and what is on its way now."""
        self._flush()
        self._emulator.clear()

    @property
    def contents(self) -> list[str]:
        """The content of each record."""
        return [record.content for record in self._look()]

    def __iter__(self) -> Iterator[ArrivedRecord]:
        return iter(self._look())

    def __len__(self) -> int:
        return len(self._look())

    def __repr__(self) -> str:
        return f"<dynatrace_logs: {len(self._arrived())} arrived>"

    def shown(self) -> str:
        """What has arrived by now, a line for each record, and what stands in the way of others. Tokens are masked."""
        return "\n".join((*_lines(self._arrived()), *self._circumstances()))

    def _flush(self) -> None:
        flush(_LOOK_TIMEOUT_SECONDS, nothing_can_arrive=self._nothing_can_arrive)

    def _look(self) -> list[ArrivedRecord]:
        self._flush()
        return self._arrived()

    def _nothing_can_arrive(self) -> bool:
        pending = self._emulator.faults()
        return any(
            fault.times is None and fault.seconds is None and fault.path is None and not fault.stores
            for fault in pending
        )

    def _arrived(self) -> list[ArrivedRecord]:
        return [ArrivedRecord.of(stored) for stored in self._emulator.records()]

    def _wait_for_more(self, than: int, timeout_seconds: float) -> None:
        try:
            self._emulator.wait_for(than + 1, timeout_seconds)
        except TimeoutError:
            pass  # whoever waits looks at the clock

    def _failure(self, expected: str, found: Sequence[ArrivedRecord], arrived: Sequence[ArrivedRecord]) -> str:
        counts = f"found {len(found)} of {len(arrived)} that arrived"
        lines = [f"{expected}; {counts}", *_lines(found or arrived), *self._circumstances()]
        return "\n".join(lines)

    def _circumstances(self) -> Iterator[str]:
        """Why there may be less than expected."""
        pipeline = running_pipeline()
        summary = self._emulator.summary()
        if pipeline is None and not summary["requests"]:
            yield _NOTHING_CAME
        elif set(summary["requests_by_status"]) - {"200", "204"}:
            statuses = (f"{number} x {status}" for status, number in summary["requests_by_status"].items())
            yield f"Requests by status: {', '.join(statuses)}."
        if pipeline is not None:
            stats = pipeline.stats()
            if not stats.accepted and not summary["requests"]:
                level = logging.getLevelName(logging.getLogger().level)
                yield f"The pipeline was given nothing; the root logger lets {level} and above through."
            if stats.queued:
                yield without_tokens(f"Not delivered yet: {stats.queued} ({stats.held_up or 'on their way'}).")
            for reason, number in stats.reasons.items():
                yield without_tokens(f"Lost: {number} ({reason}).")


def _with(wanted: Conditions) -> str:
    return f" ({wanted})" if str(wanted) else ""


def _lines(records: Sequence[ArrivedRecord]) -> Iterator[str]:
    for number, record in enumerate(records[:_MOST_SHOWN], 1):
        yield f"  {number}. {record!r}"
    if len(records) > _MOST_SHOWN:
        yield f"  ... and {len(records) - _MOST_SHOWN} more"
