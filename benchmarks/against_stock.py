"""Speed against the stock exporter: both sides in one run, in turns, as medians and ratios.

Run: python benchmarks/against_stock.py [--rounds N]
"""

import argparse
import gzip
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import TraceFlags

from dt_otlp_logs import DynatraceLogExporter
from dt_otlp_logs.encoding.compression import compress
from dt_otlp_logs.encoding.events import encode_json
from dt_otlp_logs.encoding.limits import GRAIL
from dt_otlp_logs.encoding.otlp import OtlpEncoder
from dt_otlp_logs.encoding.payload import decompress, pack

_LEVELS = [
    ("DEBUG", SeverityNumber.DEBUG, 0.2),
    ("INFO", SeverityNumber.INFO, 0.6),
    ("WARN", SeverityNumber.WARN, 0.15),
    ("ERROR", SeverityNumber.ERROR, 0.05),
]
_MESSAGES = [
    "GET /api/v1/orders/{n} 200 in {m} ms",
    "cache miss for key cart:{n}, loading from the database",
    "payment {n} authorised by provider in {m} ms (attempt 1 of 3)",
    "worker {m} picked up job {n} from queue 'invoices'",
    "connection pool is at {m} of 100; the oldest connection has been idle for {n} ms",
]
_STACK_TRACE_SHARE = 0.04

