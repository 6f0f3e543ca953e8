"""An ordinary small web app with ordinary logging. It knows nothing of Dynatrace, nor of OpenTelemetry."""

import logging
import sys

from flask import Flask, jsonify, request

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
logging.getLogger("werkzeug").setLevel(logging.WARNING)  # the server's line for each request says nothing more
log = logging.getLogger("shop")

app = Flask(__name__)

STOCK = {"tea": 40, "cup": 12, "kettle": 0}


class CardDeclinedError(Exception):
    """The bank said no."""


def charge(order: int, amount: float) -> None:
    """Take the money, or raise CardDeclinedError for every seventh order."""
    if order % 7 == 0:
        raise CardDeclinedError(f"insufficient funds for {amount:.2f} EUR")


@app.post("/orders/<int:order>")
def place(order: int):  # type: ignore[no-untyped-def]
    """Place one order; its items come as a JSON list."""
    items = request.get_json()
    log.info("order %d received: %s", order, ", ".join(items), extra={"order.id": order, "order.items": items})
    missing = [item for item in items if not STOCK.get(item)]
    if missing:
        log.warning("order %d waits for %s", order, ", ".join(missing), extra={"order.id": order})
    try:
        charge(order, 4.2 * len(items))
    except CardDeclinedError:
        log.exception("order %d not paid", order, extra={"order.id": order})
        return jsonify(order=order, paid=False), 402
    log.info("order %d paid", order, extra={"order.id": order})
    return jsonify(order=order, paid=True)


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]))
