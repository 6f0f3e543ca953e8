"""A Celery worker with its pool of processes, which end without Python's own exit."""

import signal
from pathlib import Path

import pytest

from doubles.strict_server import strict_server

from .programs import EXAMPLES, MARKS, ZERO_CODE, arrived, contents, once, started

pytestmark = MARKS

FOLDER = EXAMPLES / "celery_worker"
WORKER = "celery --app tasks worker --loglevel INFO --concurrency 2"
# Order 0 is a division by zero.
CALLS = "python -c 'from tasks import ship; [ship.delay(number) for number in range(6)]'"


def test_zero_code_needs_no_line_of_ours(tmp_path: Path) -> None:
    lines = (FOLDER / "tasks.py").read_text().splitlines()
    begins = lines.index("@signals.after_setup_logger.connect")
    del lines[begins : lines.index("@app.task")]
    text = "\n".join(lines).replace("from dt_otlp_logs import configure\n", "").replace("shop-queue", tmp_path.name)
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "tasks.py").write_text(text)
    distro = {"OTEL_PYTHON_DISTRO": "dynatrace", "OTEL_SERVICE_NAME": "shop", "DT_OTLP_LOGS_LEVEL": "INFO"}
    with strict_server() as server:
        with started(f"opentelemetry-instrument {WORKER}", server, tmp_path, folder, **distro) as worker:
            worker.says(r"celery@\S+ ready")
            with started(CALLS, server, tmp_path, folder) as caller:
                caller.ends()
            worker.says("raised unexpected")
            worker.says("succeeded in", times=5)
            worker.ends(by=signal.SIGTERM, tracebacks=1)
    records = arrived(server)
    assert contents(records, "tasks") == once(*(f"order {number} taken" for number in range(6)))
    assert sum(record.logger == "celery.app.trace" for record in records) == 6


@pytest.mark.parametrize("launcher", ["", "opentelemetry-instrument "], ids=["", "zero code"])
def test_what_tasks_and_worker_log_arrives_once(tmp_path: Path, launcher: str) -> None:
    zero_code = ZERO_CODE if launcher else {}
    with strict_server() as server:
        with started(launcher + WORKER, server, tmp_path, FOLDER, **zero_code) as worker:
            worker.says(r"celery@\S+ ready")
            with started(launcher + CALLS, server, tmp_path, FOLDER, **zero_code) as caller:
                caller.ends()
            worker.says("raised unexpected")
            worker.says("succeeded in", times=5)
            worker.ends(by=signal.SIGTERM, tracebacks=1)
    records = arrived(server)
    of_tasks = [record for record in records if record.logger == "tasks"]
    assert contents(records, "tasks") == once(*(f"order {number} taken" for number in range(6)))
    of_celery = [record for record in records if record.logger == "celery.app.trace"]
    assert sorted(record.severity for record in of_celery) == ["ERROR"] + ["INFO"] * 5
    assert [r.attributes["exception.type"] for r in of_celery if r.severity == "ERROR"] == ["ZeroDivisionError"]
    received = [record for record in records if record.logger == "celery.worker.strategy"]
    assert len(received) == len({record.content for record in received}) == 6
    traces = {record.trace_id for record in of_tasks}
    assert len(traces - {""}) == (6 if launcher else 0)
    assert {record.trace_id for record in of_celery} == traces
