"""A handler without a provider starts the pipeline with the first record; what is logged meanwhile is sent, too."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from doubles.script import contents, run_script
from dt_otlp_logs.emulator import RunningEmulator
from dt_otlp_logs.handler import waiting_records as waiting_module
from dt_otlp_logs.handler.waiting_records import WaitingRecords

DICT_CONFIG = """
import logging, logging.config, threading, time
logging.config.dictConfig({
    "version": 1,
    "handlers": {"dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"}},
    "root": {"handlers": ["dynatrace"], "level": "INFO"},
})
"""

# A resource detector of the application's. It is found as an installed one would be.
DETECTOR = """
import logging, threading
import opentelemetry.util._importlib_metadata as metadata
from opentelemetry.sdk.resources import Resource, ResourceDetector

class Detector(ResourceDetector):
    def detect(self):
        detect()
        return Resource({"detected": "yes"})

class EntryPoint:
    def load(self):
        return Detector

installed = metadata.entry_points
metadata.entry_points = lambda **asked: [EntryPoint()] if asked.get("name") == "slow" else installed(**asked)
"""


def run(emulator: RunningEmulator, *parts: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return run_script(emulator, "\n".join(map(textwrap.dedent, parts)), **environment)


def test_what_other_threads_log_while_it_starts_is_sent_afterwards(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        """
        others_logged = threading.Event()

        def detect():
            assert others_logged.wait(30)

        def other():
            for number in range(20):
                logging.getLogger("other").info("meanwhile %d", number)

        def all_others():
            threads = [threading.Thread(target=other) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            others_logged.set()

        threading.Timer(0.1, all_others).start()
        logging.info("first")
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(map(str, contents(emulator))) == sorted(["first", *[f"meanwhile {n}" for n in range(20)] * 4])
    assert {record["detected"] for record in emulator.records()} == {"yes"}


@pytest.mark.slow
def test_who_logs_first_does_not_wait_for_ever_for_a_detector_that_logs_itself(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        """
        import logging.handlers, dt_otlp_logs

        def detect():
            logging.getLogger("detector").warning("detecting")

        # Its lock is held by whoever logs first.
        memory = logging.handlers.MemoryHandler(1, target=dt_otlp_logs.DynatraceLoggingHandler())
        logging.basicConfig(handlers=[memory], level=logging.INFO)
        logging.info("first")
        logging.info("second")
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {"first", "second", "detecting"} == set(contents(emulator))


def test_a_detector_that_hangs_costs_its_attributes_only(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        """
        import os
        detect = lambda: None  # the SDK's import runs it, too
        from dt_otlp_logs.detector import created_resource

        answer = threading.Event()
        detect = answer.wait
        print(dict(created_resource({"service.name": "checkout"}, os.environ, timeout_seconds=0.3).attributes))
        answer.set()
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
        OTEL_RESOURCE_ATTRIBUTES="team=shop",
    )
    assert (done.returncode, done.stdout) == (0, "{'service.name': 'checkout', 'team': 'shop'}\n")
    assert "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS (slow) have not answered within 0.3 s" in done.stderr


def test_a_first_record_after_the_main_threads_end_is_sent(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DICT_CONFIG,
        """
        def work():
            threading.main_thread().join()
            for number in range(5):
                logging.info("job %d", number)

        threading.Thread(target=work).start()
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == [f"job {number}" for number in range(5)]


def test_a_start_that_fails_is_said_once(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        """
        import sys
        sys.modules["opentelemetry.sdk._logs"] = None
        """,
        DICT_CONFIG,
        """
        for number in range(3):
            logging.info("job %d", number)
        """,
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 0
    assert "No log record is exported, the application runs on: starting failed (ModuleNotFoundError: " in line


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no SIGTERM")
def test_sigterm_delivers_what_waits_also_where_a_handler_started_the_pipeline(emulator: RunningEmulator) -> None:
    script = DICT_CONFIG + 'logging.info("last words")\nprint("ready", flush=True)\ntime.sleep(60)\n'
    settings = {"DT_OTLP_LOGS_FLUSH_ON_SIGTERM": "true", "OTEL_BLRP_SCHEDULE_DELAY": "60000"}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "DT_ENDPOINT": emulator.url, "DT_API_TOKEN": emulator.api_token, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (-signal.SIGTERM, "")
    assert contents(emulator) == ["last words"]


def test_more_than_can_wait_is_counted_and_the_rest_is_handed_over_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MAX_RECORDS", 3)
    waiting = WaitingRecords()
    for number in range(5):
        waiting.get_logger("shop").emit(LogRecord(body=number))
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    assert waiting.hand_over(provider) == 2
    waiting.get_logger("shop").emit(LogRecord(body="later"))
    assert waiting.hand_over(provider) == 0
    sent = exporter.get_finished_logs()
    assert [record.log_record.body for record in sent] == [0, 1, 2, "later"]
    assert {record.instrumentation_scope.name for record in sent if record.instrumentation_scope} == {"shop"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_what_waits_in_a_parent_is_not_a_forked_childs_to_send(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        """
        import os
        detect = lambda: None
        import opentelemetry.sdk._logs  # runs it, too
        parent = os.getpid()

        def detect():
            if os.getpid() != parent:
                return
            logging.getLogger("detector").warning("of the parent")
            child = os.fork()
            if not child:
                logging.getLogger("child").warning("of the child")
                import dt_otlp_logs
                dt_otlp_logs.configure().flush()
                os._exit(0)
            os.waitpid(child, 0)

        logging.info("first")
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
    )
    assert done.returncode == 0, done.stderr
    assert sorted(map(str, contents(emulator))) == ["first", "of the child", "of the parent"]
