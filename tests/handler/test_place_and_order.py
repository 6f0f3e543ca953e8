"""Where a record was logged, and which attributes are the last to go.

Names: OpenTelemetry's semantic conventions for code, thread and process.
"""

import asyncio
import logging
import os
import threading
from typing import Any

import pytest

from handler.logged import Logged


def test_code_thread_and_process_are_told(logged: Logged) -> None:
    logged.log.info("x")
    found = logged.attributes
    line = found.pop("code.line.number")
    assert isinstance(line, int)
    assert found == {
        "code.file.path": __file__,
        "code.function.name": "test_code_thread_and_process_are_told",
        "thread.id": threading.get_ident(),
        "thread.name": threading.current_thread().name,
        "process.pid": os.getpid(),
    }


def test_a_child_process_is_named(logged: Logged) -> None:
    assert logged.handle(processName="SpawnPoolWorker-3")["process.name"] == "SpawnPoolWorker-3"


def test_the_asyncio_task_is_named(logged: Logged) -> None:
    async def work() -> None:
        logged.log.info("x")

    async def main() -> None:
        await asyncio.create_task(work(), name="brew tea")

    asyncio.run(main())
    assert logged.attributes["asyncio.task.name"] == "brew tea"


def test_the_task_of_another_thread_is_not_the_records(logged: Logged) -> None:
    async def main() -> None:
        record = logging.LogRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
        record.thread = 1
        if hasattr(record, "taskName"):
            record.taskName = None
        logged.handler.handle(record)

    asyncio.run(main())
    assert "asyncio.task.name" not in logged.attributes


@pytest.mark.parametrize(
    ("switch", "missing"),
    [
        ("logThreads", {"thread.id", "thread.name"}),
        ("logProcesses", {"process.pid"}),
        ("logMultiprocessing", set()),
        ("_srcfile", {"code.file.path", "code.function.name", "code.line.number"}),
    ],
)
def test_what_logging_was_told_not_to_collect_is_left_out(
    logged: Logged, monkeypatch: pytest.MonkeyPatch, switch: str, missing: set[str]
) -> None:
    logged.log.info("with")
    monkeypatch.setattr(logging, switch, None if switch == "_srcfile" else False)
    logged.log.info("without")
    before, after = (dict(record.log_record.attributes) for record in logged.records)
    assert set(before) - set(after) == missing
    assert None not in after.values()


@pytest.mark.skipif(not hasattr(logging, "logAsyncioTasks"), reason="came with Python 3.12")
def test_tasks_are_left_out_likewise(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "logAsyncioTasks", False)

    async def work() -> None:
        logged.log.info("x")

    asyncio.run(work())
    assert "asyncio.task.name" not in logged.attributes


def test_a_record_of_almost_nothing_is_sent(logged: Logged) -> None:
    logged.handler.handle(logging.makeLogRecord({"msg": "x"}))
    assert logged.record.body == "x"
    assert "code.file.path" not in logged.attributes
    assert "code.function.name" not in logged.attributes


def test_what_the_application_says_of_a_place_wins(logged: Logged) -> None:
    logged.log.info("x", extra={"code.function.name": "checkout", "thread.name": "remote"})
    assert logged.attributes["code.function.name"] == "checkout"
    assert logged.attributes["thread.name"] == "remote"


def many(count: int, **more: object) -> dict[str, Any]:
    return {f"extra.{number}": number for number in range(count)} | more


def test_of_three_hundred_attributes_those_that_identify_the_record_stay(logged: Logged) -> None:
    # The SDK keeps 128 (specification, "Log record limits") and gives up the oldest.
    extra = {"dt.trace_id": "a", "dt.span_id": "b", "dt.trace_sampled": True} | many(300)
    try:
        raise ValueError("no tea")
    except ValueError:
        logged.log.log(25, "x", extra=extra, exc_info=True, stack_info=True)
    found = logged.attributes
    assert len(found) == 128
    assert {name: found.get(name) for name in ("dt.trace_id", "dt.span_id", "dt.trace_sampled")} == {
        "dt.trace_id": "a",
        "dt.span_id": "b",
        "dt.trace_sampled": True,
    }
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "no tea")
    assert found["log.raw_level"] == "Level 25"
    for name in ("exception.stacktrace", "code.stacktrace", "code.line.number", "thread.name", "process.pid"):
        assert name in found
    assert found["extra.299"] == 299, "of extra the last stay"
    assert logged.only.dropped_attributes == len(extra) + 11 - 128, "and the rest is counted"


def test_of_a_large_dict_message_its_extra_and_identity_stay(logged: Logged) -> None:
    logged.log.info({"event": "x"} | many(300), extra={"order": 1, "event.name": "paid", "dt.span_id": "b"})
    found = logged.attributes
    assert found["order"] == 1
    assert found["dt.span_id"] == "b"
    assert logged.record.event_name == "paid"


def test_the_order_is_extra_place_identity(logged: Logged) -> None:
    logged.handle(**many(20), **{"dt.span_id": "b"}, exc_text="x", levelname="odd")
    names = [name.split(".")[0] for name in logged.attributes]
    assert [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name] == [
        "extra",
        "code",
        "thread",
        "process",
        "exception",
        "log",
        "dt",
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({1: "a"}, {"1": "a"}),
        ({None: "a", (1,): "b"}, {"None": "a", "(1,)": "b"}),
        ({1: "a", "1": "b"}, {"1": "b", "overwritten1.1": "a"}),
        ({"": "a"}, {"_": "a"}),
        ({"": "a", "_": "b"}, {"_": "b", "overwritten1._": "a"}),
        ({" ": "a", "\ud800": "b", "x" * 1000: "c"}, {" ": "a", "\ud800": "b", "x" * 1000: "c"}),
    ],
)
def test_names_of_any_kind_become_text_and_none_is_lost(
    logged: Logged, names: dict[Any, str], expected: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    record = logging.makeLogRecord(
        {
            "msg": "x",
        }
    )
    vars(record).update(names)
    logged.handler.handle(record)
    found = {name: value for name, value in logged.attributes.items() if value in names.values()}
    assert found == expected
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")], "the SDK is content"
