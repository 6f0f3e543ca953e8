"""A Celery worker and its tasks. The broker is a folder, so that nothing else has to run.

Start it with `celery --app tasks worker --loglevel INFO`, and in another terminal give it something to do:
`celery --app tasks call tasks.ship --args '[7]'`.
"""

import tempfile
from pathlib import Path

from celery import Celery, signals
from celery.utils.log import get_task_logger

from dt_otlp_logs import configure

queue = Path(tempfile.gettempdir()) / "shop-queue"
for folder in ("tasks", "control"):
    (queue / folder).mkdir(parents=True, exist_ok=True)

app = Celery("shop", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(queue / "tasks"),
    "data_folder_out": str(queue / "tasks"),
    "control_folder": str(queue / "control"),
}
log = get_task_logger(__name__)


@signals.after_setup_logger.connect
@signals.after_setup_task_logger.connect
def send_to_dynatrace(logger, **_):
    """Celery replaces the handlers of its two loggers, the root one and that of tasks; then it asks for more."""
    configure(service_name="shop", logger=logger)


@app.task
def ship(order: int) -> int:
    """Take one of a hundred; order 0 fails, which Celery reports."""
    log.info("order %d taken", order, extra={"order.id": order})
    return 100 % order
