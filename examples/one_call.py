"""One call, and Python's logging goes to Dynatrace.

Needs DT_ENDPOINT and DT_API_TOKEN; `dt-otlp-logs emulate` prints some to try it with.
"""

import logging

from dt_otlp_logs import configure

with configure(
    service_name="checkout", resource_attributes={"deployment.environment.name": "test"}, level=logging.INFO
) as pipeline:
    log = logging.getLogger("shop")
    log.info("order received", extra={"order.id": 42, "order.items": ["tea", "cup"]})
    try:
        {}["card"]
    except KeyError:
        log.exception("order not paid", extra={"order.id": 42})
    print("all delivered" if pipeline.flush(timeout=5.0) else f"not all delivered: {pipeline.stats()}")
