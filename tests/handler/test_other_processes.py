"""Records of other processes, by a multiprocessing queue as Python's logging cookbook shows, and by a socket."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHILD_AND_PARENT = """
import json, logging, multiprocessing, sys
from logging.handlers import QueueHandler, QueueListener

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from dt_otlp_logs import DynatraceLoggingHandler
from dt_otlp_logs.handler.trace_context import capture_trace_context


def work(queue, number):
    capture_trace_context()
    log = logging.getLogger("child")
    log.handlers, log.propagate = [QueueHandler(queue)], False
    log.setLevel(logging.INFO)
    log.info("none %d", number)
    log.info({"event": "paid", "number": number, "items": {"tea": [1, 2.5]}})
    with TracerProvider().get_tracer("child").start_as_current_span("work") as span:
        of = span.get_span_context()
        try:
            {}["tea"]
        except KeyError:
            log.exception("%d %032x %016x", number, of.trace_id, of.span_id, extra={"number": number})


if __name__ == "__main__":
    of_start = multiprocessing.get_context(sys.argv[1])
    queue = of_start.Queue()
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    children = [of_start.Process(target=work, args=(queue, number), name=f"worker {number}") for number in range(2)]
    for child in children:
        child.start()
    listener = QueueListener(queue, DynatraceLoggingHandler(logger_provider=provider))
    with TracerProvider().get_tracer("parent").start_as_current_span("of the parent"):
        listener.start()
    for child in children:
        child.join()
    listener.stop()
    print(json.dumps([
        {
            "body": record.log_record.body,
            "trace_id": f"{record.log_record.trace_id:032x}",
            "span_id": f"{record.log_record.span_id:016x}",
            "attributes": json.loads(json.dumps(dict(record.log_record.attributes), default=dict)),
            "pids": {child.name: child.pid for child in children},
        }
        for record in exporter.get_finished_logs()
    ]))
"""


def run(script: Path, *arguments: str) -> Any:
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_a_multiprocessing_queue_keeps_span_exception_and_process(tmp_path: Path, start: str) -> None:
    script = tmp_path / "app.py"
    script.write_text(CHILD_AND_PARENT)
    records = run(script, start)
    assert len(records) == 6
    for record in records:
        attributes = record["attributes"]
        assert record["pids"][attributes["process.name"]] == attributes["process.pid"]
        if record["body"].startswith("none"):
            assert int(record["trace_id"], 16) == 0
            continue
        if record["body"] == "paid":
            assert attributes["number"] == int(attributes["process.name"].split()[1])
            assert attributes["items"] == {"tea": [1, 2.5]}
            continue
        number, trace_id, span_id = record["body"].split()
        assert (record["trace_id"], record["span_id"]) == (trace_id, span_id)
        assert attributes["number"] == int(number)
        assert attributes["process.name"] == f"worker {number}"
        assert (attributes["exception.type"], attributes["exception.message"]) == ("KeyError", "'tea'")


RECEIVER_WITHOUT_US = """
import logging, pickle, struct, sys
data = sys.stdin.buffer.read()
record = logging.makeLogRecord(pickle.loads(data[4 : 4 + struct.unpack(">L", data[:4])[0]]))
assert not [name for name in sys.modules if name.startswith(("dt_otlp_logs", "opentelemetry"))]
print('"' + record.getMessage() + '"')
"""


def test_a_receiver_without_this_package_can_read_what_a_socket_handler_sends(tmp_path: Path) -> None:
    import logging
    from logging.handlers import SocketHandler

    from opentelemetry.sdk.trace import TracerProvider

    from dt_otlp_logs.handler.trace_context import capture_trace_context

    capture_trace_context()
    with TracerProvider().get_tracer("tests").start_as_current_span("one"):
        record = logging.getLogger("sent").makeRecord("sent", logging.INFO, "x.py", 1, "hello", (), None)
    script = tmp_path / "receiver.py"
    script.write_text(RECEIVER_WITHOUT_US)
    sent = SocketHandler("127.0.0.1", 1).makePickle(record)
    done = subprocess.run([sys.executable, str(script)], input=sent, capture_output=True, timeout=60, check=False)
    assert done.stdout.decode().strip() == '"hello"', done.stderr
