"""A FastAPI app, with uvicorn's own log and its access log.

Start it with `uvicorn app:app --workers 2`.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from dt_otlp_logs import configure

# uvicorn's own loggers do not propagate to the root logger.
pipeline = configure(service_name="shop", level=logging.INFO, loggers=["uvicorn", "uvicorn.access"])
log = logging.getLogger("shop")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """uvicorn leaves by the signal that stopped it, past Python's own exit: the last records have to go now."""
    yield
    pipeline.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/orders/{order}")
async def show(order: int) -> dict[str, int]:
    """One order, of a hundred."""
    log.info("order %d asked for", order, extra={"order.id": order})
    return {"order": order, "left": 100 % order}
