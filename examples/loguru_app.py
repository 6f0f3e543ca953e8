"""loguru: our handler is one more sink, beside the console.

Needs DT_ENDPOINT and DT_API_TOKEN; OTEL_SERVICE_NAME names the service.
"""

import sys
from typing import TYPE_CHECKING

from loguru import logger
from opentelemetry.trace import get_current_span

from dt_otlp_logs import DynatraceLoggingHandler

if TYPE_CHECKING:
    from loguru import Record


def with_span(record: "Record") -> None:
    """For sinks with `enqueue=True`, which run in another thread: the span, noted where the record is made."""
    span = get_current_span().get_span_context()
    if span.is_valid:
        record["extra"].update(
            otelTraceID=f"{span.trace_id:032x}",
            otelSpanID=f"{span.span_id:016x}",
            otelTraceSampled=span.trace_flags.sampled,
        )


logger.configure(patcher=with_span)
logger.remove()
logger.add(sys.stdout, level="INFO", format="{level: <8} {message}")
logger.add(DynatraceLoggingHandler(), level="DEBUG", enqueue=True)  # configures itself from the environment

orders = logger.bind(shop="corner")
orders.debug("cart opened")
orders.success("order {} paid", 42, amount=9.5)
try:
    {}["card"]
except KeyError:
    orders.exception("order not paid")
logger.complete()  # hands over what is enqueued
