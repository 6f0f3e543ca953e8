"""loguru to Dynatrace: the handler as its sink, and beside the ways between loguru and logging.

Expected loglevels are Dynatrace's words (semantic dictionary, `loglevel`); levels are those of
https://loguru.readthedocs.io/en/stable/api/logger.html, "The severity levels".
"""

import contextlib
import inspect
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import get_current_span

loguru = pytest.importorskip("loguru")

from loguru import logger  # noqa: E402

from doubles.script import contents, run_script  # noqa: E402
from dt_otlp_logs import DynatraceLoggingHandler, LogPipeline, configure  # noqa: E402
from dt_otlp_logs.emulator import RunningEmulator  # noqa: E402
from dt_otlp_logs.handler.loguru_message import logging_record  # noqa: E402


@contextlib.contextmanager
def sink(
    emulator: RunningEmulator,
    handler: logging.Handler | None = None,
    *,
    attached_to: str = "nothing",
    **options: object,
) -> Iterator[LogPipeline]:
    """loguru with our handler as one more sink, and the pipeline behind it."""
    with configure(
        emulator.url, emulator.api_token, service_name="checkout", set_global=False, logger=attached_to
    ) as pipeline:
        number = logger.add(handler or DynatraceLoggingHandler(), **options)
        try:
            yield pipeline
        finally:
            logger.remove(number)


def only(emulator: RunningEmulator) -> dict[str, object]:
    (record,) = emulator.records()
    return record


@pytest.mark.parametrize("options", [{}, {"format": "{message}"}, {"format": lambda _: "{level} {message}"}])
def test_a_message_arrives_as_it_was_logged_whatever_the_sinks_format(
    emulator: RunningEmulator, options: dict[str, object]
) -> None:
    with sink(emulator, **options):
        logger.bind(cart="c-1").info("{} of {count} paid, 100 %d", 1, count=3)
    record = only(emulator)
    assert record["content"] == "1 of 3 paid, 100 %d"
    assert (record["loglevel"], record["status"]) == ("INFO", "INFO")
    assert (record["cart"], record["count"]) == ("c-1", 3), "typed attributes"
    assert record["otel.scope.name"] == __name__
    assert record["code.file.path"] == __file__
    assert record["code.function.name"] == "test_a_message_arrives_as_it_was_logged_whatever_the_sinks_format"
    assert record["code.line.number"] > 1
    assert record["thread.name"] == "MainThread"


@pytest.mark.parametrize(
    ("name", "loglevel", "status"),
    [
        ("TRACE", "DEBUG", "INFO"),  # there is no TRACE in the table of docs.dynatrace.com
        ("DEBUG", "DEBUG", "INFO"),
        ("INFO", "INFO", "INFO"),
        ("SUCCESS", "INFO", "INFO"),
        ("WARNING", "WARN", "WARN"),
        ("ERROR", "ERROR", "ERROR"),
        ("CRITICAL", "CRITICAL", "ERROR"),
    ],
)
def test_levels_become_dynatraces_words(emulator: RunningEmulator, name: str, loglevel: str, status: str) -> None:
    with sink(emulator, level=0):
        logger.log(name, "x")
    record = only(emulator)
    assert (record["loglevel"], record["status"]) == (loglevel, status)
    assert record.get("log.raw_level") == ("SUCCESS" if name == "SUCCESS" else None)


def test_an_exception_arrives_once_and_not_in_the_content(emulator: RunningEmulator) -> None:
    with sink(emulator):
        secret = "hunter2"
        try:
            {}[secret[:1]]
        except KeyError:
            logger.exception("login failed")
    record = only(emulator)
    assert record["content"] == "login failed"
    assert (record["exception.type"], record["exception.message"]) == ("KeyError", "'h'")
    assert str(record["exception.stacktrace"]).count("Traceback (most recent call last)") == 1
    assert "hunter2" not in str(emulator.records()), "loguru's own text of it shows the values of variables"


def test_what_catch_catches_arrives(emulator: RunningEmulator) -> None:
    with sink(emulator), logger.catch():
        raise ValueError("caught by loguru")
    record = only(emulator)
    assert (record["loglevel"], record["exception.message"]) == ("ERROR", "caught by loguru")


def test_the_span_that_is_current_arrives(emulator: RunningEmulator) -> None:
    with sink(emulator), TracerProvider().get_tracer("t").start_as_current_span("work") as span:
        logger.info("traced")
    assert only(emulator)["trace_id"] == f"{span.get_span_context().trace_id:032x}"


def test_names_that_a_record_has_for_itself_keep_a_name_of_their_own(emulator: RunningEmulator) -> None:
    with sink(emulator):
        logger.bind(name="Ada", message="m", module=7, args=[1], thread="t").info("bound")
    record = only(emulator)
    assert record["content"] == "bound"
    assert (record["extra.name"], record["extra.message"], record["extra.module"]) == ("Ada", "m", 7)
    assert record["extra.thread"] == "t"
    assert record["otel.scope.name"] == __name__


def test_contextualized_and_patched_values_arrive(emulator: RunningEmulator) -> None:
    with sink(emulator), logger.contextualize(request="r-1"):
        logger.patch(lambda record: record["extra"].update(patched=True)).info("x")
    assert (only(emulator)["request"], only(emulator)["patched"]) == ("r-1", True)


