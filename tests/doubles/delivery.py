"""A delivery loop whose clock, server and randomness are in the test's hands."""

import gzip
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from dt_otlp_logs.config import load_config
from dt_otlp_logs.delivery.assembly import routes
from dt_otlp_logs.delivery.failover import Failover
from dt_otlp_logs.delivery.ledger import DeliveryLedger, DeliveryStats
from dt_otlp_logs.delivery.loop import IDLE, DeliveryLoop
from dt_otlp_logs.delivery.memory_queue import MemoryQueue
from dt_otlp_logs.delivery.reporter import DeliveryReporter
from dt_otlp_logs.delivery.transport import Response
from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.encoding.payload import PackLimits, Payload

TOKEN = "dt0c01.PUBLICPARTPUBLICPARTPUB1." + "S" * 64
NOW_NS = 1_795_000_000_000_000_000
HOUR_NS = 3_600_000_000_000


class FakeClock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return NOW_NS + int((self.seconds - 1000.0) * 1e9)


@dataclass
class Seen:
    """One request as the server saw it."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def ids(self) -> list[int]:
        return ids_in(self.body, self.headers)


def ids_in(body: bytes, headers: Mapping[str, str]) -> list[int]:
    """The numbers of the records `payload_of` made; records of our own have none."""
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if headers["content-type"].startswith("application/json"):
        contents = [event["content"] for event in json.loads(body)]
    else:
        request = ExportLogsServiceRequest.FromString(body)
        contents = [
            record.body.string_value
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
    return [int(match.group(1)) for content in contents if (match := re.match(r"record (\d+)\b", content))]


class ScriptedTransport:
    """Answers each request by calling the script; records what was asked."""

    def __init__(self, script: Callable[[Seen], Response], clock: FakeClock) -> None:
        self.script = script
        self.requests: list[Seen] = []
        self._clock = clock

    def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float) -> Response:
        seen = Seen(url, headers, body, self._clock.seconds)
        self.requests.append(seen)
        return self.script(seen)

    def forget_connections(self) -> None:
        pass


def answer(status: int | None, body: str | bytes = b"", **headers: str) -> Response:
    """A response with headers given as `retry_after="3"`."""
    content = body.encode() if isinstance(body, str) else body
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def payload_of(numbers: Iterable[int], *, size: int = 0, age_ns: int = 0) -> Payload:
    """Records `record 7`, ... made with opentelemetry-proto, each padded to about `size` bytes."""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    count = 0
    for number in numbers:
        record = scope.log_records.add(time_unix_nano=NOW_NS - age_ns)
        record.body.string_value = f"record {number} ".ljust(size, "x")
        count += 1
    data = request.SerializeToString()
    return Payload(gzip.compress(data, 1), count, len(data), NOW_NS - age_ns, len(data) + 100 * count)


@dataclass
class Harness:
    """A loop and everything around it."""

    loop: DeliveryLoop
    queue: MemoryQueue
    ledger: DeliveryLedger
    transport: ScriptedTransport
    clock: FakeClock
    said: list[str] = field(default_factory=list)

    def put(self, *payloads: Payload) -> None:
        for payload in payloads:
            self.ledger.accept(payload.records)
            self.ledger.drop(self.queue.put(payload), "full", "queue_full")

    def step(self) -> float:
        wait = self.loop.step(10.0)
        stats = self.stats()
        assert stats.accepted == stats.delivered + stats.queued + stats.rejected + stats.dropped
        assert stats.queued == self.queue.records(), "the ledger and the queue count the same records"
        return wait

    def run(self, seconds: float = 3600.0, most_requests: int = 1000) -> None:
        """Step until idle, moving the clock over every wait, for so many seconds of its time."""
        end = self.clock.seconds + seconds
        while self.clock.seconds < end and len(self.transport.requests) < most_requests:
            wait = self.step()
            if wait == IDLE:
                return
            self.clock.seconds += wait

    def stats(self) -> DeliveryStats:
        return self.ledger.snapshot(held_up=self.loop.held_up)

    @property
    def sent(self) -> Sequence[list[int]]:
        """The record numbers of each request."""
        return [request.ids for request in self.transport.requests]

    @property
    def urls(self) -> Sequence[str]:
        return [request.url for request in self.transport.requests]


def loop_over(
    script: Callable[[Seen], Response],
    *,
    queue_max_bytes: int = 64_000_000,
    queue_full: str = "drop_oldest",
    limits: PackLimits | None = None,
    **settings: object,
) -> Harness:
    """A loop that talks to `script` under these settings; the backoff's jitter is at its longest."""
    config = load_config({"endpoint": "https://abc12345.live.dynatrace.com", "api_token": TOKEN, **settings}, {})
    clock = FakeClock()
    transport = ScriptedTransport(script, clock)
    said: list[str] = []
    ledger = DeliveryLedger()
    queue = MemoryQueue(queue_max_bytes, queue_full)  # type: ignore[arg-type]
    loop = DeliveryLoop(
        queue=queue,
        failover=Failover(
            routes(config, transport, clock),
            after_seconds=config.fallback_after_seconds,
            probe_seconds=config.probe_seconds,
        ),
        ledger=ledger,
        reporter=DeliveryReporter(Diagnostics(said.append, lambda: 0.0)),
        token=config.token,
        limits=limits or PackLimits(request_bytes=config.max_request_bytes),
        stale=config.stale,
        clock=clock,
        random=lambda: 1.0,
    )
    return Harness(loop, queue, ledger, transport, clock, said)
