"""From logging to OpenTelemetry: what a record says, and that no record can hurt the application.

Expected loglevels are Dynatrace's words (semantic dictionary, `loglevel`); severity numbers are OpenTelemetry's.
"""

import logging

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord

from dt_otlp_logs import DynatraceLoggingHandler
from handler.logged import Logged, attributes


def test_message_logger_and_place_are_there(logged: Logged) -> None:
    logged.log.warning("order %d of %s", 42, "Ada")
    record = logged.only
    assert record.log_record.body == "order 42 of Ada"
    assert record.instrumentation_scope.name == "handled"
    found = attributes(record)
    assert found["code.file.path"] == __file__
    assert found["code.function.name"] == "test_message_logger_and_place_are_there"
    assert found["thread.name"] == "MainThread"


def test_extra_arrives_with_its_types(logged: Logged) -> None:
    logged.log.info(
        "x", extra={"n": 1, "f": 1.5, "b": True, "s": "text", "l": [1, 2], "d": {"a": {"b": 1}}, "none": None}
    )
    found = attributes(logged.only)
    assert (found["n"], found["f"], found["b"], found["s"]) == (1, 1.5, True, "text")
    assert list(found["l"]) == [1, 2]
    assert found["d"]["a"]["b"] == 1


def test_an_exception_says_its_type_message_and_whole_story(logged: Logged) -> None:
    class OutOfTeaError(Exception):
        def __str__(self) -> str:
            return "no tea left"

    try:
        try:
            {}["tea"]
        except KeyError as cause:
            raise OutOfTeaError(1, 2) from cause
    except OutOfTeaError:
        logged.log.exception("order failed")
    found = attributes(logged.only)
    assert found["exception.type"].endswith("OutOfTeaError")
    assert found["exception.type"].startswith(__name__)
    assert found["exception.message"] == "no tea left"
    assert "KeyError: 'tea'" in found["exception.stacktrace"]
    assert "direct cause" in found["exception.stacktrace"]


def test_a_builtin_exception_is_named_without_a_module(logged: Logged) -> None:
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logged.log.exception("x")
    assert attributes(logged.only)["exception.type"] == "ZeroDivisionError"


def test_event_name_and_injected_correlation_keys(logged: Logged) -> None:
    logged.log.info(
        "x", extra={"event.name": "order.paid", "otelTraceID": "0", "otelSpanID": "0", "dt.trace_id": "abc"}
    )
    record = logged.only
    assert record.log_record.event_name == "order.paid"
    found = attributes(record)
    assert not {"event.name", "otelTraceID", "otelSpanID"} & set(found)
    assert found["dt.trace_id"] == "abc", "what OneAgent's correlation needs is kept"


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no str")

    __repr__ = __str__


CYCLE: dict[str, object] = {}
CYCLE["self"] = CYCLE


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("%d", "not a number"), {}),
        (("%s %s", "only one"), {}),
        (("%s", Hostile()), {}),
        ((Hostile(),), {}),
        (("x",), {"a": Hostile()}),
        (("x",), {"a": CYCLE}),
        (("x",), {"a": [[[[[[Hostile()]]]]]]}),
        (("\ud800 lone surrogate",), {"a": "\udfff"}),
        (("x" * 1_000_000,), {}),
    ],
)
def test_no_record_raises_into_the_application_and_none_is_lost(
    logged: Logged, arguments: tuple[object, ...], extra: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    # By hand, since pytest's own handlers raise what ours must not.
    message, *rest = arguments
    record = logged.log.makeRecord("handled", logging.WARNING, "x.py", 1, message, tuple(rest), None, extra=extra)
    logged.handler.handle(record)
    assert isinstance(logged.only.log_record.body, str)


def test_a_provider_that_raises_is_handled_as_every_handler_does(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def get_logger(self, *_: object) -> None:
            raise RuntimeError("broken provider")

    handler = DynatraceLoggingHandler(logger_provider=Broken())  # type: ignore[arg-type]
    handler.handle(logging.LogRecord("x", logging.INFO, "x", 1, "x", (), None))
    assert "broken provider" in capsys.readouterr().err


def test_a_formatter_is_honoured(logged: Logged) -> None:
    logged.handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    logged.log.info("x")
    assert logged.only.log_record.body == "[INFO] x"


def test_a_record_logged_while_a_record_is_handled_arrives_and_does_not_loop(logged: Logged) -> None:
    def record(message: object) -> logging.LogRecord:
        return logged.log.makeRecord("handled", logging.INFO, "x.py", 1, message, (), None)

    class Chatty:
        def __str__(self) -> str:
            logged.handler.handle(record("from inside"))
            return "chatty"

    logged.handler.handle(record(Chatty()))
    assert [record.log_record.body for record in logged.records] == ["from inside", "chatty"]


def test_values_are_those_of_the_moment_of_the_call(logged: Logged) -> None:
    items = ["tea"]
    logged.log.info("x", extra={"items": items})
    items.append("cup")
    assert list(attributes(logged.only)["items"]) == ["tea"]


def handled(logged: Logged, *, level: int = logging.INFO, **fields: object) -> ReadableLogRecord:
    record = logging.LogRecord("handled", level, "x.py", 1, "x", (), None)
    vars(record).update(fields)
    logged.handler.handle(record)
    return logged.only


def test_a_mapping_that_raises_costs_no_record(logged: Logged) -> None:
    class Broken(dict):
        def items(self):
            raise RuntimeError("no items")

    assert "no items" not in str(attributes(handled(logged, broken=Broken(a=1)))["broken"])


def test_objects_that_point_at_each_other_are_cut_off(logged: Logged) -> None:
    parent: dict[str, object] = {}
    parent["children"] = [{"parent": parent, "n": n} for n in range(20)]
    assert len(str(attributes(handled(logged, tree=parent))["tree"])) < 200_000


def test_recursion_without_end_in_a_repr_does_not_reach_the_application(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    class Endless:
        def __str__(self) -> str:
            return str(self)

        __repr__ = __str__

    logged.handler.handle(logging.LogRecord("handled", logging.INFO, "x.py", 1, Endless(), (), None))
    assert logged.only


def test_the_trace_of_a_record_from_another_process_is_kept(logged: Logged) -> None:
    assert (
        attributes(handled(logged, exc_text="Traceback: over there"))["exception.stacktrace"] == "Traceback: over there"
    )


def test_suppressed_instrumentation_suppresses_no_logging_but_that_of_exporting(logged: Logged) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        logged.handler.handle(logging.LogRecord("urllib3.connectionpool", logging.DEBUG, "x.py", 1, "POST", (), None))
        logged.log.info("the application's own")
    assert logged.only.log_record.body == "the application's own"


def test_opentelemetrys_handler_covers_only_the_levels_it_lets_through() -> None:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    logged = Logged()
    other = LoggingHandler(level=logging.ERROR, logger_provider=logged.handler._given_provider)
    logged.log.addHandler(other)
    try:
        logged.log.info("ours")
        logged.log.error("theirs")
    finally:
        logged.log.removeHandler(other)
        logged.log.removeHandler(logged.handler)
    assert [record.log_record.body for record in logged.records] == ["ours", "theirs"]
