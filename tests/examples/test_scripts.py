"""Programs that end by themselves: an asyncio app, a cron job, worker processes of Python's own, a notebook."""

import json
import signal
import textwrap
from pathlib import Path

import pytest

from doubles.strict_server import strict_server

from .programs import EXAMPLES, MARKS, arrived, contents, once, started

pytestmark = MARKS


def test_each_record_of_an_asyncio_app_has_the_trace_of_its_own_task(tmp_path: Path) -> None:
    with strict_server() as server:
        with started("python asyncio_app.py", server, tmp_path) as program:
            program.ends()
    assert program.output == "all delivered: True\n"
    records = arrived(server)
    assert contents(records, "shop") == once(
        *(f"order {number} {what}" for number in range(10) for what in ("received", "placed"))
    )
    traces = {(record.attributes["order.id"], record.trace_id) for record in records}
    assert len(traces) == len({trace_id for _, trace_id in traces} - {""}) == 10


def test_a_cron_job_that_ends_at_once_has_delivered_everything(tmp_path: Path) -> None:
    with strict_server() as server:
        with started("python cron_job.py 3 2 1", server, tmp_path) as program:
            program.ends()
    assert program.output == ""
    assert [record.content for record in arrived(server, "stocktaking")] == [
        "1 of a hundred are left after order 3",
        "0 of a hundred are left after order 2",
        "0 of a hundred are left after order 1",
        "stock taken",
    ]


def test_a_cron_job_that_fails_has_delivered_what_came_before_and_why(tmp_path: Path) -> None:
    with strict_server() as server:
        with started("python cron_job.py 3 0", server, tmp_path) as program:
            program.ends(status=1, tracebacks=1)
    before, failure = arrived(server, "stocktaking")
    assert (before.content, before.severity) == ("1 of a hundred are left after order 3", "INFO")
    assert (failure.severity, failure.attributes["exception.type"]) == ("CRITICAL", "ZeroDivisionError")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_records_of_worker_processes_arrive_once(tmp_path: Path, method: str) -> None:
    with strict_server() as server:
        with started(f"python multiprocessing_app.py {method}", server, tmp_path) as program:
            program.ends()
    assert contents(arrived(server), "shop") == once(
        *(f"order {number} shipped" for number in range(10)), "stock is low", "all shipped"
    )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_whose_processes_are_terminated_loses_nothing_with_flush_on_sigterm(tmp_path: Path, method: str) -> None:
    (tmp_path / "app.py").write_text(
        textwrap.dedent(f"""
            import logging, multiprocessing
            import dt_otlp_logs

            dt_otlp_logs.configure(service_name="shop", level=logging.INFO, flush_on_sigterm=True)

            def ship(number):
                logging.getLogger("shop").info("order %d shipped", number)

            if __name__ == "__main__":
                with multiprocessing.get_context({method!r}).Pool(2) as pool:
                    pool.map(ship, range(10))
            """)
    )
    with strict_server() as server:
        with started("python app.py", server, tmp_path, tmp_path) as program:
            program.ends()
    assert contents(arrived(server), "shop") == once(*(f"order {number} shipped" for number in range(10)))


def test_sigterm_in_the_middle_of_a_flush_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        textwrap.dedent("""
            import logging, os, signal, time
            import dt_otlp_logs

            pipeline = dt_otlp_logs.configure(service_name="shop", level=logging.INFO, flush_on_sigterm=True)
            enqueue = pipeline.exporter.enqueue

            def interrupted(batch):
                # Here the SDK holds a lock that every other flush needs, too.
                os.kill(os.getpid(), signal.SIGTERM)
                return enqueue(batch)

            pipeline.exporter.enqueue = interrupted
            logging.getLogger("shop").info("last words")
            pipeline.flush()
            time.sleep(60)
            """)
    )
    with strict_server() as server:
        with started("python app.py", server, tmp_path, tmp_path) as program:
            program.ends(status=-signal.SIGTERM)
    assert contents(arrived(server), "shop") == once("last words")


def test_a_notebook_whose_configuring_cell_runs_twice_delivers_everything_once(tmp_path: Path) -> None:
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text())
    (configuring,) = (at for at, cell in enumerate(notebook["cells"]) if "configure(" in "".join(cell["source"]))
    notebook["cells"].insert(configuring, {**notebook["cells"][configuring], "id": "again"})
    (tmp_path / "notebook.ipynb").write_text(json.dumps(notebook))
    with strict_server() as server:
        with started("jupyter execute notebook.ipynb --inplace", server, tmp_path, tmp_path) as program:
            program.ends()
    executed = json.loads((tmp_path / "notebook.ipynb").read_text())
    (flushed,) = (cell["outputs"] for cell in executed["cells"] if cell["id"] == "deliver")
    assert ["".join(output["data"]["text/plain"]) for output in flushed] == ["True"]
    records = arrived(server, "research")
    assert contents(records, "research") == once("trained with rate 0.1", "trained with rate 0.01")
