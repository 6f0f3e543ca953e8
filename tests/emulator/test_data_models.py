"""Raw, flattened and classic: what becomes of an event's attributes. Expectations are the ingest pages' examples."""

from collections.abc import Callable
from typing import Any

import pytest

# What the server adds to every record, and tests about attributes leave out.
SERVER = {"timestamp", "loglevel", "status", "dt.openpipeline.source", "dt.ingest.format", "dt.auth.origin"}


def own(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in SERVER}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {
                "content": "Transaction successfully processed.",
                "transaction": {"id": "TXN12345", "amount": 250.75},
                "auditTrail": ["Created", "Approved", 3],
            },
            {
                "content": "Transaction successfully processed.",
                "transaction.id": "TXN12345",
                "transaction.amount": 250.75,
                "auditTrail": ["Created", "Approved", "3"],
            },
        ),
        (
            {"content": "", "host.name": "abc", "host": {"name": "xyz"}},
            {"content": "", "host.name": "abc", "overwritten1.host.name": "xyz"},
        ),
        (
            {
                "content": "",
                "service.instance.id": "abc",
                "service": {"instance.id": "xyz", "instance": {"id": "123"}},
            },
            {
                "content": "",
                "service.instance.id": "abc",
                "overwritten1.service.instance.id": "xyz",
                "overwritten2.service.instance.id": "123",
            },
        ),
        (
            {"payload": "This will be used for content.", "message": {"id": "TXN12345", "amount": 250.75}},
            {"content": "This will be used for content.", "message.id": "TXN12345", "message.amount": 250.75},
        ),
        (
            {"transaction": {"id": "TXN12345", "amount": 250.75}},
            {
                "content": '{"transaction":{"id":"TXN12345","amount":250.75}}',
                "transaction.id": "TXN12345",
                "transaction.amount": 250.75,
            },
        ),
    ],
)
def test_flattened_examples_of_the_documentation(client, emulator, event: dict, expected: dict) -> None:
    assert client.events(event).status == 204
    assert own(emulator.records()[0]) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"content": {"a": [1, {"b": 2}]}}, {"content": '{"a":[1,{"b":2}]}'}),
        ({"message": ["a", 1]}, {"content": '["a",1]'}),
        ({"_raw": "line", "x": 1}, {"content": "line", "x": 1}),
        ({"x": {"y": {"z": None}}}, {"content": "", "x": '{"y":{"z":null}}'}),
        ({"content": "c", "list": [1, None, {"a": 1}]}, {"content": "c", "list": ["1", None, '{"a":1}']}),
    ],
)
def test_raw_keeps_maps_as_json_text(client, emulator, event: dict, expected: dict) -> None:
    assert client.events(event, path="/api/v2/logs/ingest?structure=raw").status == 204
    assert own(emulator.records()[0]) == expected


@pytest.mark.parametrize(
    ("query", "header", "raw"),
    [("", "", False), ("", "structure=raw", True), ("?structure=flattened", "structure=raw", False)],
)
def test_the_structure_is_asked_for_in_the_query_then_in_the_options_header(
    client, emulator, query: str, header: str, raw: bool
) -> None:
    client.events({"content": "", "a": {"b": 1}}, path=f"/api/v2/logs/ingest{query}", x_dynatrace_options=header)
    assert ("a" in emulator.records()[0]) is raw


def test_the_structure_can_be_the_tenants_setting(start: Callable[..., Any]) -> None:
    client = start(structure="raw")
    client.events({"content": "", "a": {"b": 1}})
    assert own(client.emulator.records()[0]) == {"content": "", "a": '{"b":1}'}


def test_a_managed_cluster_is_flattened_only(start: Callable[..., Any]) -> None:
    client = start(profile="classic", structure="raw")
    client.events({"content": "", "a": {"b": 1}}, path="/api/v2/logs/ingest?structure=raw")
    assert own(client.emulator.records()[0]) == {"content": "", "a.b": "1"}


def test_classic_lowers_keys_and_makes_all_values_text(start: Callable[..., Any]) -> None:
    client = start(profile="classic")
    client.events({"content": 5, "Order.ID": 42, "ok": True, "rate": 1.5, "List": [1, 2], "NULL": None})
    expected = {"content": "5", "order.id": "42", "ok": "true", "rate": "1.5", "list": ["1", "2"], "null": "null"}
    assert own(client.emulator.records()[0]) == expected


def test_grail_keeps_types_and_case(client, emulator) -> None:
    event = {"content": "c", "Int": 42, "int": 43, "ok": False, "rate": 1.5, "none": None, "big": 2**70}
    client.events(event)
    assert own(emulator.records()[0]) == event


def test_query_parameters_and_header_become_attributes_and_win(client, emulator) -> None:
    reply = client.events(
        {"content": "Transaction successfully processed.", "team": "backend", "region": "r"},
        path="/api/v2/logs/ingest?team=frontend&env=prod&env=blue&structure=flattened",
        x_dynatrace_attr="region=eu-central-1&team=core&zone=a%20b",
    )
    assert reply.status == 204
    assert own(emulator.records()[0]) == {
        "content": "Transaction successfully processed.",
        "team": "frontend",
        "overwritten1.team": "backend",
        "env": ["prod", "blue"],
        "region": "eu-central-1",
        "overwritten1.region": "r",
        "zone": "a b",
    }


def test_five_levels_are_flattened_and_deeper_ones_are_left_out_and_named(client, emulator) -> None:
    five = {"a": {"b": {"c": {"d": {"e": 1}}}}}
    six = {"a": {"b": {"c": {"d": {"e": {"f": 1}, "g": 2}}}}}
    reply = client.events({"content": "0", **five}, {"content": "1", **six}, {"content": "2", **six})
    assert reply.status == 200
    assert reply.json["details"]["message"] == "Event(s) have attributes that are too nested for records: 1, 2"
    assert [own(record) for record in emulator.records()] == [
        {"content": "0", "a.b.c.d.e": 1},
        {"content": "1", "a.b.c.d.g": 2},
        {"content": "2", "a.b.c.d.g": 2},
    ]


def test_mixed_arrays_can_be_kept(start: Callable[..., Any]) -> None:
    client = start(mixed_arrays="kept")
    client.events({"content": "", "mixed": ["a", 1, {"b": 2}, None]})
    assert own(client.emulator.records()[0])["mixed"] == ["a", 1, '{"b":2}', None]


@pytest.mark.parametrize(("choice", "content"), [("empty", ""), ("whole_event", '{"a":1}')])
def test_an_event_without_content_can_be_empty_or_itself(start: Callable[..., Any], choice: str, content: str) -> None:
    client = start(without_content=choice)
    for structure in ("raw", "flattened"):
        client.events({"a": 1}, path=f"/api/v2/logs/ingest?structure={structure}")
    assert [own(record) for record in client.emulator.records()] == [{"content": content, "a": 1}] * 2
