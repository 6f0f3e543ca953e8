"""structlog to Dynatrace: by way of logging and our handler, by OpenTelemetry's instrumentation, or both, each once.

The ways to set structlog up are those of https://www.structlog.org/en/stable/standard-library.html.
"""

import logging
from collections.abc import Iterator
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue

import pytest
from opentelemetry.sdk.trace import TracerProvider

structlog = pytest.importorskip("structlog")

from doubles.instrumented import run_instrumented  # noqa: E402
from doubles.script import contents, run_script  # noqa: E402
from doubles.strict_server import STRICT_TOKEN, strict_server  # noqa: E402
from dt_otlp_logs import LogPipeline, configure  # noqa: E402
from dt_otlp_logs.emulator import RunningEmulator  # noqa: E402
from dt_otlp_logs.handler.structlog_event import drop_repeated, take_event  # noqa: E402

WRAPPED = [structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
USUAL = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.StackInfoRenderer(),
    *WRAPPED,
]
WAYS = {
    "wrap_for_formatter": WRAPPED,
    "wrap_for_formatter behind the usual processors": USUAL,
    "render_to_log_kwargs": [structlog.stdlib.render_to_log_kwargs],
}
INTERNAL = {"_record", "_from_structlog", "_logger", "_name", "exc_info", "event"}


@pytest.fixture(autouse=True)
def structlog_as_it_was() -> Iterator[None]:
    logger_class = logging.getLoggerClass()
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.setLoggerClass(logger_class)


def start(emulator: RunningEmulator, processors: list[object]) -> LogPipeline:
    structlog.configure(
        processors=processors,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return configure(
        emulator.url, emulator.api_token, service_name="checkout", set_global=False, logger="structured", level="INFO"
    )


def only(emulator: RunningEmulator) -> dict[str, object]:
    (record,) = emulator.records()
    return record


@pytest.mark.parametrize("way", WAYS)
def test_an_event_is_the_content_and_its_values_are_typed_attributes(emulator: RunningEmulator, way: str) -> None:
    with start(emulator, WAYS[way]):
        log = structlog.get_logger("structured").bind(customer="c-1")
        log.info("order paid", amount=9.5, count=2, gift=False)
        log.debug("below the level")
    record = only(emulator)
    assert record["content"] == "order paid"
    assert (record["loglevel"], record["status"]) == ("INFO", "INFO")
    assert (record["customer"], record["amount"], record["count"], record["gift"]) == ("c-1", 9.5, 2, False)
    assert record["otel.scope.name"] == "structured"
    assert record["code.function.name"] == "test_an_event_is_the_content_and_its_values_are_typed_attributes"
    assert not INTERNAL & record.keys()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("method", "loglevel"),
    [("info", "INFO"), ("warning", "WARN"), ("error", "ERROR"), ("critical", "CRITICAL")],
)
def test_methods_become_dynatraces_words(emulator: RunningEmulator, way: str, method: str, loglevel: str) -> None:
    with start(emulator, WAYS[way]):
        getattr(structlog.get_logger("structured"), method)("x")
    assert only(emulator)["loglevel"] == loglevel


@pytest.mark.parametrize("way", WAYS)
def test_an_exception_arrives_with_type_message_and_stack(emulator: RunningEmulator, way: str) -> None:
    with start(emulator, WAYS[way]):
        try:
            {}["card"]
        except KeyError:
            structlog.get_logger("structured").exception("not paid", order=42)
    record = only(emulator)
    assert (record["content"], record["loglevel"], record["order"]) == ("not paid", "ERROR", 42)
    assert (record["exception.type"], record["exception.message"]) == ("KeyError", "'card'")
    assert "test_structlog.py" in str(record["exception.stacktrace"])
    assert not INTERNAL & record.keys()


@pytest.mark.parametrize("log", ["exception", "error"])
def test_an_exception_that_structlog_has_rendered_arrives_as_one(emulator: RunningEmulator, log: str) -> None:
    with start(emulator, [structlog.processors.format_exc_info, *WRAPPED]):
        try:
            {}["card"]
        except KeyError:
            getattr(structlog.get_logger("structured"), log)("not paid", exc_info=True)
    record = only(emulator)
    assert (record["content"], record["loglevel"]) == ("not paid", "ERROR")
    assert (record["exception.type"], record["exception.message"]) == ("KeyError", "'card'")
    assert str(record["exception.stacktrace"]).count("Traceback (most recent call last)") == 1
    assert "exception" not in record


def test_a_stack_arrives_under_opentelemetrys_name(emulator: RunningEmulator) -> None:
    with start(emulator, USUAL):
        structlog.get_logger("structured").info("where", stack_info=True)
    record = only(emulator)
    assert "test_a_stack_arrives_under_opentelemetrys_name" in str(record["code.stacktrace"])
    assert not {"stack", "stack_info"} & record.keys()


