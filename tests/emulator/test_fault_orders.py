"""Ordering faults: which orders make sense, how long they last, and where they cannot be carried out."""

import asyncio
import dataclasses
from typing import Any

import pytest

from dt_otlp_logs.emulator import DISK_QUEUE_FULL, Fault, create_app
from dt_otlp_logs.emulator.faults import FaultPlan


def test_a_fault_ends_after_its_seconds() -> None:
    now = [100.0]
    plan = FaultPlan(clock=lambda: now[0])
    fault = Fault(status=503, seconds=5.0)
    plan.order(fault)
    assert plan.take("otlp") == fault
    now[0] += 4.9
    assert plan.take("json") == fault
    now[0] += 0.2
    assert plan.take("otlp") is None
    assert plan.pending() == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"times": 3},
        {"status": 99},
        {"status": 600},
        {"status": "503"},
        {"status": True},
        {"cut": "during"},
        {"status": 503, "times": 0},
        {"status": 503, "seconds": 0},
        {"status": 503, "path": "grpc"},
        {"delay_seconds": -1},
        {"delay_seconds": float("nan")},
        {"rejected_records": 0},
        {"html": 1},
        {"status": 503, "retry_after": "1\r\nX: y"},
        {"redirect_to": "http://ä"},
        {"status": 503, "retry_after": 2},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_at_once(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Fault(**fields)


def test_a_fault_can_be_varied() -> None:
    assert dataclasses.replace(DISK_QUEUE_FULL, times=2).times == 2


def test_another_server_answers_500_where_it_cannot_cut() -> None:
    app = create_app()
    app.state.faults.order(Fault(cut="before"))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v2/logs/ingest", "headers": [], "query_string": b""}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 500
    assert app.state.store.summary()["requests_by_status"] == {"500": 1}


@pytest.mark.parametrize(
    "fault", [{"status": 503, "times": 2}, {"cut": "before"}, {"delay_seconds": 0.1, "path": "json"}]
)
def test_a_fault_ordered_over_http_is_the_same(fault: dict[str, Any]) -> None:
    assert Fault.from_document(fault) == Fault(**fault)
    assert Fault(**fault).to_document() == fault
