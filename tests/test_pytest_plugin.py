"""The pytest plugin, as other people's tests use it: here directly, and in sessions of their own."""

import logging
import logging.config
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber, get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from dt_otlp_logs import DynatraceLogExporter, configure
from dt_otlp_logs.emulator import Fault, RunningEmulator
from dt_otlp_logs.pytest_plugin import DynatraceLogs

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "tests_of_an_app"
DOCUMENT = ROOT / "docs" / "testing.md"
SECRET = "dt0c01.AAAABBBBCCCCDDDDEEEEFFFF.TOPSECRETTOPSECRETTOPSECRET"

log = logging.getLogger("shop")


@pytest.fixture
def session(pytester: pytest.Pytester) -> pytest.Pytester:
    """For test sessions in processes of their own, with the plugin found as installed."""
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider --strict-markers -W error\n")
    return pytester


@pytest.fixture
def running(dynatrace: RunningEmulator) -> None:
    configure(service_name="shop", level=logging.INFO)


# --- What arrived ---


@pytest.mark.usefixtures("running")
def test_a_record_is_shown_as_dynatrace_would_show_it(dynatrace_logs: DynatraceLogs) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("checkout") as span:
        log.error("card declined", extra={"order.id": 42, "customer": "Ada"})
    record = dynatrace_logs.one()
    assert (record.content, record.loglevel, record.status) == ("card declined", "ERROR", "ERROR")
    assert record.trace_id == trace.format_trace_id(span.get_span_context().trace_id)
    assert record.span_id == trace.format_span_id(span.get_span_context().span_id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", record.timestamp)
    assert record.attributes["order.id"] == 42
    assert record.attributes["customer"] == "Ada"
    assert record.attributes["service.name"] == "shop"
    assert not record.attributes.keys() & {"content", "loglevel", "status", "timestamp", "trace_id", "span_id"}


@pytest.mark.usefixtures("running")
def test_what_was_logged_is_there_at_the_first_look(dynatrace_logs: DynatraceLogs) -> None:
    assert not dynatrace_logs.contents
    for number in range(300):
        log.info("number %d", number)
    assert len(dynatrace_logs) == 300
    log.info("one more")
    assert dynatrace_logs.contents[-1] == "one more"
    assert {record.loglevel for record in dynatrace_logs} == {"INFO"}


@pytest.mark.parametrize(
    ("conditions", "contents"),
    [
        ({}, ["order 1 paid", "order 12 paid", "card declined"]),
        ({"content": "order 1"}, ["order 1 paid", "order 12 paid"]),
        ({"pattern": r"^order \d paid$"}, ["order 1 paid"]),
        ({"pattern": re.compile("DECLINED", re.IGNORECASE)}, ["card declined"]),
        ({"loglevel": "WARN"}, ["card declined"]),
        ({"loglevel": "warn"}, ["card declined"]),
        ({"attributes": {"order.id": 12}}, ["order 12 paid"]),
        ({"attributes": {"order.id": "12"}}, []),
        ({"attributes": {"absent": None}}, []),
        ({"customer": "Ada"}, ["order 1 paid"]),
        ({"status": "WARN"}, ["card declined"]),
        ({"content": "order", "customer": "Bob", "attributes": {"order.id": 12}}, ["order 12 paid"]),
        ({"content": "order", "customer": "Ada", "attributes": {"order.id": 12}}, []),
    ],
    ids=str,
)
@pytest.mark.usefixtures("running")
def test_records_are_found_by_all_conditions_given(
    dynatrace_logs: DynatraceLogs, conditions: dict[str, object], contents: list[str]
) -> None:
    log.info("order %d paid", 1, extra={"order.id": 1, "customer": "Ada"})
    log.info("order %d paid", 12, extra={"order.id": 12, "customer": "Bob"})
    log.warning("card declined")
    found = [record.content for record in dynatrace_logs.find(**conditions)]
    assert found == contents
    if len(contents) == 1:
        assert dynatrace_logs.one(**conditions).content == contents[0]


@pytest.mark.usefixtures("running")
def test_clear_forgets_what_is_on_its_way_too(dynatrace_logs: DynatraceLogs) -> None:
    log.info("before")
    dynatrace_logs.clear()
    log.info("after")
    assert dynatrace_logs.contents == ["after"]


@pytest.mark.usefixtures("running")
def test_a_thread_that_logs_later_is_waited_for(dynatrace_logs: DynatraceLogs) -> None:
    timers = [threading.Timer(0.3, log.info, ("late",)), threading.Timer(0.1, log.info, ("other",))]
    for timer in timers:
        timer.start()
    assert [record.content for record in dynatrace_logs.wait_for(content="late", timeout_seconds=60)] == ["late"]
    assert len(dynatrace_logs.wait_for(2)) == 2


@pytest.mark.slow
def test_another_process_is_waited_for(dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs) -> None:
    script = "import logging, dt_otlp_logs\nwith dt_otlp_logs.configure():\n    logging.error('from afar')"
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as process:
        (record,) = dynatrace_logs.wait_for(1, timeout_seconds=60)
        assert process.communicate(timeout=60)[1] == ""
    assert record.content == "from afar"


def test_a_provider_that_the_application_set_globally_is_flushed(
    dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs
) -> None:
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(DynatraceLogExporter()))
    set_logger_provider(provider)
    assert get_logger_provider() is provider
    provider.get_logger("shop").emit(severity_number=SeverityNumber.INFO, body="order paid")
    assert dynatrace_logs.contents == ["order paid"]


