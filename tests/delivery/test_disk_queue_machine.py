"""Any order of puts, deliveries, crashes, restarts and damage, against a model of what is owed."""

import errno
import shutil
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from doubles import payload_of
from doubles.disk import Killed, Process, first, numbers_of, owned_directories, queue_files
from dt_otlp_logs.delivery.memory_queue import Entry
from dt_otlp_logs.delivery.queue_file import DamagedFileError, from_bytes
from dt_otlp_logs.encoding.payload import PackLimits, halve, merge

# None: the process survives. Few operations make more file calls than that.
KILL_AT = st.sampled_from([*[None] * 20, 0, 1, 1, 2, 2, 3, 4, 5, 7])
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
        self.damaged = False

    @initialize()
    def begin(self) -> None:
        self.start()

    @rule(
        action=st.sampled_from(
            ["put"] * 4 + ["take"] * 3 + ["take_apart"] * 3 + ["deliver"] * 5 + ["adopt", "crash", "shut_down"]
        ),
        choice=st.integers(0, 1),
        amount=st.integers(1, 4),
        kill_at=KILL_AT,
    )
    def act(self, action: str, choice: int, amount: int, kill_at: int | None) -> None:
        """One process does something. One rule for all: Hypothesis leaves some rules out of most runs."""
        while len(self.workers) <= choice:
            self.start().queue.adopt()
        worker = self.workers[choice]
        if action in ("take_apart", "deliver") and not worker.taken:
            action = "take"
        if action == "take" and worker.queue.records() == 0:
            action = "put"
        getattr(self, action)(worker, amount, kill_at)

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

    def put(self, worker: Worker, amount: int, kill_at: int | None) -> None:
        def put_some() -> None:
            for records in range(1, amount + 1):
                numbers = range(len(self.promises), len(self.promises) + records)
                self.promises.update({number: Promise(0, 1, worker.number) for number in numbers})
                if worker.disk_fails:
                    worker.volatile.update(numbers)
                worker.put(payload_of(numbers))
                for number in numbers:
                    self.promises[number].at_least = 1

        self.attempt(worker, kill_at, put_some)

    def take(self, worker: Worker, amount: int, kill_at: int | None) -> None:
        if not worker.taken:
            self.attempt(worker, kill_at, lambda: worker.taken.extend(worker.queue.take(first(amount))))

    def deliver(self, worker: Worker, amount: int, kill_at: int | None) -> None:
        """The server takes the first of them; the rest waits again."""
        settled, rest = worker.taken[:amount], worker.taken[amount:]
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

    def take_apart(self, worker: Worker, amount: int, kill_at: int | None) -> None:
        if sum(entry.payload.records for entry in worker.taken) < 2:
            return
        whole = merge([entry.payload for entry in worker.taken], ANY_SIZE)
        halves = [Entry(half, suspect=amount > 2) for half in halve(whole)]
        if self.attempt(worker, kill_at, lambda: worker.queue.replace(worker.taken, halves)):
            worker.taken = []

    def adopt(self, worker: Worker, amount: int, kill_at: int | None) -> None:
        self.attempt(worker, kill_at, worker.queue.adopt)

    def crash(self, worker: Worker, amount: int, kill_at: int | None) -> None:
        self.bury(worker)

    def shut_down(self, worker: Worker, amount: int, kill_at: int | None) -> None:
        volatile = [self.promises[number] for number in worker.volatile]
        if self.attempt(worker, kill_at, worker.queue.drain):
            assert not worker.file_system.locks
            self.workers.remove(worker)
            if worker.disk_fails:
                for promise in volatile:
                    promise.at_least = 0

    @rule(choice=st.integers(0, 1), fails=st.booleans())
    def disk_fills_or_empties(self, choice: int, fails: bool) -> None:
        if choice >= len(self.workers):
            return
        worker = self.workers[choice]
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
        self.damaged = True

    @invariant()
    def counts_add_up(self) -> None:
        for worker in self.workers:
            assert worker.queue.records() == worker.accepted - worker.settled - worker.lost
            assert self.damaged or not worker.lost, worker.reasons

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
        assert self.damaged or not last.lost, last.reasons
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
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