def test_level_and_filters_of_the_handler_hold_too(emulator: RunningEmulator) -> None:
    handler = DynatraceLoggingHandler(level=logging.ERROR)
    handler.addFilter(lambda record: record.getMessage() != "not this")
    with sink(emulator, handler):
        logger.warning("below")
        logger.error("not this")
        logger.error("this")
    assert contents(emulator) == ["this"]


def test_a_sink_with_a_queue_delivers_with_the_time_and_thread_of_the_call(emulator: RunningEmulator) -> None:
    with sink(emulator, enqueue=True):
        try:
            {}["x"]
        except KeyError:
            logger.exception("queued")
        logger.complete()
    record = only(emulator)
    assert (record["content"], record["thread.name"]) == ("queued", "MainThread")
    assert record["exception.type"] == "KeyError"


def with_span(record: dict[str, Any]) -> None:
    """As examples/loguru_app.py has it: a patcher runs where the message is logged, a sink with a queue elsewhere."""
    span = get_current_span().get_span_context()
    if span.is_valid:
        record["extra"].update(
            otelTraceID=f"{span.trace_id:032x}",
            otelSpanID=f"{span.span_id:016x}",
            otelTraceSampled=span.trace_flags.sampled,
        )


@pytest.mark.parametrize("enqueue", [True, False])
def test_a_patcher_takes_the_span_through_a_sinks_queue(emulator: RunningEmulator, enqueue: bool) -> None:
    with sink(emulator, enqueue=enqueue):
        with TracerProvider().get_tracer("t").start_as_current_span("work") as span:
            logger.patch(with_span).info("traced")
        logger.patch(with_span).info("not traced")
        logger.complete()
    traced, other = emulator.records()
    of = span.get_span_context()
    assert (traced["trace_id"], traced["span_id"]) == (f"{of.trace_id:032x}", f"{of.span_id:016x}")
    assert not [name for name in traced if name.startswith(("otelTrace", "otelSpan"))]
    assert "trace_id" not in other


def test_it_does_not_matter_that_other_handlers_are_on_the_root_logger(emulator: RunningEmulator) -> None:
    # What loguru hands over passes no logger of logging's: neither handler there sends it.
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    with sink(emulator, attached_to="root") as pipeline:
        opentelemetrys = LoggingHandler(logger_provider=pipeline.provider)
        logging.root.addHandler(opentelemetrys)
        try:
            logger.error("by loguru")
            logging.getLogger("shop").error("by logging")
        finally:
            logging.root.removeHandler(opentelemetrys)
    assert sorted(contents(emulator)) == ["by logging", "by loguru"]


def test_from_loguru_on_to_logging_it_arrives_once_by_the_handler_there(emulator: RunningEmulator) -> None:
    # "PropagateHandler" of https://loguru.readthedocs.io/en/stable/overview.html
    class PropagateHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger(record.name).handle(record)

    with configure(emulator.url, emulator.api_token, set_global=False) as pipeline:
        number = logger.add(PropagateHandler(), format="{message}")
        try:
            logger.error("propagated")
        finally:
            logger.remove(number)
        pipeline.flush()
    assert contents(emulator) == ["propagated"]


class InterceptHandler(logging.Handler):
    """From logging on to loguru, as its documentation has it ("Entirely compatible with standard logging")."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        frame, depth = inspect.currentframe(), 0
        while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
            frame = frame.f_back
            depth += 1
        logger.opt(depth=depth, exception=record.exc_info).log(level, record.getMessage())


def test_what_is_intercepted_arrives_once_and_comes_to_rest(emulator: RunningEmulator) -> None:
    intercepting = InterceptHandler()
    logging.root.addHandler(intercepting)
    level = logging.root.level
    logging.root.setLevel(logging.DEBUG)  # the exporter's own requests log at DEBUG
    try:
        with sink(emulator) as pipeline:
            logging.getLogger("library").warning("intercepted")
            logger.info("loguru's own")
            assert pipeline.flush()
            assert pipeline.flush(), "sending has caused no record"
            assert pipeline.stats().accepted == len(emulator.records())
    finally:
        logging.root.removeHandler(intercepting)
        logging.root.setLevel(level)
    assert [content for content in contents(emulator) if "tercepted" in str(content)] == ["intercepted"]
    assert "loguru's own" in contents(emulator)
    assert not [record for record in emulator.records() if str(record["otel.scope.name"]).startswith("urllib3")]


@pytest.mark.slow
def test_the_handler_alone_configures_itself_from_the_environment(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        from loguru import logger
        from dt_otlp_logs import DynatraceLoggingHandler
        logger.remove()
        logger.add(DynatraceLoggingHandler())
        logger.success("done")
        """,
        OTEL_SERVICE_NAME="nightly",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (only(emulator)["content"], only(emulator)["service.name"]) == ("done", "nightly")


@pytest.mark.parametrize("message", ["a line printed to the handler\n", "", None, 42])
def test_a_text_of_another_origin_is_no_record(message: object) -> None:
    assert logging_record(message) is None
    DynatraceLoggingHandler().write(message)
