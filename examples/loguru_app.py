"""loguru: our handler is one more sink, beside the console.

Needs DT_ENDPOINT and DT_API_TOKEN; OTEL_SERVICE_NAME names the service.
"""

import sys

from loguru import logger

from dt_otlp_logs import DynatraceLoggingHandler

logger.remove()
logger.add(sys.stdout, level="INFO", format="{level: <8} {message}")
logger.add(DynatraceLoggingHandler(), level="DEBUG")  # configures itself from the environment

orders = logger.bind(shop="corner")
orders.debug("cart opened")
orders.success("order {} paid", 42, amount=9.5)
try:
    {}["card"]
except KeyError:
    orders.exception("order not paid")
