"""Flask under gunicorn: workers that are forked, replaced while they serve, and stopped."""

import signal
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from doubles.strict_server import strict_server

from .programs import EXAMPLES, MARKS, ZERO_CODE, Program, arrived, contents, once, order, started, trace_id

pytestmark = MARKS

FOLDER = EXAMPLES / "flask_gunicorn"
BEFORE, AFTER = range(1, 21), range(21, 41)


def serve_reload_serve_stop(program: Program) -> None:
    url = program.says(r"Listening at: (http://\S+)")
    with ThreadPoolExecutor(4) as clients:
        assert set(clients.map(lambda number: order(url, number), BEFORE)) == {200}
        program.process.send_signal(signal.SIGHUP)
        program.says("Worker exiting", times=2)
        program.says("Booting worker", times=4)
        assert set(clients.map(lambda number: order(url, number), AFTER)) == {200}
    program.ends(by=signal.SIGTERM)


ORDERS = once(*(f"order {number} asked for" for number in (*BEFORE, *AFTER)))


@pytest.mark.parametrize("workers", ["sync", "gthread"])
@pytest.mark.parametrize("preload", ["", "--preload"], ids=["", "preload"])
def test_every_record_of_app_workers_and_master_arrives_once(tmp_path: Path, workers: str, preload: str) -> None:
    command = f"gunicorn app:app --bind 127.0.0.1:0 --worker-class {workers} {preload}"
    with strict_server() as server:
        with started(command, server, tmp_path, FOLDER) as program:
            serve_reload_serve_stop(program)
    records = arrived(server)
    assert contents(records, "shop") == ORDERS
    assert {record.severity for record in records} == {"INFO"}
    assert {record.attributes["order.id"] for record in records if record.logger == "shop"} == {*BEFORE, *AFTER}
    requests = [record.content for record in records if record.logger == "gunicorn.access"]
    assert sorted(int(line.split("/orders/")[1].split()[0]) for line in requests) == [*BEFORE, *AFTER]
    of_gunicorn = contents(records, "gunicorn.error")
    assert of_gunicorn["Shutting down: Master"] == 1
    for what in ("Booting worker with pid: ", "Worker exiting (pid: "):
        assert [times for content, times in of_gunicorn.items() if content.startswith(what)] == [1, 1, 1, 1]


def test_an_app_that_configures_itself_needs_nothing_of_gunicorn(tmp_path: Path) -> None:
    (tmp_path / "configured.py").write_text(
        textwrap.dedent("""
            from dt_otlp_logs import configure

            configure(service_name="shop")
            from app import app
        """)
    )
    command = f"gunicorn configured:app --pythonpath {FOLDER} --bind 127.0.0.1:0 --workers 2"
    with strict_server() as server:
        with started(command, server, tmp_path, tmp_path) as program:
            serve_reload_serve_stop(program)
    assert contents(arrived(server), "shop") == ORDERS


def test_the_same_app_without_a_line_of_ours_brings_the_trace_of_each_request(tmp_path: Path) -> None:
    command = f"opentelemetry-instrument gunicorn app:app --chdir {FOLDER} --bind 127.0.0.1:0 --workers 2"
    with strict_server() as server:
        with started(command, server, tmp_path, tmp_path, **ZERO_CODE) as program:
            serve_reload_serve_stop(program)
    records = arrived(server)
    assert contents(records, "shop") == ORDERS
    assert {(record.attributes["order.id"], record.trace_id) for record in records} == {
        (number, trace_id(number)) for number in (*BEFORE, *AFTER)
    }


def test_configure_in_gunicorns_file_beside_zero_code_delivers_everything_once(tmp_path: Path) -> None:
    command = "opentelemetry-instrument gunicorn app:app --bind 127.0.0.1:0"
    with strict_server() as server:
        with started(command, server, tmp_path, FOLDER, **ZERO_CODE) as program:
            serve_reload_serve_stop(program)
    records = arrived(server)
    assert contents(records, "shop") == ORDERS
    assert sum(contents(records, "gunicorn.access").values()) == len([*BEFORE, *AFTER])
