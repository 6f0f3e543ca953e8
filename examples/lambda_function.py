"""A handler as AWS Lambda calls it. Between two calls the process is frozen, so each call waits for its own records.

As its function name Lambda is given `lambda_function.handler`. On this machine:

    python -c 'import lambda_function as f; print(f.handler({"order": 7}, None))'
"""

import logging

from dt_otlp_logs import configure

pipeline = configure(service_name="shop", level=logging.INFO)
log = logging.getLogger("shop")

LONGEST_WAIT_SECONDS = 2.0


def handler(event: dict[str, int], context: object) -> dict[str, int]:  # noqa: ARG001
    """One order, of a hundred."""
    try:
        order = event["order"]
        log.info("order %d asked for", order, extra={"order.id": order})
        return {"order": order, "left": 100 % order}
    except Exception:
        log.exception("order not answered")
        raise
    finally:
        # What has not arrived by then goes with the next call, or with the end of the process.
        pipeline.flush(LONGEST_WAIT_SECONDS)
