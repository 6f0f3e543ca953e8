"""A dict as message: structured attributes, and a content that a person can read."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from logging.handlers import QueueHandler
from queue import SimpleQueue

import pytest
import structlog

from handler.logged import Logged

PLACE = ("code.", "thread.", "process.", "asyncio.")


def given(attributes: Mapping[str, object]) -> dict[str, object]:
    """The attributes without those that every record has."""
    return {name: value for name, value in attributes.items() if not name.startswith(PLACE)}


@pytest.mark.parametrize(
    ("message", "content", "rest"),
    [
        ({"message": "paid", "order": 1}, "paid", {"order": 1}),
        ({"msg": "paid", "order": 1}, "paid", {"order": 1}),
        ({"event": "paid", "order": 1}, "paid", {"order": 1}),
        ({"content": "paid"}, "paid", {}),
        ({"body": "paid"}, "paid", {}),
        ({"text": "paid"}, "paid", {}),
        ({"text": "a", "event": "b", "message": "c"}, "c", {"text": "a", "event": "b"}),
        ({"message": 5, "event": "paid"}, "paid", {"message": 5}),
        ({"message": "", "event": "paid"}, "paid", {"message": ""}),
        ({"order": 1, "who": "Ada"}, '{"order":1,"who":"Ada"}', {"order": 1, "who": "Ada"}),
        ({"grüße": ["ä"]}, '{"grüße":["ä"]}', {"grüße": ("ä",)}),
        ({"at": {1, 2}, "n": float("inf"), "raw": b"\xff"}, '{"at":[1,2],"n":"Infinity","raw":"/w=="}', None),
        ({}, "{}", {}),
    ],
)
def test_the_items_are_attributes_and_one_of_them_is_the_content(
    logged: Logged, message: dict[str, object], content: str, rest: dict[str, object] | None
) -> None:
    logged.log.info(message)
    assert logged.record.body == content
    if rest is not None:
        assert given(logged.attributes) == rest


def test_extra_wins_over_an_item_of_the_same_name(logged: Logged) -> None:
    logged.log.info({"message": "paid", "order": 1, "who": "Ada"}, extra={"order": 2, "who": "Bob"})
    assert given(logged.attributes) == {
        "order": 2,
        "overwritten1.order": 1,
        "who": "Bob",
        "overwritten1.who": "Ada",
    }


def test_an_item_that_is_named_like_an_overwritten_one_is_not_lost(logged: Logged) -> None:
    logged.log.info({"a": 1, "overwritten1.a": 2}, extra={"a": 3})
    assert given(logged.attributes) == {"a": 3, "overwritten2.a": 1, "overwritten1.a": 2}


def test_a_formatter_makes_the_content_and_all_items_are_attributes(logged: Logged) -> None:
    logged.handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    logged.log.info({"message": "paid", "order": 1})
    assert logged.record.body == "[INFO] {'message': 'paid', 'order': 1}"
    assert given(logged.attributes) == {"message": "paid", "order": 1}


def test_a_formatter_that_answers_bytes_is_understood(logged: Logged) -> None:
    class Json(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return json.dumps(record.msg).encode()  # type: ignore[return-value]  # as orjson.dumps does

    logged.handler.setFormatter(Json())
    logged.log.info({"message": "paid"})
    assert logged.record.body == '{"message": "paid"}'


def test_a_dict_that_is_an_argument_is_none_of_the_message(logged: Logged) -> None:
    logged.log.info("order %(order)s", {"order": 1})
    assert logged.record.body == "order 1"
    assert given(logged.attributes) == {}


def test_a_dict_with_arguments_is_formatted_as_logging_does(logged: Logged) -> None:
    logged.log.info({"%s": 1}, "x")
    assert logged.record.body == "{'x': 1}"


def test_an_event_name_among_the_items_names_the_event(logged: Logged) -> None:
    logged.log.info({"event": "paid", "event.name": "order.paid"})
    assert logged.record.event_name == "order.paid"
    assert given(logged.attributes) == {}


def test_the_items_are_those_of_the_moment_of_the_call(logged: Logged) -> None:
    message = {"event": "paid", "items": ["tea"]}
    logged.log.info(message)
    message["items"].append("cup")  # type: ignore[attr-defined]
    assert logged.attributes["items"] == ("tea",)


class Unending(Mapping[str, int]):
    def __getitem__(self, name: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield str(number)

    def __len__(self) -> int:
        return sys.maxsize


class Broken(dict[str, int]):
    def items(self) -> object:  # type: ignore[override]
        raise RuntimeError("no items")


def test_a_mapping_without_end_is_cut_off(logged: Logged) -> None:
    logged.log.info(Unending())
    assert logged.record.body.startswith('{"1":1,"2":1,')
    assert logged.record.body.endswith('"...":"...[further values left out]"}')


def test_a_mapping_that_raises_is_a_text(logged: Logged) -> None:
    logged.handle(Broken(a=1))
    assert logged.record.body == "{'a': 1}"


def test_a_structlog_event_by_way_of_logging(logged: Logged) -> None:
    configured = structlog.wrap_logger(
        logged.log,
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        configured.exception("failed", order=1)
    assert logged.record.body == "failed"
    found = given(logged.attributes)
    assert "Traceback" in found.pop("exception.stacktrace")
    assert found == {
        "order": 1,  # and not structlog's `level`, which the record itself says
        "exception.type": "ZeroDivisionError",
        "exception.message": "division by zero",
    }


@pytest.mark.parametrize("value", [0, "no", None, 5])
def test_an_exc_info_item_that_is_no_exception_is_an_attribute(logged: Logged, value: object) -> None:
    logged.log.info({"event": "x", "exc_info": value})
    assert given(logged.attributes) == {"exc_info": value}


def test_a_dict_that_went_through_a_queue_is_at_least_readable(logged: Logged) -> None:
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    record = logging.LogRecord("handled", logging.INFO, "x.py", 1, {"order": 1}, (), None)
    QueueHandler(queue).handle(record)  # type: ignore[arg-type]
    logged.handler.handle(queue.get())
    assert logged.record.body == "{'order': 1}"
