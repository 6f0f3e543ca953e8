"""What holds for every text given as an endpoint: no surprise, and the same meaning when read again."""

from hypothesis import example, given
from hypothesis import strategies as st

from dt_otlp_logs.config import BadValueError, parse_endpoint

LOGS = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"

ADDRESSES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "https://", "http://", "HTTP://", "//", " '"]),
        st.sampled_from(["abc12345", "a.live.dynatrace.com", "x.apps.dynatrace.com", "localhost", "[::1]", "ag",
                         "h.org", "a.b.apps.dynatracelabs.com", "127.0.0.1", "10.0.0.1"]),
        st.sampled_from(["", ":9999", ":4318", ":443", ":14499", ":4317"]),
        st.lists(
            st.sampled_from(["/", "/api", "/v1/logs", "/api/v2/otlp", "/e/abc12345", "/v2/logs/ingest", "/x", "/v2",
                             "/ui", "/v1", "/traces", "/api/v2/logs/ingest", "/logs"]),
            max_size=6,
        ).map("".join),
    ),
)  # fmt: skip
SOURCES = st.sampled_from(["argument", "DT_ENDPOINT", LOGS, BASE])


@given(
    text=st.one_of(ADDRESSES, st.text(), st.text(alphabet="htps:/[]@?#.%e1 "), st.binary().map(str)),
    source=SOURCES,
)
@example(text="https://[::1%25eth0]/", source="argument")
@example(text="\ud800", source="argument")
def test_any_text_is_an_endpoint_or_refused_by_its_own_error(text, source):
    try:
        endpoint, notes = parse_endpoint(text, source)
    except BadValueError as error:
        said: tuple[str, ...] = (str(error),)
    else:
        said = notes
        assert endpoint.otlp_url or endpoint.json_url
    assert not [line for line in said if "\n" in line]


@given(text=ADDRESSES, source=SOURCES)
@example(text="https://h.org/v1/logs/api", source="argument")
@example(text="a.live.dynatrace.com/ui/e/abc12345/ui", source="argument")
@example(text="https://h.org/api/v2/otlp/api/v2/otlp/", source="argument")
def test_what_was_made_of_an_address_means_the_same_again(text, source):
    try:
        endpoint, _ = parse_endpoint(text, source)
    except BadValueError:
        return
    for url in (endpoint.otlp_url, endpoint.json_url):
        if url is not None:
            assert parse_endpoint(url, source)[0] == endpoint
