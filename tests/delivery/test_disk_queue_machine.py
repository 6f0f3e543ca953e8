"""Any order of puts, deliveries, crashes at any file operation, restarts and damage, against a model of what is owed."""

import errno
import shutil
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from doubles import payload_of
from doubles.disk import Killed, Process, first, numbers_of, owned_directories, queue_files
from dt_otlp_logs.delivery.memory_queue import Entry
from dt_otlp_logs.delivery.queue_file import DamagedFileError, from_bytes
from dt_otlp_logs.encoding.payload import PackLimits, halve, merge

# Most operations make fewer file calls; None: the process survives.
KILL_AT = st.one_of(st.none(), st.integers(0, 12))
ANY_SIZE = PackLimits(2**40, 2**40, 2**40, 2**40)


@dataclass
class Promise:
    """How often a record may reach the server in all, and which process put it."""

    at_least: int
    at_most: int
    put_by: int
    delivered: int = 0


class Worker(Process):
    """A process and what the model knows of it."""

    def __init__(self, directory: Path, number: int) -> None:
        names = count()
        super().__init__(directory, random_hex=lambda: f"{number:06x}{next(names):04x}")
        self.number = number
        self.settled = 0
        self.taken: list[Entry] = []
        self.volatile: set[int] = set()

    @property
    def disk_fails(self) -> bool:
        return "write" in self.file_system.errors