# --- What a failure says ---


def failure_of(call: object, *arguments: object, **conditions: object) -> list[str]:
    with pytest.raises(AssertionError) as raised:
        call(*arguments, **conditions)
    return str(raised.value).splitlines()


@pytest.mark.usefixtures("running")
def test_one_that_is_not_there_is_a_failure_that_lists_what_arrived(dynatrace_logs: DynatraceLogs) -> None:
    log.info("order paid", extra={"order.id": 42, "note": "x" * 100})
    lines = failure_of(
        dynatrace_logs.one, "declined", loglevel="warn", pattern="^c", customer="Ada", attributes={"order.id": 1}
    )
    wanted = "'declined', loglevel=WARN, matching '^c', order.id=1, customer='Ada'"
    assert lines == [
        f"expected one record ({wanted}); found 0 of 1 that arrived",
        f"  1. INFO  'order paid' service.name='shop' order.id=42 note='{'x' * 55}...'",
    ]


@pytest.mark.usefixtures("running")
def test_one_that_is_not_the_only_one_is_a_failure_that_lists_those_that_fit(dynatrace_logs: DynatraceLogs) -> None:
    for number in range(25):
        log.info("order %d paid", number)
    log.info("other")
    lines = failure_of(dynatrace_logs.one, "paid")
    assert lines[0] == "expected one record ('paid'); found 25 of 26 that arrived"
    assert lines[20] == "  20. INFO  'order 19 paid' service.name='shop'"
    assert lines[21:] == ["  ... and 5 more"]


@pytest.mark.usefixtures("running")
def test_waiting_in_vain_says_how_long_and_for_what(dynatrace_logs: DynatraceLogs) -> None:
    log.info("order paid")
    lines = failure_of(dynatrace_logs.wait_for, 2, content="paid", timeout_seconds=0.3)
    assert lines == [
        "waited 0.3 s for 2 records ('paid'); found 1 of 1 that arrived",
        "  1. INFO  'order paid' service.name='shop'",
    ]


@pytest.mark.usefixtures("running")
def test_no_text_shows_a_token(dynatrace_logs: DynatraceLogs) -> None:
    log.info("using %s for ada@example.com", SECRET, extra={"header": f"Api-Token {SECRET}"})
    record = dynatrace_logs.one()
    texts = [repr(record), repr(dynatrace_logs), dynatrace_logs.shown()]
    texts += failure_of(dynatrace_logs.one, SECRET, loglevel="ERROR", pattern=SECRET, header=SECRET)
    assert "dt0c01.AAAABBBBCCCCDDDDEEEEFFFF.*** for ada@example.com" in repr(record)
    assert not any("TOPSECRET" in text for text in texts)


def test_without_a_pipeline_the_failure_says_what_the_application_has_to_do(dynatrace_logs: DynatraceLogs) -> None:
    lines = failure_of(dynatrace_logs.one)
    assert lines[0] == "expected one record; found 0 of 0 that arrived"
    assert "no pipeline runs in this process" in lines[1]