@pytest.mark.parametrize("way", WAYS)
def test_the_span_that_is_current_arrives(emulator: RunningEmulator, way: str) -> None:
    with start(emulator, WAYS[way]), TracerProvider().get_tracer("t").start_as_current_span("work") as span:
        structlog.get_logger("structured").info("traced")
    context = span.get_span_context()
    assert (only(emulator)["trace_id"], only(emulator)["span_id"]) == (
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
    )


@pytest.mark.parametrize(
    "stamper",
    [
        structlog.processors.TimeStamper(),
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.TimeStamper(fmt="iso", utc=False),
    ],
)
def test_what_structlog_repeats_of_the_record_arrives_once(emulator: RunningEmulator, stamper: object) -> None:
    structlog.contextvars.bind_contextvars(request="r-1")
    with start(emulator, [stamper, *USUAL]):
        structlog.get_logger("structured").warning("%d left", 3, message="bound", stack="of boxes")
    record = only(emulator)
    assert (record["content"], record["loglevel"], record["request"]) == ("3 left", "WARN", "r-1")
    assert not {"level", "logger", "overwritten1.timestamp"} & record.keys()
    assert (record["message"], record["stack"]) == ("bound", "of boxes")


def test_render_to_log_kwargs_repeats_nothing_of_the_record_either(emulator: RunningEmulator) -> None:
    with start(emulator, [*USUAL[:-1], structlog.stdlib.render_to_log_kwargs]):
        structlog.get_logger("structured").warning("%d left", 3, order=1)
    record = only(emulator)
    assert (record["content"], record["loglevel"], record["order"]) == ("3 left", "WARN", 1)
    assert not {"level", "logger", "overwritten1.timestamp"} & record.keys()


def test_of_render_to_log_kwargs_too_what_says_something_else_is_kept(emulator: RunningEmulator) -> None:
    with start(emulator, [structlog.stdlib.render_to_log_kwargs]):
        structlog.get_logger("structured").info("x", level="basement", logger="a person")
    record = only(emulator)
    assert (record["level"], record["logger"]) == ("basement", "a person")


@pytest.mark.parametrize("way", WAYS)
def test_a_queue_in_between_keeps_events_and_exceptions(emulator: RunningEmulator, way: str) -> None:
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    log = logging.getLogger("structured")
    with start(emulator, WAYS[way]) as pipeline:
        listener = QueueListener(queue, pipeline.handler)  # type: ignore[arg-type]
        listener.start()
        attached, log.handlers = log.handlers, [QueueHandler(queue)]  # type: ignore[arg-type]
        try:
            event = structlog.get_logger("structured").bind(customer="c-1")
            event.info("paid", amount=9.5)
            try:
                {}["card"]
            except KeyError:
                event.exception("not paid", order=42)
                event.error("not paid either", order=43, exc_info=True)
        finally:
            log.handlers = attached
            listener.stop()
    paid, *failed = emulator.records()
    assert (paid["content"], paid["customer"], paid["amount"]) == ("paid", "c-1", 9.5)
    assert [(record["content"], record["order"]) for record in failed] == [("not paid", 42), ("not paid either", 43)]
    for record in failed:
        assert (record["exception.type"], record["exception.message"]) == ("KeyError", "'card'")
        assert "test_structlog.py" in str(record["exception.stacktrace"])
        assert not INTERNAL & record.keys()


def test_what_says_something_else_than_the_record_is_kept(emulator: RunningEmulator) -> None:
    with start(emulator, WRAPPED):
        structlog.get_logger("structured").info("x", level="basement", logger="a person", exception="to the rule")
    record = only(emulator)
    assert (record["level"], record["logger"], record["exception"]) == ("basement", "a person", "to the rule")


@pytest.mark.parametrize(
    ("timestamp", "is_the_records"),
    [
        (1_700_000_000.5, True),
        ("2023-11-14T22:13:20.500000Z", True),
        ("2023-11-14T22:13:20.500000+00:00", True),
        ("2023-11-14T22:14:20Z", False),
        ("yesterday", False),
        (True, False),
        (None, False),
    ],
)
def test_a_timestamp_is_the_records_if_it_is_the_same_time(timestamp: object, is_the_records: bool) -> None:
    record = logging.LogRecord("structured", logging.INFO, "p", 1, {}, (), None)
    record.created = 1_700_000_000.5
    items = {"timestamp": timestamp}
    take_event({**vars(record), "_logger": None, "_name": "info"}, items)
    assert items == ({} if is_the_records else {"timestamp": timestamp})


class Incomparable:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("field", ["name", "levelno", "created"])
def test_a_record_that_says_nothing_sensible_is_no_repetition(field: str) -> None:
    items: dict[str, object] = {"level": "info", "logger": "structured", "timestamp": 1.5}
    given = dict(items)
    drop_repeated({"name": "x", "levelno": 0, "created": 1e9, field: Incomparable()}, items)
    assert items == given