class DiskQueueMachine(RuleBasedStateMachine):
    """At most two processes share the directory at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp()) / "queue"
        self.workers: list[Worker] = []
        self.promises: dict[int, Promise] = {}
        self.log: list[int] = []
        self.started = 0

    @initialize()
    def begin(self) -> None:
        self.start()

    @precondition(lambda self: len(self.workers) < 2)
    @rule(kill_at=KILL_AT)
    def start_and_adopt(self, kill_at: int | None) -> None:
        worker = self.start()
        self.attempt(worker, kill_at, worker.queue.adopt)

    def start(self) -> Worker:
        worker = Worker(self.directory, self.started)
        self.started += 1
        self.workers.append(worker)
        return worker

    def attempt(self, worker: Worker, kill_at: int | None, action: object) -> bool:
        """Run it, perhaps to the death; True if the process survived."""
        worker.file_system.kill_at = kill_at
        try:
            action()  # type: ignore[operator]
        except Killed:
            self.bury(worker)
            return False
        worker.file_system.kill_at = None
        return True

    def bury(self, worker: Worker) -> None:
        worker.kill()
        self.workers.remove(worker)
        for number in worker.volatile:
            self.promises[number].at_least = 0

    def pick(self, choice: int) -> Worker:
        if not self.workers:
            self.start()
        return self.workers[choice % len(self.workers)]

    @rule(choice=st.integers(0, 1), records=st.integers(1, 5), kill_at=KILL_AT)
    def put(self, choice: int, records: int, kill_at: int | None) -> None:
        worker = self.pick(choice)
        numbers = range(len(self.promises), len(self.promises) + records)
        self.promises.update({number: Promise(0, 1, worker.number) for number in numbers})
        if worker.disk_fails:
            worker.volatile.update(numbers)
        if self.attempt(worker, kill_at, lambda: worker.put(payload_of(numbers))):
            for number in numbers:
                self.promises[number].at_least = 1

    @rule(choice=st.integers(0, 1), payloads=st.integers(1, 4), kill_at=KILL_AT)
    def take(self, choice: int, payloads: int, kill_at: int | None) -> None:
        worker = self.pick(choice)
        if not worker.taken:
            self.attempt(worker, kill_at, lambda: worker.taken.extend(worker.queue.take(first(payloads))))

    @rule(choice=st.integers(0, 1), delivered=st.integers(1, 4), kill_at=KILL_AT)
    def deliver(self, choice: int, delivered: int, kill_at: int | None) -> None:
        """The server takes the first of them; the rest waits again."""
        worker = self.pick(choice)
        settled, rest = worker.taken[:delivered], worker.taken[delivered:]
        numbers = numbers_of(settled)
        self.log += numbers
        for number in numbers:
            self.promises[number].delivered += 1
            worker.volatile.discard(number)
            if worker.disk_fails:
                self.promises[number].at_most += 1  # that it was delivered cannot be noted
        if self.attempt(worker, kill_at, lambda: worker.queue.done(settled)):
            worker.settled += len(numbers)
            worker.queue.give_back(rest)
            worker.taken = []
        else:
            for number in numbers:
                self.promises[number].at_most += 1  # the process died before it could note that

    @rule(choice=st.integers(0, 1), suspect=st.booleans(), kill_at=KILL_AT)
    def take_apart(self, choice: int, suspect: bool, kill_at: int | None) -> None:
        worker = self.pick(choice)
        if sum(entry.payload.records for entry in worker.taken) < 2:
            return
        whole = merge([entry.payload for entry in worker.taken], ANY_SIZE)
        halves = [Entry(half, suspect) for half in halve(whole)]
        if self.attempt(worker, kill_at, lambda: worker.queue.replace(worker.taken, halves)):
            worker.taken = []

    @rule(choice=st.integers(0, 1), kill_at=KILL_AT)
    def adopt(self, choice: int, kill_at: int | None) -> None:
        worker = self.pick(choice)
        self.attempt(worker, kill_at, worker.queue.adopt)

    @rule(choice=st.integers(0, 1))
    def crash(self, choice: int) -> None:
        self.bury(self.pick(choice))

    @rule(choice=st.integers(0, 1), kill_at=KILL_AT)
    def shut_down(self, choice: int, kill_at: int | None) -> None:
        worker = self.pick(choice)
        volatile = [self.promises[number] for number in worker.volatile]
        if self.attempt(worker, kill_at, worker.queue.drain):
            assert not worker.file_system.locks
            self.workers.remove(worker)
            if worker.disk_fails:
                for promise in volatile:
                    promise.at_least = 0

    @rule(choice=st.integers(0, 1), fails=st.booleans())
    def disk_fills_or_empties(self, choice: int, fails: bool) -> None:
        worker = self.pick(choice)
        worker.seconds += 60
        worker.file_system.errors = {"write": errno.ENOSPC} if fails else {}

    @rule(which=st.integers(0, 99), where=st.integers(0, 999), truncates=st.booleans())
    def damage(self, which: int, where: int, truncates: bool) -> None:
        files = sorted(queue_files(self.directory))
        if not files:
            return
        path = files[which % len(files)]
        content = path.read_bytes()
        try:
            payload, _ = from_bytes(content)
        except DamagedFileError:
            return
        for number in numbers_of([Entry(payload)]):
            self.promises[number].at_least = 0
        place = where % len(content)
        rest = b"" if truncates else bytes([content[place] ^ 1]) + content[place + 1 :]
        path.write_bytes(content[:place] + rest)

    @invariant()
    def counts_add_up(self) -> None:
        for worker in self.workers:
            assert worker.queue.records() == worker.accepted - worker.settled - worker.lost

    def teardown(self) -> None:
        try:
            self.check_the_end()
        finally:
            for worker in self.workers:
                worker.kill()
            shutil.rmtree(self.directory.parent)

    def check_the_end(self) -> None:
        for worker in list(self.workers):
            self.bury(worker)
        last = self.start()
        last.queue.adopt()
        for number in last.deliver_all():
            self.promises[number].delivered += 1
            self.log.append(number)
        assert last.queue.records() == 0
        last.queue.drain()
        assert owned_directories(self.directory) == []
        for number, promise in self.promises.items():
            assert promise.at_least <= promise.delivered <= promise.at_most, (number, promise)
        self.check_the_order()

    def check_the_order(self) -> None:
        """What one process put arrives in that order, as long as it arrives for certain and once."""
        for process in range(self.started):
            certain = [
                number
                for number in self.log
                if (promise := self.promises[number]).put_by == process
                and (promise.at_least, promise.at_most) == (1, 1)
            ]
            assert certain == sorted(certain)


TestDiskQueueMachine = DiskQueueMachine.TestCase
TestDiskQueueMachine.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
