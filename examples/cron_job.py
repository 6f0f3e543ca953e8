"""A script that cron starts, and that ends at once: what it has logged is delivered as it ends, however it does.

Start it with `python cron_job.py 3 2 1`.
"""

import logging
import sys

from dt_otlp_logs import configure

configure(service_name="stocktaking", level=logging.INFO, capture_unhandled=True)
log = logging.getLogger("stock")

for order in sys.argv[1:]:
    log.info("%d of a hundred are left after order %s", 100 % int(order), order)
log.info("stock taken")
