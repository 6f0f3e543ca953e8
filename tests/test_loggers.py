"""Which loggers the handler is on, how open they are, and that it stays there when logging is configured later."""

import logging
import logging.config
import threading
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider

from doubles.instrumented import run_instrumented
from doubles.script import contents, run_script
from doubles.strict_server import STRICT_TOKEN, strict_server
from dt_otlp_logs import DynatraceLoggingHandler, LogPipeline, configure
from dt_otlp_logs.emulator import RunningEmulator


def start(emulator: RunningEmulator, **options: object) -> LogPipeline:
    return configure(emulator.url, emulator.api_token, service_name="checkout", set_global=False, **options)


@pytest.fixture(autouse=True)
def loggers_as_they_were() -> Iterator[None]:
    root_level = logging.root.level
    yield
    logging.root.setLevel(root_level)


@pytest.fixture
def alone() -> Iterator[logging.Logger]:
    """A logger that does not propagate, as uvicorn's and gunicorn's."""
    logger = logging.getLogger("alone")
    logger.propagate = False
    yield logger
    logger.setLevel(logging.NOTSET)
    logger.handlers.clear()


def test_further_loggers_get_the_handler_and_lose_it_at_the_end(
    emulator: RunningEmulator, alone: logging.Logger
) -> None:
    with start(emulator, loggers="alone, alone.child") as pipeline:
        assert pipeline.handler in alone.handlers
        alone.error("from a logger that does not propagate")
        logging.getLogger("alone.child").error("from one that propagates to it")
        logging.getLogger("shop").error("from any other")
    assert sorted(contents(emulator)) == [
        "from a logger that does not propagate",
        "from any other",
        "from one that propagates to it",
    ]
    assert pipeline.handler not in alone.handlers


def test_a_record_that_passes_the_handler_on_several_loggers_is_sent_once(emulator: RunningEmulator) -> None:
    with start(emulator, loggers=("a", "a.b", "a.b.c")):
        for number in range(3):
            logging.getLogger("a.b.c.d").error("record %d", number)
    assert contents(emulator) == ["record 0", "record 1", "record 2"]


def test_further_loggers_are_opened_as_the_first(emulator: RunningEmulator, alone: logging.Logger) -> None:
    alone.setLevel(logging.ERROR)
    with start(emulator, logger="shop", loggers="alone", level="INFO"):
        alone.info("opened")
        alone.debug("not so far")
    assert contents(emulator) == ["opened"]


def test_a_handler_that_lets_less_through_does_not_stand_in_for_ours(emulator: RunningEmulator) -> None:
    alerts = DynatraceLoggingHandler("ERROR")
    logging.root.addHandler(alerts)
    try:
        with start(emulator, level="INFO"):
            logging.getLogger("shop").info("info")
            logging.getLogger("shop").error("error")
    finally:
        logging.root.removeHandler(alerts)
    assert contents(emulator) == ["info", "error"]


def test_without_a_level_a_handler_that_is_there_says_what_is_sent(emulator: RunningEmulator) -> None:
    alerts = DynatraceLoggingHandler("ERROR")
    logging.root.addHandler(alerts)
    try:
        with start(emulator):
            logging.getLogger("shop").warning("warning")
            logging.getLogger("shop").error("error")
    finally:
        logging.root.removeHandler(alerts)
    assert contents(emulator) == ["error"]


def test_a_logger_that_was_opened_is_closed_again_at_the_end(emulator: RunningEmulator, alone: logging.Logger) -> None:
    alone.setLevel(logging.ERROR)
    with start(emulator, loggers="alone", level="INFO"):
        assert (alone.level, logging.root.level) == (logging.INFO, logging.INFO)
    assert (alone.level, logging.root.level) == (logging.ERROR, logging.WARNING)


