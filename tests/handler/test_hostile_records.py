"""No record can hurt the application, hang it, or be lost: whatever its values and its own fields are and do."""

import logging
import string
import threading
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord

import dt_otlp_logs
from doubles.strict_server import STRICT_TOKEN, strict_server
from dt_otlp_logs.encoding.plain_value import plain_value
from dt_otlp_logs.encoding.reserved_names import SENT_MARK
from handler.logged import Logged


def raising(*_: object, **__: object) -> Any:
    raise RuntimeError("hostile")


class HostileClass:
    __class__ = property(raising)  # type: ignore[assignment]
    __str__ = __repr__ = raising


class HostileEverything:
    __str__ = __repr__ = __len__ = __iter__ = __getattr__ = __bool__ = __int__ = __index__ = raising
    __eq__ = raising
    __hash__ = object.__hash__


class HostileName(type):
    """Its classes answer nothing, not even their names."""

    __getattribute__ = raising


def nameless() -> list[Any]:
    # Not at the top of the module, where pytest would ask the classes whether they are tests.
    class Nameless(metaclass=HostileName):
        __str__ = __repr__ = raising

    class NamelessError(Exception, metaclass=HostileName):
        pass

    return [Nameless(), NamelessError("x"), NamelessError]


class HostileText(str):
    __slots__ = ()
    __str__ = __repr__ = __len__ = __iter__ = encode = raising  # type: ignore[assignment]


class HostileInt(int):
    __str__ = __repr__ = __index__ = __int__ = __le__ = __ge__ = raising


class HostileFloat(float):
    __str__ = __repr__ = __float__ = raising


class HostileList(list[int]):
    __iter__ = __len__ = __getitem__ = raising


class HostileDict(dict[str, int]):
    items = keys = __iter__ = __len__ = __getitem__ = raising  # type: ignore[assignment]


class HalfWay(Mapping[str, int]):
    def __getitem__(self, name: str) -> int:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield "a"
        raise RuntimeError("hostile")

    def __len__(self) -> int:
        return 2


class UnendingSequence(Sequence[int]):
    def __getitem__(self, index: Any) -> Any:
        return 1

    def __len__(self) -> int:
        return -1  # noqa: PLE0303


class UnendingSet(AbstractSet[int]):
    def __contains__(self, value: object) -> bool:
        return True

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1

    def __len__(self) -> int:
        raise RuntimeError("hostile")


class Deeper(Mapping[str, object]):
    """A map that holds another such map, made when it is looked at."""

    def __getitem__(self, name: str) -> object:
        return Deeper()

    def __iter__(self) -> Iterator[str]:
        yield "deeper"

    def __len__(self) -> int:
        return 1


class SaysOtherwise:
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307


class Fields:
    __dataclass_fields__ = 5
    __attrs_attrs__ = raising


class HostileKey:
    __str__ = __repr__ = raising


CYCLE: dict[str, object] = {}
CYCLE["self"] = CYCLE

NAMELESS, NAMELESS_ERROR, NAMELESS_CLASS = nameless()
# By name: pytest looks at what it is given.
NAMED: dict[str, Any] = {
    "class": HostileClass(),
    "everything": HostileEverything(),
    "nameless": NAMELESS,
    "nameless error": NAMELESS_ERROR,
    "nameless class": NAMELESS_CLASS,
    "text": HostileText("text"),
    "int": HostileInt(5),
    "big int": HostileInt(2**70),
    "float": HostileFloat(0.5),
    "list": HostileList([1]),
    "dict": HostileDict(a=1),
    "half way": HalfWay(),
    "unending sequence": UnendingSequence(),
    "unending set": UnendingSet(),
    "deeper": Deeper(),
    "says otherwise": SaysOtherwise(),
    "fields": Fields(),
    "key": {HostileKey(): 1, "a": HostileEverything()},
    "cycle": CYCLE,
    "surrogate": "\ud800",
    "nan": float("nan"),
    "huge int": 10**10_000,
    "nested": [[[[[[[[[[HostileEverything()]]]]]]]]]],
}
HOSTILE = list(NAMED.values())


@pytest.mark.parametrize("name", NAMED)
def test_a_hostile_value_costs_nothing_but_itself(logged: Logged, name: str) -> None:
    value = NAMED[name]
    found = logged.handle(value=value, nested=[{"inside": value}], other="kept")
    assert found["other"] == "kept"
    assert found["value"] is not None
    assert type(found["value"]) in {str, int, float, tuple, dict}


