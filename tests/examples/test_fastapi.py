"""FastAPI under uvicorn, which leaves by the signal that stopped it, past Python's own exit."""

import signal
from pathlib import Path

import pytest

from doubles.strict_server import StrictServer, strict_server

from .programs import EXAMPLES, MARKS, ZERO_CODE, Arrived, Program, arrived, contents, once, order, started, trace_id

pytestmark = MARKS

FOLDER = EXAMPLES / "fastapi_uvicorn"
NUMBERS = range(1, 21)
ORDERS = once(*(f"order {number} asked for" for number in NUMBERS))


def serve(program: Program, workers: int = 1) -> None:
    url = program.says(r"Uvicorn running on (http://\S+)")
    program.says("Application startup complete", times=workers)
    assert {order(url, number) for number in NUMBERS} == {200}


def all_arrived(server: StrictServer) -> list[Arrived]:
    records = arrived(server)
    assert contents(records, "shop") == ORDERS
    assert {record.severity for record in records} == {"INFO"}
    return records


@pytest.mark.parametrize(
    ("by", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)], ids=["sigterm", "sigint"]
)
def test_app_access_and_server_log_arrive_once(tmp_path: Path, by: signal.Signals, status: int) -> None:
    with strict_server() as server:
        with started("uvicorn app:app --port 0", server, tmp_path, FOLDER) as program:
            serve(program)
            program.ends(by=by, status=status)
    records = all_arrived(server)
    requests = [record.content for record in records if record.logger == "uvicorn.access"]
    assert [int(line.split("/orders/")[1].split()[0]) for line in requests] == [*NUMBERS]
    of_the_server = contents(records, "uvicorn.error")
    assert of_the_server["Application startup complete."] == of_the_server["Waiting for application shutdown."] == 1


def test_so_do_those_of_several_worker_processes(tmp_path: Path) -> None:
    with strict_server() as server:
        with started("uvicorn app:app --workers 2 --port 0", server, tmp_path, FOLDER) as program:
            serve(program, workers=2)
            program.ends(by=signal.SIGTERM)
    records = all_arrived(server)
    assert sum(contents(records, "uvicorn.access").values()) == len(NUMBERS)
    assert contents(records, "uvicorn.error")["Waiting for application shutdown."] == 2


def test_an_app_without_a_line_of_ours_brings_the_trace_of_each_request(tmp_path: Path) -> None:
    command = "opentelemetry-instrument uvicorn plain_app:app --port 0"
    zero_code = {**ZERO_CODE, "DT_OTLP_LOGS_FLUSH_ON_SIGTERM": "true"}
    with strict_server() as server:
        with started(command, server, tmp_path, FOLDER, **zero_code) as program:
            serve(program)
            program.ends(by=signal.SIGTERM, status=-signal.SIGTERM)
    assert {(record.attributes["order.id"], record.trace_id) for record in all_arrived(server)} == {
        (number, trace_id(number)) for number in NUMBERS
    }


def test_with_the_distro_the_servers_own_lines_come_too_and_the_last_second_is_not_lost(tmp_path: Path) -> None:
    command = "opentelemetry-instrument uvicorn plain_app:app --port 0"
    distro = {
        "OTEL_PYTHON_DISTRO": "dynatrace",
        "OTEL_SERVICE_NAME": "shop",
        "DT_OTLP_LOGS_LEVEL": "INFO",
        "DT_OTLP_LOGS_LOGGERS": "uvicorn,uvicorn.access",
    }
    with strict_server() as server:
        with started(command, server, tmp_path, FOLDER, **distro) as program:
            serve(program)
            program.ends(by=signal.SIGTERM, status=-signal.SIGTERM)
    records = all_arrived(server)
    ours = [record for record in records if record.logger == "shop"]
    assert {(record.attributes["order.id"], record.trace_id) for record in ours} == {
        (number, trace_id(number)) for number in NUMBERS
    }
    assert sum(contents(records, "uvicorn.access").values()) == len(NUMBERS)
    assert contents(records, "uvicorn.error")["Waiting for application shutdown."] == 1
