"""What Dynatrace's metadata files may hold, and what becomes of it.

The forms are those that the Operator writes (`key=value`, one JSON object) and that Dynatrace's own reader takes:
https://github.com/dynatrace-oss/dynatrace-metric-utils-python
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dt_otlp_logs.config.metadata import MetadataError, parse_json, parse_properties


def test_a_json_object_of_texts_is_taken_as_it_is() -> None:
    pod = {"k8s.pod.name": "checkout-1", "k8s.namespace.name": "größe", "dt.security_context": "team=a b"}
    assert parse_json(json.dumps(pod)) == (pod, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (2.5, "2.5"),
        (True, "true"),
        (False, "false"),
        ({"zone": ["a", "ä"]}, '{"zone": ["a", "ä"]}'),
        ([1, None], "[1, null]"),
    ],
)
def test_other_json_values_become_their_json_text(value: Any, text: str) -> None:
    assert parse_json(json.dumps({"value": value})) == ({"value": text}, None)


def test_null_is_no_attribute() -> None:
    assert parse_json('{"value": null, "host.name": "node"}') == ({"host.name": "node"}, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON: line 1, column 1"),
        ('{\n"a": 1,,}', "not valid JSON: line 2, column 8"),
        ("{not json", "not valid JSON"),
        ("[1, 2]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 10_000 + "}", "a number too long"),
        ('{"a": "b"}\0', "not valid JSON"),
    ],
)
def test_json_that_cannot_be_used_says_why(text: str, reason: str) -> None:
    with pytest.raises(MetadataError, match=reason):
        parse_json(text)


def test_properties_are_divided_at_the_first_equals_sign() -> None:
    text = "k8s.cluster.name=test-cluster\n  key = value=with=equals \nurl=a:b\n"
    assert parse_properties(text)[0] == {
        "k8s.cluster.name": "test-cluster",
        "key": "value=with=equals",
        "url": "a:b",
    }


def test_of_keys_that_are_there_more_than_once_the_last_counts_and_it_is_said() -> None:
    said = "'a' is there 2 times, the last one counts"
    assert parse_json('{"a": "1", "b": "2", "a": "3"}') == ({"a": "3", "b": "2"}, said)
    assert parse_properties("a=1\nb=2\na=3") == ({"a": "3", "b": "2"}, said)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_comments_and_empty_lines_do_not_count(line_end: str) -> None:
    text = line_end.join(["# made by OneAgent", "", "host.name=node", "  ! a=b", "\t"])
    assert parse_properties(text) == ({"host.name": "node"}, None)


def test_nothing_is_unescaped() -> None:
    assert parse_properties(r"path=C:\temp\u0041\n")[0] == {"path": r"C:\temp\u0041\n"}


def test_a_malformed_line_costs_itself_only() -> None:
    attributes, problem = parse_properties("no divider\n=no key\nno value=\nhost.name=node")
    assert attributes == {"host.name": "node"}
    assert problem == (
        "line 1 is not key=value; '' is left out, its key or value is empty; "
        "'no value' is left out, its key or value is empty"
    )


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("a", "x\0y", "control characters"),
        ("a\x1b[2J", "x", "control characters"),
        ("a", "two\nlines", "control characters"),
        ("a", "\ud800", "control characters"),
        ("k" * 101, "x", "longer than 100 bytes"),
        ("é" * 51, "x", "longer than 100 bytes"),
        ("a", "v" * 4_097, "longer than 4_096 bytes"),
        ("a", "", "empty"),
        ("", "x", "empty"),
    ],
)
def test_what_would_harm_is_left_out_and_said(key: str, value: str, reason: str) -> None:
    attributes, problem = parse_json(json.dumps({key: value, "host.name": "node"}))
    assert attributes == {"host.name": "node"}
    assert problem is not None
    assert reason in problem
    assert problem.isprintable()
    assert len(problem) < 200


@pytest.mark.parametrize(("key", "value"), [("k" * 100, "x"), ("é" * 50, "x"), ("a", "v" * 4_096)])
def test_the_longest_key_and_value_are_taken(key: str, value: str) -> None:
    assert parse_json(json.dumps({key: value})) == ({key: value}, None)


def test_a_hundred_attributes_are_taken_and_the_rest_is_said() -> None:
    attributes, problem = parse_json(json.dumps({f"key.{number}": "x" for number in range(104)}))
    assert list(attributes) == [f"key.{number}" for number in range(100)]
    assert problem is not None
    assert problem.endswith("; and 1 more")


@given(st.text())
def test_any_text_is_either_attributes_or_a_problem_in_words(text: str) -> None:
    attributes, problem = parse_properties(text)
    assert all(key and value for key, value in attributes.items())
    assert (problem or "").isprintable()
    try:
        parse_json(text)
    except MetadataError as error:
        reason = str(error)
    else:
        reason = "none"
    assert reason.isprintable()


@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
        st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20).filter(lambda text: text.strip()),
    )
)
def test_both_forms_say_the_same(attributes: dict[str, str]) -> None:
    properties = "\n".join(f"{key}={value}" for key, value in attributes.items())
    assert parse_properties(properties)[0] == parse_json(json.dumps(attributes))[0] == attributes