def test_a_logger_that_lets_nothing_through_is_named(dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs) -> None:
    configure()
    logging.getLogger("app.that.is.too.quiet").info("too quiet")
    lines = failure_of(dynatrace_logs.one)
    assert lines[1:] == ["The pipeline was given nothing; the root logger lets WARNING and above through."]


# --- Faults ---


@pytest.mark.usefixtures("running")
def test_a_look_outlasts_a_short_fault(dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs) -> None:
    dynatrace.order(Fault(status=503, times=2))
    log.info("order paid")
    assert dynatrace_logs.contents == ["order paid"]
    assert [request["status"] for request in dynatrace.requests()] == [503, 503, 200]


@pytest.mark.usefixtures("running")
def test_a_look_during_an_outage_shows_what_has_arrived_and_why_no_more(
    dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs
) -> None:
    log.info("before")
    assert dynatrace_logs.contents == ["before"]
    dynatrace.order(Fault(status=503))
    log.info("during")
    lines = failure_of(dynatrace_logs.one, "during")
    assert re.fullmatch(r"Requests by status: 1 x 200, \d+ x 503\.", lines[2])
    assert re.fullmatch(r"Not delivered yet: 1 \(http://127.*: HTTP 503: Service Unavailable\)\.", lines[3])
    dynatrace.clear_faults()
    assert dynatrace_logs.contents == ["before", "during"]


@pytest.mark.usefixtures("running")
def test_a_token_that_is_refused_and_then_accepted_needs_no_sleep(
    dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs
) -> None:
    dynatrace.order(Fault(status=401, times=1))
    log.info("order paid")
    assert dynatrace_logs.contents == ["order paid"]


@pytest.mark.usefixtures("running")
def test_records_that_dynatrace_refuses_are_said_to_be_lost(
    dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs
) -> None:
    dynatrace.order(Fault(rejected_records=1, times=1))
    log.info("order paid")
    lines = failure_of(dynatrace_logs.one, "order paid")
    assert [line for line in lines if line.startswith("Lost: 1 (")]


# --- What kind of Dynatrace ---


@pytest.mark.dynatrace(profile="classic", structure="raw")
class TestMarkers:
    @pytest.mark.usefixtures("running")
    def test_a_marker_on_the_class_holds(self, dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs) -> None:
        log.info("order paid", extra={"order.id": 42})
        assert dynatrace_logs.one().attributes["order.id"] == "42"
        assert dynatrace.settings.structure == "raw"

    @pytest.mark.dynatrace(profile="grail")
    def test_a_nearer_marker_wins_for_what_it_names(self, dynatrace: RunningEmulator) -> None:
        assert (dynatrace.settings.profile, dynatrace.settings.structure) == ("grail", "raw")


@pytest.mark.slow
def test_a_marker_that_makes_no_sense_is_an_error_in_one_line(session: pytest.Pytester) -> None:
    session.makepyfile(
        """
        import pytest

        @pytest.mark.dynatrace(profil="classic")
        def test_name(dynatrace): ...

        @pytest.mark.dynatrace(profile="classical")
        def test_value(dynatrace): ...

        @pytest.mark.dynatrace("classic")
        def test_without_name(dynatrace): ...
        """
    )
    result = session.runpytest_subprocess()
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.dynatrace does not know profil; there are: accept_otlp_json, *profile, *",
            "@pytest.mark.dynatrace: profile has to be one of 'grail', *, not 'classical'",
            "@pytest.mark.dynatrace takes settings by name; there are: *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*During handling*")


# --- The environment ---


@pytest.fixture
def developers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DT_ENDPOINT", "https://abc12345.live.dynatrace.com")
    monkeypatch.setenv("DT_API_TOKEN_FILE", "/nowhere")
    monkeypatch.setenv("DT_OTLP_LOGS_QUEUE_DIRECTORY", "/nowhere")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "authorization=Api-Token%20abc")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    monkeypatch.setenv("DT_REGION", "the application's own")


def test_nothing_of_the_developers_environment_leads_elsewhere(
    developers_environment: None, dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs
) -> None:
    assert {name for name in os.environ if name.startswith(("DT_", "OTEL_"))} == {
        *("DT_ENDPOINT", "DT_API_TOKEN", "DT_REGION")
    }
    assert (os.environ["DT_ENDPOINT"], os.environ["DT_API_TOKEN"]) == (dynatrace.url, dynatrace.api_token)
    assert os.environ["HTTP_PROXY"] == "http://proxy.example:3128"
    assert os.environ["NO_PROXY"] == "internal.example,127.0.0.1"
    configure()
    log.error("order lost")
    dynatrace_logs.one("order lost")


