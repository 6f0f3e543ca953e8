"""An ordinary Flask app. Nothing in it knows of Dynatrace: gunicorn.conf.py beside it sends what it logs."""

import logging

from flask import Flask

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shop")

app = Flask(__name__)


@app.get("/orders/<int:order>")
def order(order: int) -> dict[str, int]:
    """One order, of a hundred."""
    log.info("order %d asked for", order, extra={"order.id": order})
    return {"order": order, "left": 100 % order}
