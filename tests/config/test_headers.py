"""Header variables: read as Python's SDK reads them, refused without showing a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.util.re import parse_env_headers

from dt_otlp_logs.config import BadValueError, Headers
from dt_otlp_logs.config.headers import checked, parse_headers


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("authorization=Api-Token dt0c01.A.B", {"authorization": "Api-Token dt0c01.A.B"}),
        ("Authorization=Api-Token%20dt0c01.A.B", {"authorization": "Api-Token dt0c01.A.B"}),
        ("X-A=1, x-b = 2 ,,", {"x-a": "1", "x-b": "2"}),
        ("x-a=b=c=", {"x-a": "b=c="}),
        ("x-a=", {"x-a": ""}),
        ("x-a=1,x-a=2", {"x-a": "2"}),
        ('"authorization=Api-Token dt0c01.A.B"', {"authorization": "Api-Token dt0c01.A.B"}),
        ("", {}),
    ],
)
def test_a_header_variable_is_read(text, headers):
    assert dict(parse_headers(text)) == headers


@given(st.text(alphabet='aZ-_ =,%2041;"\t\\é', max_size=40))
def test_what_the_sdk_reads_is_read_alike(text):
    try:
        ours = dict(parse_headers(text))
    except BadValueError:
        return
    if text.strip()[:1] not in ('"', "'"):
        assert ours == parse_env_headers(text, liberal=True)


@pytest.mark.parametrize("text", ["hunter2", "authorization hunter2", "x-a=hun;ter2", 'x-a="hunter2"', "=hunter2",
                                  "x-a=hunter2\\", "x a=hunter2", "x-a=hünter2"])  # fmt: skip
def test_a_malformed_header_is_refused_without_its_value(text, caplog):
    with pytest.raises(BadValueError) as caught:
        parse_headers(text)
    assert "ter2" not in f"{caught.value}{caplog.text}"


@pytest.mark.parametrize("values", [{"x-a": "a\r\nb"}, {"x-a": "日本"}, {"x a": "b"}, {"": "b"}, {1: "b"}, {"x": None},
                                    {"Content-Type": "text/plain"}, {"host": "x"}])  # fmt: skip
def test_what_http_cannot_carry_or_the_exporter_sets_is_refused(values):
    with pytest.raises(BadValueError):
        checked(values)


def test_headers_do_not_show_their_values():
    headers = Headers({"X-Key": "hunter2"})
    assert headers["x-key"] == headers["X-KEY"] == "hunter2"
    assert repr(headers) == str(headers) == "Headers(x-key=***)"
    assert headers == {"x-key": "hunter2"}
    assert not Headers().without("x")