@pytest.mark.parametrize("name", NAMED)
def test_a_hostile_message_argument_or_item_costs_no_record(
    logged: Logged, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = NAMED[name]
    for message, arguments in ((value, ()), ("%s", (value,)), ("%d %s", (value,)), ({"item": value}, ())):
        record = logging.LogRecord("handled", logging.INFO, "x.py", 1, message, (), None)
        record.args = arguments
        logged.handler.handle(record)
    assert len(logged.records) == 4
    for each in logged.records:
        assert type(each.log_record.body) is str


def test_a_set_or_map_of_hostile_things_is_read_in_part(logged: Logged) -> None:
    found = logged.handle(value={"good": 1, "bad": HostileEverything(), "also good": [HostileClass(), "two"]})["value"]
    assert found["good"] == 1
    assert found["bad"] == "<HostileEverything that cannot be shown: RuntimeError>"
    assert found["also good"] == ("<HostileClass that cannot be shown: RuntimeError>", "two")


FIELDS = [
    *("name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info", "exc_text"),
    *("stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated", "thread", "threadName"),
    *("processName", "process", "taskName", "otelTraceID", "otelSpanID", "otelTraceSampled", "event.name"),
    "_dt_otlp_logs_note",
]


@pytest.mark.parametrize("field", FIELDS)
def test_any_field_of_a_record_may_be_anything(logged: Logged, field: str, capsys: pytest.CaptureFixture[str]) -> None:
    odd = [*HOSTILE, None, 0, -1, 1.5, float("inf"), True, "", (), (1,), [], {}, {"a": 1}, b"\xff", object(), int]
    for value in odd:
        record = logging.LogRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
        vars(record)[field] = value
        logged.handler.handle(record)
    assert len(logged.records) == len(odd)
    for each in logged.records:
        assert type(each.log_record.body) is str
        assert each.log_record.timestamp is not None
        assert each.log_record.severity_number is not None


def test_a_record_that_another_thread_changes_meanwhile_is_sent(logged: Logged) -> None:
    record = logging.LogRecord("handled", logging.INFO, "x.py", 1, "x", (), None)
    items: dict[str, Any] = {"items": []}
    record.value = items  # type: ignore[attr-defined]
    done = threading.Event()

    def change() -> None:
        number = 0
        while not done.is_set():
            number += 1
            vars(record)[f"field {number % 100}"] = number
            vars(record).pop(f"field {(number - 50) % 100}", None)
            items[f"item {number % 100}"] = number
            items.pop(f"item {(number - 50) % 100}", None)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(500):
            vars(record).pop(SENT_MARK, None)  # else it is one that was sent already
            logged.handler.handle(record)
    finally:
        done.set()
        changing.join()
    assert sum(each.log_record.body == "x" for each in logged.records) == 500


@dataclass(frozen=True)
class Named:
    """Stands for a hostile value while Hypothesis looks at it."""

    name: str


def with_hostile(value: Any) -> Any:
    if type(value) is Named:
        return NAMED[value.name]
    if type(value) is dict:
        return {name: with_hostile(item) for name, item in value.items()}
    return type(value)(map(with_hostile, value)) if type(value) in (list, tuple) else value


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.binary(max_size=20),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.uuids(),
    st.ip_addresses(),
    st.sampled_from(list(NAMED)).map(Named),
    st.builds(object),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers(), st.none(), st.dates()), inner, max_size=5),
        st.sets(st.one_of(st.integers(), st.text(max_size=5), st.none()), max_size=5),
    ),
    max_leaves=20,
)


def is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(type(name) is str and name and is_plain(item) for name, item in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return type(value) in {str, float, bool, bytes, type(None)} or (type(value) is int and -(2**63) <= value < 2**63)


@given(values)
def test_any_value_becomes_a_plain_one(value: object) -> None:
    assert is_plain(plain_value(with_hostile(value)))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(min_size=1), inner, max_size=5)),
    max_leaves=20,
)


@given(json_values)
def test_what_is_plain_already_stays_as_it_is(value: object) -> None:
    assert plain_value(value) == value


names = st.text(string.ascii_letters + "._ -äß€", min_size=1, max_size=10).map(lambda name: f"given.{name}")


@cache
def one_logged() -> Logged:
    logged = Logged()
    logged.log.removeHandler(logged.handler)
    return logged


def handled(message: object, arguments: tuple[Any, ...] = (), **fields: Any) -> LogRecord:
    logged = one_logged()
    logged.exporter.clear()
    record = logging.LogRecord("handled", logging.INFO, "x.py", 1, message, (), None)
    record.args = arguments
    vars(record).update(fields)
    logged.handler.handle(record)
    return logged.record


@given(st.dictionaries(names, values, max_size=10), st.text(st.characters()), st.one_of(st.just(()), st.tuples(values)))
def test_no_record_is_lost_and_no_attribute(extra: dict[str, Any], message: str, arguments: tuple[Any, ...]) -> None:
    raises, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        record = handled(message, with_hostile(arguments), **with_hostile(extra))
    finally:
        logging.raiseExceptions = raises
    assert set(extra) <= set(record.attributes)
    if not arguments:
        assert record.body == message


@given(st.dictionaries(st.one_of(st.text(max_size=5), st.integers(0, 9)), json_values, min_size=1, max_size=10))
def test_no_item_of_a_dict_message_is_lost(message: dict[Any, Any]) -> None:
    record = handled(message)
    place = {"code.file.path", "code.line.number", "thread.id", "thread.name", "process.pid"}
    items = {name: value for name, value in record.attributes.items() if name not in place}
    as_content = [value for value in message.values() if value == record.body]
    assert len(items) == len(message) or (as_content and len(items) == len(message) - 1)


def test_all_of_it_arrives_at_a_strict_server() -> None:
    with (
        strict_server() as server,
        dt_otlp_logs.configure(server.url, STRICT_TOKEN, set_global=False, logger="strict") as pipeline,
    ):
        for number, value in enumerate(HOSTILE):
            record = logging.LogRecord("strict", logging.INFO, "x.py", 1, "hostile %d", (number,), None)
            record.value, record.number = value, number  # type: ignore[attr-defined]
            pipeline.handler.handle(record)
        assert pipeline.flush(30)
        assert pipeline.stats().delivered == len(HOSTILE)
    assert not server.errors
    assert server.stored == [f"hostile {number}" for number in range(len(HOSTILE))]
    for number, (record, _) in enumerate(server.records()):
        attributes = {pair.key: pair.value for pair in record.attributes}
        assert attributes["number"].int_value == number
        assert attributes["value"].WhichOneof("value")