@pytest.mark.parametrize(
    ("configure_logging", "afterwards"),
    [
        (lambda: logging.basicConfig(level="INFO"), logging.INFO),
        (
            lambda: logging.config.dictConfig(
                {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO"}}
            ),
            logging.INFO,
        ),
        (lambda: logging.basicConfig(level="ERROR"), logging.ERROR),
    ],
    ids=["basicConfig", "dictConfig", "less than ours"],
)
def test_a_level_that_logging_was_configured_to_meanwhile_stays(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, configure_logging: Callable[[], None], afterwards: int
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    with start(emulator, level="INFO"):
        configure_logging()
        assert logging.root.level == logging.INFO, "as was asked for here"
    assert logging.root.level == afterwards


def test_of_two_levels_asked_for_none_stays_at_the_end(emulator: RunningEmulator) -> None:
    with start(emulator, level="DEBUG"):
        start(emulator, level="INFO")
    assert logging.root.level == logging.WARNING


def test_a_level_that_the_application_set_meanwhile_stays(emulator: RunningEmulator) -> None:
    with start(emulator, level="INFO"):
        logging.root.setLevel(logging.DEBUG)
    assert logging.root.level == logging.DEBUG


def test_of_blocks_inside_each_other_the_outermost_ends_the_pipeline(emulator: RunningEmulator) -> None:
    with start(emulator) as outer:
        with start(emulator) as inner:
            logging.getLogger("shop").error("inside")
        assert inner is outer
        assert contents(emulator) == ["inside"], "delivered at the end of its block"
        logging.getLogger("shop").error("outside")
    assert contents(emulator) == ["inside", "outside"]


def test_without_a_level_no_logger_is_touched(emulator: RunningEmulator, alone: logging.Logger) -> None:
    alone.setLevel(logging.ERROR)
    with start(emulator, loggers="alone") as pipeline:
        assert (pipeline.handler.level, alone.level) == (logging.NOTSET, logging.ERROR)


def test_the_level_of_the_environment_opens_the_root_logger(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DT_OTLP_LOGS_LEVEL", "INFO")
    with start(emulator):
        logging.getLogger("shop").debug("not this")
        logging.getLogger("shop").info("this")
    assert contents(emulator) == ["this"]


def test_a_level_given_in_code_wins_over_the_environments(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DT_OTLP_LOGS_LEVEL", "INFO")
    with start(emulator, level=logging.ERROR):
        logging.getLogger("shop").warning("not this")
        logging.getLogger("shop").error("this")
    assert contents(emulator) == ["this"]


def test_a_second_call_may_change_the_level_of_the_loggers_it_is_about(emulator: RunningEmulator) -> None:
    with start(emulator) as pipeline:
        start(emulator, level=logging.ERROR)
        assert pipeline.handler.level == logging.ERROR
        start(emulator, level=logging.INFO)
        assert (pipeline.handler.level, logging.root.level) == (logging.INFO, logging.INFO)


def test_a_second_call_for_another_logger_takes_nothing_from_the_first(
    emulator: RunningEmulator, alone: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    with start(emulator, level=logging.INFO):
        start(emulator, logger=alone, level=logging.ERROR, loggers="further")
        logging.getLogger("shop").info("still sent")
    assert contents(emulator) == ["still sent"]
    assert "was called again" not in capsys.readouterr().err, "level and loggers are of each call"


def test_a_handler_of_opentelemetrys_for_another_backend_is_no_reason_to_stay_away(
    emulator: RunningEmulator, alone: logging.Logger
) -> None:
    alone.addHandler(LoggingHandler(logger_provider=LoggerProvider()))
    with start(emulator, logger=alone):
        alone.error("to both")
    assert contents(emulator) == ["to both"]


def test_our_handler_of_the_applications_own_configuration_keeps_its_say(
    emulator: RunningEmulator, alone: logging.Logger
) -> None:
    alone.addHandler(DynatraceLoggingHandler(level=logging.ERROR))
    with start(emulator, logger=alone):
        alone.warning("its level is the application's")
        alone.error("sent")
    assert contents(emulator) == ["sent"]


@pytest.mark.slow
def test_with_opentelemetry_switched_off_logging_is_left_as_it_is(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, sys, warnings
        from dt_otlp_logs import configure
        hook = sys.excepthook
        configure(level=logging.DEBUG, capture_warnings=True, capture_unhandled=True)
        assert (logging.root.level, logging.root.handlers, sys.excepthook) == (logging.WARNING, [], hook)
        warnings.warn("on the console as ever")
        """,
        OTEL_SDK_DISABLED="true",
    )
    assert done.returncode == 0, done.stderr
    assert "UserWarning: on the console as ever" in done.stderr
    assert not emulator.records()


UVICORN = """
        import copy, logging, logging.config
        import uvicorn.config
        from dt_otlp_logs import configure

        pipeline = configure()
        # As uvicorn does at its start, and once more for a reload.
        for _ in range(2):
            uvicorn.config.Config("app:app", log_config=copy.deepcopy(uvicorn.config.LOGGING_CONFIG))
        access = logging.getLogger("uvicorn.access")
        access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", "/cart", "1.1", 200)
        logging.getLogger("uvicorn.error").info("Started server process")
        logging.getLogger("shop").info("an app's own record")
        assert pipeline.flush()
"""


@pytest.mark.slow
def test_the_handler_survives_uvicorns_own_configuration(emulator: RunningEmulator) -> None:
    done = run_script(emulator, UVICORN, DT_OTLP_LOGS_LOGGERS="uvicorn,uvicorn.access", DT_OTLP_LOGS_LEVEL="info")
    assert done.returncode == 0, done.stderr
    assert contents(emulator) == [
        '127.0.0.1:1 - "GET /cart HTTP/1.1" 200',
        "Started server process",
        "an app's own record",
    ]
    assert done.stdout.count("GET /cart") == 1, "uvicorn's own console output is what it was"
    assert done.stderr.count("Started server process") == 1


@pytest.mark.slow
def test_everything_at_once_under_zero_code_arrives_once(tmp_path) -> None:
    app = (
        UVICORN
        + """
        logging.config.dictConfig({
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"}},
            "root": {"handlers": ["dynatrace"], "level": "INFO"},
        })
        logging.getLogger("shop").info("after dictConfig")
        access.info("access after dictConfig")
    """
    )
    expected = [
        '127.0.0.1:1 - "GET /cart HTTP/1.1" 200',
        "Started server process",
        "an app's own record",
        "after dictConfig",
        "access after dictConfig",
    ]
    for distro in ({}, {"OTEL_PYTHON_DISTRO": "dynatrace"}):
        with strict_server() as server:
            done = run_instrumented(
                tmp_path,
                app,
                **distro,
                DT_ENDPOINT=server.url,
                DT_API_TOKEN=STRICT_TOKEN,
                OTEL_LOGS_EXPORTER="dynatrace",
                OTEL_SERVICE_NAME="checkout",
                DT_OTLP_LOGS_LOGGERS="uvicorn,uvicorn.access",
                DT_OTLP_LOGS_LEVEL="INFO",
            )
        assert done.returncode == 0, done.stderr
        assert not server.errors
        assert server.stored == expected


@pytest.mark.slow
def test_opentelemetrys_handler_made_before_us_sends_nothing_twice(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging
        from opentelemetry.instrumentation.logging import LoggingInstrumentor
        from dt_otlp_logs import configure

        LoggingInstrumentor().instrument()  # there is no provider yet: it sends to the one that will be set
        pipeline = configure(loggers="shop")
        logging.getLogger("shop").error("on a further logger")
        logging.getLogger("any").error("on the root logger")
        assert pipeline.flush()
        """,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(contents(emulator)) == ["on a further logger", "on the root logger"]


@pytest.mark.slow
def test_opentelemetrys_handler_made_after_us_sends_nothing_twice(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging
        from opentelemetry.instrumentation.logging import LoggingInstrumentor
        from dt_otlp_logs import configure

        pipeline = configure(loggers="shop")
        LoggingInstrumentor().instrument()
        logging.getLogger("shop").error("on a further logger")
        logging.getLogger("any").error("on the root logger")
        assert pipeline.flush()
        """,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(contents(emulator)) == ["on a further logger", "on the root logger"]


@pytest.mark.slow
def test_a_further_logger_is_neither_disabled_nor_closed_by_a_later_dictconfig(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, logging.config
        from dt_otlp_logs import configure

        pipeline = configure(loggers="alone", level=logging.INFO)
        logging.getLogger("unnamed")
        # disable_existing_loggers is true unless set (docs.python.org, Configuration dictionary schema).
        logging.config.dictConfig({
            "version": 1,
            "handlers": {"null": {"class": "logging.NullHandler"}},
            "root": {"handlers": ["null"], "level": "WARNING"},
        })
        logging.getLogger("alone").info("of a logger that was to be sent")
        logging.getLogger("new").info("the root logger is open again")
        logging.getLogger("unnamed").error("the application disabled this one")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(contents(emulator)) == ["of a logger that was to be sent", "the root logger is open again"]


@pytest.mark.slow
def test_an_incremental_dictconfig_leaves_the_handler_where_it_is(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, logging.config
        from dt_otlp_logs import configure

        pipeline = configure()
        logging.config.dictConfig({"version": 1, "incremental": True, "loggers": {"shop": {"level": "DEBUG"}}})
        assert logging.root.handlers == [pipeline.handler]
        logging.getLogger("shop").debug("opened incrementally")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["opened incrementally"]


@pytest.mark.slow
def test_functions_imported_before_us_leave_the_handler_where_it_is(emulator: RunningEmulator, tmp_path) -> None:
    ini = tmp_path / "logging.ini"
    ini.write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=console\n[formatters]\nkeys=\n"
        "[logger_root]\nlevel=INFO\nhandlers=console\n"
        "[handler_console]\nclass=StreamHandler\nargs=(sys.stdout,)\n"
    )
    done = run_script(
        emulator,
        f"""
        import logging
        from logging.config import dictConfig, fileConfig
        from dt_otlp_logs import configure

        configure(loggers="alone")
        fileConfig({str(ini)!r})
        logging.info("after fileConfig")
        logging.getLogger("alone").error("not disabled")
        dictConfig({{"version": 1, "disable_existing_loggers": False}})
        logging.info("after dictConfig")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(contents(emulator)) == ["after dictConfig", "after fileConfig", "not disabled"]
    assert done.stdout == "after fileConfig\nnot disabled\nafter dictConfig\n"


@pytest.mark.slow
def test_a_configuration_that_fails_leaves_the_handler_where_it_is(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, logging.config
        from dt_otlp_logs import configure

        configure()
        try:
            logging.config.dictConfig({"version": 1, "handlers": {"x": {"class": "no.such.Handler"}}})
        except ValueError:
            logging.exception("logging could not be configured")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["logging could not be configured"]


@pytest.mark.slow
def test_a_handler_that_the_application_took_off_stays_off(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, logging.config
        from dt_otlp_logs import configure

        configure(loggers="alone")
        alone = logging.getLogger("alone")
        alone.handlers, alone.propagate = [], False  # as uvicorn does with --no-access-log
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
        alone.error("nobody asked for this any more")
        logging.error("still there")
        """,
    )
    assert done.returncode == 0, done.stderr
    assert contents(emulator) == ["still there"]


YAML = """\
version: 1
disable_existing_loggers: false
formatters:
  short:
    format: "%(name)s says %(message)s"
filters:
  from_shop:
    name: shop
handlers:
  dynatrace:
    class: dt_otlp_logs.DynatraceLoggingHandler
    level: INFO
    formatter: short
    filters: [from_shop]
root:
  level: DEBUG
  handlers: [dynatrace]
"""


@pytest.mark.slow
def test_a_yaml_file_sets_level_filters_and_formatter_of_our_class(emulator: RunningEmulator, tmp_path) -> None:
    file = tmp_path / "logging.yaml"
    file.write_text(YAML)
    done = run_script(
        emulator,
        f"""
        import logging, logging.config, pathlib, yaml

        existing = logging.getLogger("shop.existing")
        logging.config.dictConfig(yaml.safe_load(pathlib.Path({str(file)!r}).read_text()))
        existing.info("first", extra={{"order.id": 42}})
        logging.getLogger("shop").debug("below the handler's level")
        logging.getLogger("other").error("not of the filter's logger")
        logging.config.dictConfig({{
            "version": 1, "incremental": True, "handlers": {{"dynatrace": {{"level": "ERROR"}}}},
        }})
        logging.getLogger("shop").info("below the new level")
        logging.getLogger("shop").error("second")
        """,
        OTEL_SERVICE_NAME="checkout",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["shop.existing says first", "shop says second"]
    first = emulator.records()[0]
    assert (first["order.id"], first["loglevel"], first["service.name"]) == (42, "INFO", "checkout")


@pytest.mark.slow
def test_a_handler_from_dictconfig_brings_the_environments_loggers_and_captures(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, logging.config, warnings
        alone = logging.getLogger("alone")
        alone.propagate = False
        logging.config.dictConfig({
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"}},
            "root": {"handlers": ["dynatrace"]},
        })
        logging.error("the first record starts the pipeline")
        alone.error("from a further logger")
        warnings.warn("watch out")
        1 / 0
        """,
        DT_OTLP_LOGS_LOGGERS="alone",
        DT_OTLP_LOGS_CAPTURE_WARNINGS="true",
        DT_OTLP_LOGS_CAPTURE_UNHANDLED="true",
    )
    assert done.returncode == 1
    by_logger = {record["otel.scope.name"]: record["content"] for record in emulator.records()}
    assert by_logger.keys() == {"root", "alone", "py.warnings", "py.unhandled"}
    assert by_logger["alone"] == "from a further logger"
    assert "UserWarning: watch out" in by_logger["py.warnings"]
    assert "ZeroDivisionError: division by zero" in by_logger["py.unhandled"]


def test_a_second_call_attaches_again_where_the_application_has_emptied_a_loggers_handlers(
    emulator: RunningEmulator,
) -> None:
    logger = logging.getLogger("emptied")
    with configure(emulator.url, emulator.api_token, logger=logger, set_global=False) as pipeline:
        logger.handlers = []
        assert configure(emulator.url, emulator.api_token, logger=logger, set_global=False) is pipeline
        logger.error("hello")
    assert contents(emulator) == ["hello"]


def test_what_other_threads_log_while_logging_is_configured_is_not_lost(emulator: RunningEmulator) -> None:
    class Slow(logging.NullHandler):
        def __init__(self) -> None:
            super().__init__()
            thread = threading.Thread(target=logging.getLogger("other").error, args=("meanwhile",))
            thread.start()
            thread.join(10)

    with start(emulator):
        # logging remembers that; else the other thread would wait for the lock that dictConfig holds.
        assert logging.getLogger("other").isEnabledFor(logging.ERROR)
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "handlers": {"slow": {"()": Slow}},
                "root": {"handlers": ["slow"]},
            }
        )
    logging.root.handlers = [handler for handler in logging.root.handlers if not isinstance(handler, Slow)]
    assert contents(emulator) == ["meanwhile"]