# Reads a request, answers an empty ExportLogsServiceResponse, and does nothing else.
_SERVER = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response_only(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""


def realistic_records(count: int, *, seed: int = 1) -> list[ReadableLogRecord]:
    """Records as a web service writes them: 8 resource attributes, 4 loggers, about 8 attributes each.

    Times, ids, durations and order numbers differ from record to record; files, lines, threads and status codes
    come from small sets. 4 % carry a stack trace of about 2 kB.
    """
    chance = random.Random(seed)
    resource = Resource(
        {
            "service.name": "checkout",
            "service.version": "2.14.3",
            "service.instance.id": "0b9d6c1e-6d0c-4a53-9c4f-1f0f7f5d2c11",
            "deployment.environment.name": "production",
            "host.name": "ip-10-21-4-118.eu-central-1.compute.internal",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": "1.45.1",
        }
    )
    scopes = [InstrumentationScope(f"shop.{name}") for name in ("api", "payment", "cart", "worker")]
    now = time.time_ns()
    return [_realistic_record(chance, now + index * 350_000, resource, scopes) for index in range(count)]


def _realistic_record(
    chance: random.Random, time_unix_nano: int, resource: Resource, scopes: list[InstrumentationScope]
) -> ReadableLogRecord:
    text, number, _ = chance.choices(_LEVELS, weights=[level[2] for level in _LEVELS])[0]
    scope = chance.choice(scopes)
    line = chance.randrange(10, 400, 7)
    attributes: dict[str, object] = {
        "code.file.path": f"/srv/app/{scope.name.replace('.', '/')}.py",
        "code.function.name": f"handle_{line % 13}",
        "code.line.number": line,
        "thread.name": f"worker-{chance.randrange(16)}",
        "http.response.status_code": chance.choice([200, 200, 200, 201, 204, 404, 500]),
        "order.id": chance.randrange(10_000_000),
        "customer.id": f"c-{chance.getrandbits(48):012x}",
        "duration_ms": chance.random() * 200,
    }
    if chance.random() < _STACK_TRACE_SHARE:
        frame = '  File "/srv/app/shop/payment.py", line {}, in charge\n    return self._client.post(url, json=body)\n'
        trace = "".join(frame.format(chance.randrange(900)) for _ in range(20))
        attributes |= {
            "exception.type": "requests.exceptions.ConnectionError",
            "exception.message": "HTTPSConnectionPool(host='psp.example', port=443): Max retries exceeded",
            "exception.stacktrace": f"Traceback (most recent call last):\n{trace}",
        }
    record = LogRecord(
        timestamp=time_unix_nano,
        observed_timestamp=time_unix_nano + 20_000,
        severity_text=text,
        severity_number=number,
        body=chance.choice(_MESSAGES).format(n=chance.randrange(1_000_000), m=chance.randrange(100)),
        attributes=BoundedAttributes(maxlen=128, attributes=attributes, immutable=False),
    )
    record.trace_id = chance.getrandbits(128)
    record.span_id = chance.getrandbits(64)
    record.trace_flags = TraceFlags(TraceFlags.SAMPLED)
    return ReadableLogRecord(record, resource, scope)


def medians(
    sides: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """The median seconds of each side; in every round each has its turn, so that a noisy moment hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            start = clock()
            run()
            seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def report(title: str, measured: dict[str, float], base: str, records: int) -> None:
    """One line per side: milliseconds, microseconds a record, and how many times less than the base."""
    print(f"\n{title}")
    for name, seconds in measured.items():
        print(
            f"  {name:<44} {seconds * 1e3:9.2f} ms {seconds / records * 1e6:8.2f} us/record"
            f" {measured[base] / seconds:7.1f} x"
        )


def encoding(count: int, rounds: int) -> None:
    """Encoding alone, compression alone, and what a batch costs until it is ready to be sent."""
    batch = realistic_records(count)
    # Batches follow one another with new values: nothing but what repeats in real life is in a cache.
    others = iter([realistic_records(count, seed=seed) for seed in range(2, rounds + 2)])
    encoder = OtlpEncoder(GRAIL)
    encoder.encode(batch)
    request = encode_logs(batch).SerializeToString()
    assert decompress(pack(encoder.encode(batch).groups)[0])[:1] == request[:1]

    stock = "stock encode_logs().SerializeToString()"
    report(
        f"encoding, {count} records, {len(request):,} bytes",
        medians(
            {
                stock: lambda: encode_logs(batch).SerializeToString(),
                "ours, batches never seen before": lambda: encoder.encode(next(others)),
                "ours, the same batch again": lambda: encoder.encode(batch),
            },
            rounds,
        ),
        stock,
        count,
    )
    stock = "stock gzip level 9"
    report(
        f"compression: level 9 gives {len(gzip.compress(request)):,} bytes, ours {len(compress(request)):,}",
        medians(
            {
                stock: lambda: gzip.compress(request),
                "zlib level 1": lambda: gzip.compress(request, 1),
                "ours as installed": lambda: compress(request),
            },
            rounds,
        ),
        stock,
        count,
    )
    stock = "stock encode, serialise, gzip level 9"
    report(
        "ready to be sent",
        medians(
            {
                stock: lambda: gzip.compress(encode_logs(batch).SerializeToString()),
                "ours: encode and pack": lambda: pack(encoder.encode(batch).groups),
            },
            rounds,
        ),
        stock,
        count,
    )
    report("OTLP bytes to JSON events", medians({"ours": lambda: encode_json(request)}, rounds), "ours", count)


def whole_export(count: int, rounds: int) -> None:
    """`export()` to a server in a process of its own on loopback, until its answer is there: wall time and CPU time."""
    batch = realistic_records(count)
    server = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        stock = OTLPLogExporter(f"{url}/api/v2/otlp/v1/logs", compression=Compression.Gzip)
        ours = DynatraceLogExporter(endpoint=url, api_token="dt0c01.BENCH.MARK")
        name = "stock exporter, gzip"
        timed: dict[str, Callable[[], object]] = {name: lambda: stock.export(batch), "ours": lambda: ours.export(batch)}
        report("whole export, wall time", medians(timed, rounds), name, count)
        report("whole export, CPU time of the process", medians(timed, rounds, time.process_time), name, count)
        stats = ours.stats()
        assert stats.delivered == stats.accepted > 0, stats
        ours.shutdown()
        stock.shutdown()
    finally:
        server.kill()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    for count in (512, 2_048):
        encoding(count, rounds)
        whole_export(count, rounds)


if __name__ == "__main__":
    main()
