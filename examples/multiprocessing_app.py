"""Worker processes of Python's own, forked or spawned: a call at the top of the module happens in each of them.

Start it with `python multiprocessing_app.py [fork | spawn]`.
"""

import logging
import multiprocessing
import sys

from dt_otlp_logs import configure

configure(service_name="shop", level=logging.INFO)
log = logging.getLogger("shop")


def ship(order: int) -> None:
    """Ship one order."""
    log.info("order %d shipped", order, extra={"order.id": order})


def report() -> None:
    """Say how it went."""
    log.warning("stock is low")


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1] if sys.argv[1:] else None)
    with context.Pool(2) as pool:
        pool.map(ship, range(10))
        # The end of the `with` would kill the pool's processes, and with them what they have not delivered.
        pool.close()
        pool.join()
    reporter = context.Process(target=report)
    reporter.start()
    reporter.join()
    log.info("all shipped")
