"""An asyncio app: logging waits for nothing, and each record belongs to the span that its task is in.

Start it with `python asyncio_app.py`.
"""

import asyncio
import logging

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from dt_otlp_logs import configure

pipeline = configure(service_name="shop", level=logging.INFO)
trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("shop")
log = logging.getLogger("shop")


async def place(order: int) -> None:
    """One order of many at the same time."""
    with tracer.start_as_current_span("place an order"):
        log.info("order %d received", order, extra={"order.id": order})
        await asyncio.sleep(0.01)
        log.info("order %d placed", order, extra={"order.id": order})


async def main() -> None:
    """Place ten orders, and wait until what they logged has arrived."""
    await asyncio.gather(*(place(order) for order in range(10)))
    # A flush waits for the network, which the event loop must not.
    print("all delivered:", await asyncio.to_thread(pipeline.flush))


asyncio.run(main())
