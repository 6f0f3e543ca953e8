"""structlog by way of logging: to the console as text, and to Dynatrace with typed attributes.

Needs DT_ENDPOINT and DT_API_TOKEN; OTEL_SERVICE_NAME names the service.
"""

import logging
import sys

import structlog

from dt_otlp_logs import configure

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,  # every handler gets the event as it is
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
console = logging.StreamHandler(sys.stdout)
renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
console.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer))
logging.basicConfig(handlers=[console])

with configure(level=logging.INFO):
    structlog.contextvars.bind_contextvars(request_id="r-1")
    log = structlog.get_logger("shop")
    log.info("order received", order=42, amount=9.5)
    try:
        {}["card"]
    except KeyError:
        log.exception("order not paid", order=42)
