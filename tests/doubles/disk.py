"""A disk queue on a disk that a test can fill, make read-only, or kill the process at."""

import errno
import gzip
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from dt_otlp_logs.delivery.disk_queue import DiskQueue
from dt_otlp_logs.delivery.file_system import FileSystem
from dt_otlp_logs.delivery.memory_queue import Entry
from dt_otlp_logs.encoding.payload import Payload, fits

DESTINATION = "0123456789ab"


class Killed(BaseException):
    """The process ends here, with nothing cleaned up."""


class FragileFileSystem(FileSystem):
    """Counts calls; fails those named in `errors`, and kills at call number `kill_at`, a write halfway through."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.errors: dict[str, int] = {}
        self.kill_at: int | None = None
        self.locks: set[int] = set()

    def die(self) -> None:
        """What the operating system does for a process that was killed."""
        for lock in self.locks:
            super().release(lock)
        self.locks.clear()

    def _call(self, name: str, path: str) -> None:
        if self.kill_at is not None:
            if self.kill_at == 0:
                raise Killed
            self.kill_at -= 1
        self.calls.append((name, path))
        if number := self.errors.get(name):
            raise OSError(number, errno.errorcode[number], path)

    def count(self, name: str) -> int:
        return sum(called == name for called, _ in self.calls)

    def make_directory(self, path: str) -> None:
        self._call("make_directory", path)
        super().make_directory(path)

    def make_directories(self, path: str) -> None:
        self._call("make_directories", path)
        super().make_directories(path)

    def entries(self, path: str) -> list[tuple[str, bool]]:
        self._call("entries", path)
        return super().entries(path)

    def status(self, path: str) -> Any:
        self._call("status", path)
        return super().status(path)

    def write(self, path: str, data: bytes) -> None:
        try:
            self._call("write", path)
        except (Killed, OSError):
            super().write(path, data[: len(data) // 2])
            raise
        super().write(path, data)

    def read(self, path: str, at_most: int) -> bytes:
        self._call("read", path)
        return super().read(path, at_most)

    def rename(self, source: str, target: str) -> None:
        self._call("rename", source)
        super().rename(source, target)

    def remove(self, path: str) -> None:
        self._call("remove", path)
        super().remove(path)

    def remove_directory(self, path: str) -> None:
        self._call("remove_directory", path)
        super().remove_directory(path)

    def lock(self, path: str) -> int | None:
        self._call("lock", path)
        lock = super().lock(path)
        if lock is not None:
            self.locks.add(lock)
        return lock

    def release(self, lock: int) -> None:
        self._call("release", str(lock))
        if lock in self.locks:  # else it went when the process died, and its number may be another file's by now
            self.locks.remove(lock)
            super().release(lock)


class Process:
    """One process with a disk queue, and what became of its records."""

    def __init__(self, directory: Path, *, destination: str = DESTINATION, **options: Any) -> None:
        self.file_system = FragileFileSystem()
        self.accepted = 0
        self.lost = 0
        self.reasons: list[str] = []
        self.said: list[str] = []
        self.seconds = 1000.0
        options = {"max_bytes": 1_000_000_000, "when_full": "drop_oldest", **options}
        self.queue = DiskQueue(
            directory,
            destination=destination,
            on_adopted=self._adopted,
            on_lost=self._lost,
            say=self.said.append,
            monotonic=lambda: self.seconds,
            file_system=self.file_system,
            **options,
        )

    def _adopted(self, records: int) -> None:
        self.accepted += records

    def _lost(self, records: int, reason: str) -> None:
        self.lost += records
        self.reasons.append(reason)

    def put(self, *payloads: Payload) -> int:
        dropped = 0
        for payload in payloads:
            self.accepted += payload.records
            dropped += self.queue.put(payload)
        return dropped

    def take(self, at_most: int | None = None) -> list[Entry]:
        return self.queue.take(fits if at_most is None else first(at_most))

    def deliver_all(self) -> list[int]:
        """Take and settle until nothing is left; answers the numbers of the records in their order."""
        delivered = []
        while taken := self.take():
            delivered += numbers_of(taken)
            self.queue.done(taken)
        return delivered

    def kill(self) -> None:
        self.file_system.die()


def first(count: int) -> Callable[[Iterable[Payload]], int]:
    """Take so many, if there are."""

    def how_many(payloads: Iterable[Payload]) -> int:
        return sum(1 for _, _ in zip(range(count), payloads, strict=False))

    return how_many


def numbers_of(entries: Iterable[Entry]) -> list[int]:
    """The numbers of the records `payload_of` made."""
    found = []
    for entry in entries:
        request = ExportLogsServiceRequest.FromString(gzip.decompress(entry.payload.body))
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                found += [
                    int(match.group(1))
                    for record in scope.log_records
                    if (match := re.match(r"record (\d+)\b", record.body.string_value))
                ]
    return found


def queue_files(directory: Path) -> list[Path]:
    """The queue files of all processes, in no particular order."""
    return [path for path in directory.glob("*/*.dtq") if path.parent.name not in ("rejected", "set-aside")]


def owned_directories(directory: Path) -> list[Path]:
    """The subdirectories of processes."""
    if not directory.exists():
        return []
    return [path for path in directory.iterdir() if path.name not in ("rejected", "set-aside")]
