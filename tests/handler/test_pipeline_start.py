"""A handler without a provider starts the pipeline with the first record; what is logged meanwhile is sent, too."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider, ReadWriteLogRecord
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
    assert waiting.hand_over(provider) == (2, 0)
    waiting.get_logger("shop").emit(LogRecord(body="later"))
    assert waiting.hand_over(provider) == (0, 0)
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


def test_a_child_that_is_forked_while_it_starts_sends_its_records(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        """
        import multiprocessing
        starting = threading.Event()

        def detect():
            starting.set()
            time.sleep(0.3)

        def child():
            logging.info("of the child")

        if __name__ == "__main__":
            logs_first = threading.Thread(target=logging.info, args=("first",))
            logs_first.start()
            starting.wait()
            process = multiprocessing.get_context("fork").Process(target=child)
            process.start()
            process.join()
            logs_first.join()
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
        PYTHONWARNINGS="ignore::DeprecationWarning",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(map(str, contents(emulator))) == ["first", "of the child"]


def test_a_signal_that_ends_the_process_while_it_starts_costs_no_record_that_waits(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        """
        import os, signal, sys

        def detect():
            global detect
            detect = lambda: None
            logging.getLogger("detector").warning("detecting")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.3)

        signal.signal(signal.SIGTERM, lambda *_: (logging.info("terminating"), sys.exit(3)))
        logging.info("first")
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert {"detecting", "terminating"} <= set(contents(emulator))


SHORT_WAITS = """
from dt_otlp_logs.handler import pipeline_start
pipeline_start._MAX_WAIT_SECONDS, pipeline_start._MAX_WAIT_AT_EXIT_SECONDS = 0.1, 0.1
"""


def test_a_start_that_outlasts_the_process_is_said(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        SHORT_WAITS,
        """
        detect = lambda: time.sleep(2)
        logging.info("first")
        logging.info("second")
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
    )
    assert "2 log records are lost: the process ends before the start of the pipeline does." in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no SIGTERM")
def test_sigterm_is_heeded_after_a_start_that_took_longer_than_anybody_waited(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        SHORT_WAITS,
        """
        import os, signal
        from dt_otlp_logs.handler.waiting_records import waiting_records
        detect = lambda: time.sleep(0.5)
        logging.info("first")
        while len(waiting_records):
            time.sleep(0.05)
        logging.info("last words")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
        DT_OTLP_LOGS_FLUSH_ON_SIGTERM="true",
        OTEL_BLRP_SCHEDULE_DELAY="60000",
    )
    assert done.returncode == -signal.SIGTERM
    assert contents(emulator) == ["first", "last words"]


# Longer than `run_script` waits: a thread that waits for the start at all would be seen.
LONG_WAITS = SHORT_WAITS.replace("0.1, 0.1", "3600, 3600")


def test_nobody_waits_who_imports_the_sdk_himself(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DICT_CONFIG,
        LONG_WAITS,
        """
        import opentelemetry.sdk._logs  # a detector logs, since a variable is malformed
        logging.info("afterwards")
        """,
        OTEL_RESOURCE_ATTRIBUTES="team=shop,malformed",
    )
    assert done.returncode == 0
    assert "afterwards" in contents(emulator)


def test_nobody_waits_who_configures_logging(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        LONG_WAITS,
        """
        import logging, logging.config, dt_otlp_logs
        logging.basicConfig(handlers=[dt_otlp_logs.DynatraceLoggingHandler()], level=logging.INFO)

        class Talkative(logging.Handler):
            def __init__(self):
                super().__init__()
                logging.getLogger("talkative").info("made")

            def emit(self, record):
                pass

        logging.config.dictConfig({
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"talkative": {"()": Talkative}},
            "loggers": {"other": {"handlers": ["talkative"]}},
        })
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["INFO:talkative:made"]  # by basicConfig's formatter


def test_what_waits_is_sent_once_beside_a_queue_handler(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        """
        import dt_otlp_logs, queue
        from logging.handlers import QueueHandler, QueueListener
        records = queue.SimpleQueue()
        logging.getLogger().addHandler(QueueHandler(records))
        logged = threading.Event()

        def detect():
            logged.wait()

        def meanwhile():
            for number in range(3):
                logging.info("meanwhile %d", number)
            logged.set()

        threading.Timer(0.2, meanwhile).start()
        logging.info("first")
        listener = QueueListener(records, dt_otlp_logs.DynatraceLoggingHandler())
        listener.start()
        listener.stop()
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(map(str, contents(emulator))) == ["first", "meanwhile 0", "meanwhile 1", "meanwhile 2"]


def test_beside_a_handler_of_opentelemetrys_that_has_no_provider_yet_nothing_is_lost(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        """
        from opentelemetry.instrumentation.logging.handler import LoggingHandler
        logging.getLogger().addHandler(LoggingHandler())
        logged = threading.Event()

        def detect():
            logged.wait(30)

        def meanwhile():
            logging.info("meanwhile")
            logged.set()

        threading.Timer(0.2, meanwhile).start()
        logging.info("first")
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
    )
    assert done.returncode == 0
    assert {"first", "meanwhile"} <= set(contents(emulator))


def test_what_a_memory_handler_holds_until_the_end_is_sent(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        """
        import logging, logging.handlers, dt_otlp_logs
        memory = logging.handlers.MemoryHandler(100, target=dt_otlp_logs.DynatraceLoggingHandler())
        logging.basicConfig(handlers=[memory], level=logging.INFO)
        logging.info("kept")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["kept"]


def test_a_first_record_in_an_exit_hook_is_sent(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        "import opentelemetry.sdk._logs",
        DICT_CONFIG,
        """
        import atexit
        atexit.register(logging.info, "goodbye")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["goodbye"]


def test_a_processor_that_raises_costs_its_record_only_and_is_counted() -> None:
    class Raising(SimpleLogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            if log_record.log_record.body == 1:
                raise ValueError("a processor's own")
            super().on_emit(log_record)

    waiting = WaitingRecords()
    for number in range(3):
        waiting.get_logger("shop").emit(LogRecord(body=number))
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(Raising(exporter))
    assert waiting.hand_over(provider) == (0, 1)
    assert [record.log_record.body for record in exporter.get_finished_logs()] == [0, 2]


def test_who_logs_first_waits_for_the_start(emulator: RunningEmulator) -> None:
    done = run(
        emulator,
        DETECTOR,
        DICT_CONFIG,
        LONG_WAITS,
        """
        from dt_otlp_logs.handler import waiting_records
        holds_what_a_start_needs = pipeline_start._holds_what_a_start_needs
        # Long enough for the start, had it begun, to be importing the SDK.
        pipeline_start._holds_what_a_start_needs = lambda: time.sleep(0.2) or holds_what_a_start_needs()
        detect = lambda: time.sleep(0.5)
        logging.info("first")
        print(len(waiting_records.waiting_records))
        """,
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="slow",
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "0\n")