def test_a_dict_message_of_any_other_origin_is_left_as_it_is() -> None:
    record = logging.LogRecord("structured", logging.INFO, "p", 1, {}, (), None)
    items: dict[str, object] = {"event": "e", "level": "info", "logger": "structured"}
    assert take_event(vars(record), items) == (None, "")
    assert items == {"event": "e", "level": "info", "logger": "structured"}


def test_an_event_rendered_as_json_arrives_as_that_text(emulator: RunningEmulator) -> None:
    with start(emulator, [structlog.processors.JSONRenderer(sort_keys=True)]):
        structlog.get_logger("structured").info("order paid", amount=9.5)
    assert only(emulator)["content"] == '{"amount": 9.5, "event": "order paid"}'


SETUP = """
    import logging, sys
    import structlog
    from opentelemetry.instrumentation.structlog import StructlogInstrumentor
    from dt_otlp_logs import configure

    def by_logging():
        structlog.configure(
            processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )

    def log():
        log = structlog.get_logger("structured")
        log.info("paid", order=1)
        try:
            1 / 0
        except ZeroDivisionError:
            log.exception("failed", order=2)
        log.critical("broken", order=3)
        logging.getLogger("structured").info("by logging itself")
"""
ORDERS = {
    "instrumented first": "StructlogInstrumentor().instrument(); by_logging(); configure(level='INFO')",
    "instrumented last": "configure(level='INFO'); by_logging(); StructlogInstrumentor().instrument()",
    "configured last": "configure(level='INFO'); StructlogInstrumentor().instrument(); by_logging()",
    "ours last": "by_logging(); StructlogInstrumentor().instrument(); configure(level='INFO')",
}


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_opentelemetrys_instrumentation_beside_our_handler_sends_nothing_twice(
    emulator: RunningEmulator, order: str
) -> None:
    done = run_script(emulator, SETUP + f"\n    {ORDERS[order]}\n    log()")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["paid", "failed", "broken", "by logging itself"]
    records = emulator.records()
    assert [record["loglevel"] for record in records] == ["INFO", "ERROR", "CRITICAL", "INFO"]
    assert records[1]["exception.type"] == "ZeroDivisionError"
    assert all("code.line.number" in record for record in records), "the handler's records are those that are sent"


@pytest.mark.slow
def test_what_the_handler_does_not_take_is_still_sent_by_the_instrumentation(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        SETUP
        + """
    by_logging()
    StructlogInstrumentor().instrument()
    configure(level="ERROR", logger="elsewhere")
    log()
    """,
    )
    assert done.returncode == 0
    assert contents(emulator) == ["paid", "failed", "broken"]


@pytest.mark.slow
def test_loggers_that_only_print_are_sent_by_the_instrumentation(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        SETUP
        + """
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(),
    )
    configure()
    StructlogInstrumentor().instrument()
    structlog.get_logger().warning("printed", order=1)
    """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count('"event": "printed"') == 1
    record = only(emulator)
    assert (record["content"], record["loglevel"], record["order"]) == ("printed", "WARN", 1)


@pytest.mark.slow
def test_zero_code_sends_every_event_once(tmp_path) -> None:
    app = (
        SETUP.replace("from dt_otlp_logs import configure", "")
        + """
    logging.getLogger().setLevel(logging.INFO)
    by_logging()
    log()
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(),
        wrapper_class=structlog.BoundLogger,
    )
    structlog.get_logger().info("printed")
    """
    )
    with strict_server() as server:
        done = run_instrumented(
            tmp_path,
            app,
            OTEL_PYTHON_DISTRO="dynatrace",
            DT_ENDPOINT=server.url,
            DT_API_TOKEN=STRICT_TOKEN,
            OTEL_SERVICE_NAME="checkout",
        )
    assert done.returncode == 0, done.stderr
    assert not server.errors
    assert sorted(server.stored) == ["broken", "by logging itself", "failed", "paid", "printed"]


@pytest.mark.slow
def test_configure_does_without_structlog_and_its_instrumentation(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, sys
        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name == "structlog":
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Missing())
        from dt_otlp_logs import configure
        configure()
        logging.error("all the same")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["all the same"]


@pytest.mark.slow
def test_without_any_instrumentation_installed_nothing_is_missed(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, sys

        class NotInstalled:
            def find_spec(self, name, path=None, target=None):
                if name.startswith("opentelemetry.instrumentation"):
                    raise ModuleNotFoundError(name=name)

        sys.meta_path.insert(0, NotInstalled())
        from dt_otlp_logs import configure
        with configure():
            logging.error("hello")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(emulator) == ["hello"]
