"""A small application, and what it says about itself: `python shop.py ORDER=AMOUNT ...` takes payments."""

import logging
import sys

from dt_otlp_logs import LogPipeline, configure

log = logging.getLogger("shop")


def start() -> LogPipeline:
    """Send the shop's logs to Dynatrace."""
    return configure(service_name="shop", level=logging.INFO)


def pay(order_id: int, amount: float) -> bool:
    """Whether the card was charged: up to 500 it is."""
    if amount > 500:
        log.warning("card declined", extra={"order.id": order_id, "amount": amount})
        return False
    log.info("order paid", extra={"order.id": order_id, "amount": amount})
    return True


if __name__ == "__main__":
    with start():
        for argument in sys.argv[1:]:
            order, _, price = argument.partition("=")
            pay(int(order), float(price))
