"""Django, whose settings name our handler, under gunicorn and under its own server for development."""

import os
import signal
from pathlib import Path

from doubles.strict_server import StrictServer, strict_server

from .programs import EXAMPLES, MARKS, ZERO_CODE, Program, arrived, contents, once, order, started, trace_id

pytestmark = MARKS

FOLDER = EXAMPLES / "django_gunicorn"
GUNICORN = "gunicorn shop.wsgi --workers 2 --bind 127.0.0.1:0"
LISTENS = r"Listening at: (http://\S+)"
NUMBERS = range(10)


def serve(program: Program, listens: str) -> None:
    url = program.says(listens)
    # Order 0 is a division by zero.
    assert [order(url, number) for number in NUMBERS] == [500] + [200] * 9


def assert_all_arrived(server: StrictServer) -> None:
    records = arrived(server)
    assert contents(records, "shop") == once(*(f"order {number} asked for" for number in NUMBERS))
    (failed,) = (record for record in records if record.logger == "django.request")
    assert (failed.content, failed.severity) == ("Internal Server Error: /orders/0", "ERROR")
    assert failed.attributes["exception.type"] == "ZeroDivisionError"
    assert failed.attributes["status_code"] == 500
    assert "shop/urls.py" in str(failed.attributes["exception.stacktrace"])


def test_what_django_and_its_views_log_arrives_once(tmp_path: Path) -> None:
    with strict_server() as server:
        with started(GUNICORN, server, tmp_path, FOLDER, OTEL_SERVICE_NAME="shop") as program:
            serve(program, LISTENS)
            program.ends(by=signal.SIGTERM, tracebacks=1)
    assert_all_arrived(server)


def test_beside_zero_code_records_still_come_once_and_with_the_trace_of_their_request(tmp_path: Path) -> None:
    zero_code = {**ZERO_CODE, "DJANGO_SETTINGS_MODULE": "shop.settings"}
    with strict_server() as server:
        with started(f"opentelemetry-instrument {GUNICORN}", server, tmp_path, FOLDER, **zero_code) as program:
            serve(program, LISTENS)
            program.ends(by=signal.SIGTERM, tracebacks=1)
    assert_all_arrived(server)
    of_views = [record for record in arrived(server) if record.logger == "shop"]
    assert [record.trace_id for record in of_views] == [trace_id(int(r.attributes["order.id"])) for r in of_views]


def test_the_server_for_development_delivers_when_it_is_interrupted(tmp_path: Path) -> None:
    with strict_server() as server:
        with started(
            "python manage.py runserver 127.0.0.1:0", server, tmp_path, FOLDER, OTEL_SERVICE_NAME="shop"
        ) as program:
            serve(program, r"server at (http://[\d.:]+)")
            # As Ctrl-C does: to the reloader and to the server that it has started.
            os.killpg(program.process.pid, signal.SIGINT)
            program.ends(tracebacks=1)
    assert_all_arrived(server)
