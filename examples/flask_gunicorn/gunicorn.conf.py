"""gunicorn runs this in its master process before it forks: one call serves the master and all workers.

Start it with `gunicorn app:app`.
"""

from dt_otlp_logs import configure

# gunicorn's own loggers do not propagate to the root logger.
configure(service_name="shop", loggers=["gunicorn.error", "gunicorn.access"])

workers = 2
accesslog = "-"