# --- Tests in a row ---

TWICE = """
import logging, logging.config
import pytest
from opentelemetry._logs import SeverityNumber, get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from dt_otlp_logs import DynatraceLogExporter, configure

log, bystander = logging.getLogger("shop"), logging.getLogger("bystander")
pipelines = []
LOGGING = {
    "version": 1,
    "handlers": {"dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"}},
    "root": {"handlers": ["dynatrace"], "level": "INFO"},
    "loggers": {"shop": {"level": "DEBUG"}},
}

def by_configure():
    configure(level=logging.DEBUG)
    return log.debug

def by_a_block():
    with configure() as pipeline:
        pass
    pipelines.append(configure(logger="shop", level=logging.DEBUG, set_global=False))
    return log.debug

def by_dict_config():
    logging.config.dictConfig(LOGGING)
    assert bystander.disabled
    return log.debug

def by_a_provider():
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(DynatraceLogExporter()))
    set_logger_provider(provider)
    return lambda text: get_logger_provider().get_logger("x").emit(severity_number=SeverityNumber.INFO, body=text)

def by_an_attachment_to_a_provider():
    provider = LoggerProvider()
    set_logger_provider(provider)
    assert configure().provider is provider
    return log.error

@pytest.mark.parametrize("turn", ["first", "second", "third"])
@pytest.mark.parametrize(
    "way", [by_configure, by_dict_config, by_a_provider, by_an_attachment_to_a_provider, by_a_block]
)
def test_way(way, turn, dynatrace_logs):
    say = way()
    say(f"{way.__name__} {turn}")
    assert dynatrace_logs.contents == [f"{way.__name__} {turn}"]

def test_nothing_is_left_behind(caplog, capsys):
    assert [pipeline.exporter.is_shut_down for pipeline in pipelines] == [True, True, True]
    root = logging.getLogger()
    assert (root.level, log.level, log.disabled, log.handlers) == (logging.WARNING, logging.NOTSET, False, [])
    assert not [handler for handler in root.handlers if type(handler).__module__.startswith("dt_otlp_logs")]
    assert not bystander.disabled
    assert not isinstance(get_logger_provider(), LoggerProvider)
    log.error("said to caplog alone")
    assert caplog.messages == ["said to caplog alone"]
    assert capsys.readouterr().err == ""
"""


@pytest.mark.slow
def test_tests_in_a_row_each_configure_and_leave_nothing_behind(session: pytest.Pytester) -> None:
    session.makepyfile(TWICE)
    session.runpytest_subprocess().assert_outcomes(passed=16)


@pytest.mark.slow
def test_a_handler_that_dictconfig_made_once_delivers_in_each_test_and_only_there(session: pytest.Pytester) -> None:
    session.makepyfile(
        """
        import logging.config, os
        import pytest

        logging.config.dictConfig(
            {
                "version": 1,
                "handlers": {"dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"}},
                "loggers": {"shop": {"handlers": ["dynatrace"]}},
            }
        )
        log = logging.getLogger("shop")

        @pytest.mark.parametrize("turn", [1, 2])
        def test_it_delivers(turn, dynatrace_logs):
            log.error("turn %d", turn)
            assert dynatrace_logs.contents == [f"turn {turn}"]

        def test_it_is_silent_elsewhere(capsys):
            log.error("nobody asked for it")
            assert capsys.readouterr().err == ""

        def test_it_delivers_again(dynatrace_logs):
            log.error("again")
            assert dynatrace_logs.contents == ["again"]
        """
    )
    session.runpytest_subprocess().assert_outcomes(passed=4)


@pytest.mark.slow
def test_a_provider_that_was_there_before_all_tests_stays_and_is_attached_to_in_each(
    session: pytest.Pytester,
) -> None:
    session.makepyfile(
        """
        import logging
        import pytest
        from opentelemetry._logs import get_logger_provider, set_logger_provider
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
        from dt_otlp_logs import configure

        kept = InMemoryLogRecordExporter()
        provider = LoggerProvider()
        provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
        set_logger_provider(provider)

        @pytest.mark.parametrize("turn", [1, 2])
        def test_it_delivers(turn, dynatrace_logs):
            assert configure().provider is provider
            logging.error("turn %d", turn)
            assert dynatrace_logs.contents == [f"turn {turn}"]

        def test_it_is_still_there():
            assert get_logger_provider() is provider
            assert len(kept.get_finished_logs()) == 2
        """
    )
    session.runpytest_subprocess().assert_outcomes(passed=3)


