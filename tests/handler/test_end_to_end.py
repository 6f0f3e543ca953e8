"""A record by way of a queue, the whole pipeline and OTLP, as a server that is not ours reads it."""

import logging
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.sdk.trace import TracerProvider

import dt_otlp_logs
from doubles.strict_server import STRICT_TOKEN, strict_server


def test_message_values_exception_level_and_span_arrive() -> None:
    queue: SimpleQueue[Any] = SimpleQueue()
    log = logging.getLogger("end to end")
    log.propagate = False
    log.handlers = [QueueHandler(queue)]  # type: ignore[arg-type]
    with (
        strict_server() as server,
        dt_otlp_logs.configure(server.url, STRICT_TOKEN, set_global=False, logger="nobody's") as pipeline,
    ):
        listener = QueueListener(queue, pipeline.handler)  # type: ignore[arg-type]
        listener.start()
        with TracerProvider().get_tracer("tests").start_as_current_span("checkout") as span:
            try:
                {}["tea"]
            except KeyError:
                log.log(35, "order %d failed", 42, exc_info=True, extra={"items": {"tea", "cup"}, "paid": False})
        listener.stop()
        assert pipeline.flush(30)
    log.handlers = []
    assert not server.errors
    ((record, _),) = server.records()
    attributes = {pair.key: pair.value for pair in record.attributes}
    assert record.body.string_value == "order 42 failed"
    assert record.trace_id == span.get_span_context().trace_id.to_bytes(16, "big")
    assert record.span_id == span.get_span_context().span_id.to_bytes(8, "big")
    assert (record.severity_text, record.severity_number) == ("WARN", SeverityNumber.SEVERITY_NUMBER_WARN4)
    assert [item.string_value for item in attributes["items"].array_value.values] == ["cup", "tea"]
    assert attributes["paid"].bool_value is False
    assert attributes["log.raw_level"].string_value == "Level 35"
    assert attributes["exception.type"].string_value == "KeyError"
    assert attributes["exception.message"].string_value == "'tea'"
    assert attributes["exception.stacktrace"].string_value.endswith("KeyError: 'tea'")
    assert not [name for name in attributes if name.startswith("_")]


def test_a_dict_message_arrives_as_typed_attributes() -> None:
    with (
        strict_server() as server,
        dt_otlp_logs.configure(server.url, STRICT_TOKEN, set_global=False, logger="typed") as pipeline,
    ):
        logging.getLogger("typed").warning({"event": "order paid", "order": 42, "lines": [{"sku": "tea"}]})
        assert pipeline.flush(30)
    assert not server.errors
    ((record, _),) = server.records()
    attributes = {pair.key: pair.value for pair in record.attributes}
    assert record.body.string_value == "order paid"
    assert attributes["order"].int_value == 42
    (line,) = attributes["lines"].array_value.values
    assert [(pair.key, pair.value.string_value) for pair in line.kvlist_value.values] == [("sku", "tea")]
    assert "event" not in attributes
