"""An ordinary FastAPI app, for zero code: nothing in it knows of Dynatrace."""

import logging

from fastapi import FastAPI

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shop")

app = FastAPI()


@app.get("/orders/{order}")
async def show(order: int) -> dict[str, int]:
    """One order, of a hundred."""
    log.info("order %d asked for", order, extra={"order.id": order})
    return {"order": order, "left": 100 % order}