@pytest.mark.usefixtures("running")
def test_caplog_and_dynatrace_see_the_same_record(
    caplog: pytest.LogCaptureFixture, dynatrace_logs: DynatraceLogs
) -> None:
    log.info("order paid")
    assert caplog.messages == dynatrace_logs.contents == ["order paid"]


@pytest.fixture
def uvicorns_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("uvicorn.access")
    before = logger.propagate, logger.level
    logger.propagate, logger.level = True, logging.INFO
    yield logger
    assert (logger.propagate, logger.level) == (True, logging.INFO)
    logger.propagate, logger.level = before


def test_the_emulators_own_server_never_speaks_in_the_applications_logs(
    uvicorns_logger: logging.Logger, dynatrace_logs: DynatraceLogs, caplog: pytest.LogCaptureFixture
) -> None:
    configure(level=logging.DEBUG)
    uvicorns_logger.info("the application's own request")
    for _ in range(3):
        assert dynatrace_logs.contents == ["the application's own request"]
    assert [record.name for record in caplog.records if record.name.startswith("uvicorn")] == ["uvicorn.access"]


# --- As a guest in every session ---


@pytest.mark.slow
def test_a_session_that_asks_for_no_fixture_gets_nothing_imported(session: pytest.Pytester) -> None:
    session.makepyfile(
        """
        import sys

        def test_modules():
            assert "dt_otlp_logs.pytest_plugin" in sys.modules
            roots = {name.partition(".")[0] for name in sys.modules}
            assert not roots & {"starlette", "uvicorn", "opentelemetry", "urllib3", "google"}
            ours = {name for name in sys.modules if name.startswith("dt_otlp_logs.")}
            assert {name.split(".")[1] for name in ours} == {"pytest_plugin"}
        """
    )
    session.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.slow
def test_without_the_emulators_packages_one_line_says_what_to_install(session: pytest.Pytester) -> None:
    session.makeconftest("import sys\nsys.modules['starlette'] = sys.modules['uvicorn'] = None")
    session.makepyfile("def test_logs(dynatrace_logs): ...\ndef test_nothing(): ...")
    result = session.runpytest_subprocess()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(
        ["the fixture `dynatrace` needs: pip install 'dt-otlp-logs[[]pytest[]]': starlette and uvicorn not found"]
    )
    result.stdout.no_fnmatch_line("*Error*")


@pytest.mark.slow
def test_a_test_that_fails_shows_what_arrived_with_tokens_masked(session: pytest.Pytester) -> None:
    session.makepyfile(
        f"""
        import logging
        from dt_otlp_logs import configure

        def test_fails(dynatrace_logs):
            configure(service_name="shop")
            logging.getLogger("shop").error("order lost", extra={{"token": "{SECRET}"}})
            assert len(dynatrace_logs) == 2
        """
    )
    result = session.runpytest_subprocess("--tb=short")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E    +  where 1 = len(<dynatrace_logs: 1 arrived>)",
            "*Captured Dynatrace's records teardown*",
            "  1. ERROR 'order lost' service.name='shop' token='dt0c01.AAAABBBBCCCCDDDDEEEEFFFF.*",
        ]
    )
    result.stdout.no_fnmatch_line("*TOPSECRET*")


# --- The example and the document ---


def pytest_run(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_example_runs_as_it_stands() -> None:
    tests = len(re.findall(r"^def test_", (EXAMPLE / "test_shop.py").read_text("utf-8"), re.MULTILINE))
    assert f"{tests} passed in" in pytest_run(ROOT, "examples/tests_of_an_app")


def test_every_block_of_the_document_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert DOCUMENT.read_text("utf-8").count("```") == 2 * len(blocks)
    for name, block in blocks:
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(block)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = --strict-markers\n")
    tests = sum(len(re.findall(r"^def test_", block, re.MULTILINE)) for _, block in blocks)
    assert f"{tests} passed in" in pytest_run(tmp_path)
