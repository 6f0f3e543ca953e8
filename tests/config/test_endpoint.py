"""Endpoints: every documented spelling leads to the documented URLs, and nothing else gets through."""

import pytest

from dt_otlp_logs.config import BadValueError, parse_endpoint

LOGS = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"

SAAS = "https://abc12345.live.dynatrace.com"
MANAGED = "https://managed.example.org/e/0a1b2c3d-0000-4000-8000-123456789abc"
ACTIVEGATE = "https://ag.example.org:9999/e/abc12345"
IN_CLUSTER = "https://dynakube-activegate.dynatrace/e/abc12345"

OTLP = "/api/v2/otlp/v1/logs"
JSON = "/api/v2/logs/ingest"


def urls(text: str, source: str = "DT_ENDPOINT") -> tuple[str | None, str | None]:
    endpoint, _ = parse_endpoint(text, source)
    return endpoint.otlp_url, endpoint.json_url


@pytest.mark.parametrize(
    "tail",
    ["", "/", "//", "/api", "/api/v2", "/api/v2/", "/api/v2/otlp", "/api/v2/otlp/", "/api/v2/otlp/v1", OTLP, OTLP + "/",
     JSON, JSON + "/", "/api/v2/logs", OTLP + "/v1/logs", "/api/v2/otlp/v1/traces", "/api//v2/otlp"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("base", "kind"),
    [(SAAS, "saas"), (MANAGED, "managed"), (ACTIVEGATE, "activegate"), (IN_CLUSTER, "activegate"),
     ("https://emulator.example.org", "dynatrace"), ("http://127.0.0.1:14680", "dynatrace")],
)  # fmt: skip
@pytest.mark.parametrize("source", ["DT_ENDPOINT", "argument"])
def test_every_tail_of_a_tenant_leads_to_the_two_documented_urls(base, kind, tail, source):
    endpoint, _ = parse_endpoint(base + tail, source)
    assert (endpoint.otlp_url, endpoint.json_url) == (base + OTLP, base + JSON)
    assert (endpoint.kind, endpoint.needs_token, endpoint.sends_token) == (kind, True, True)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("abc12345", SAAS),
        ("ABC12345", SAAS),
        ("  abc12345\n", SAAS),
        ('"https://abc12345.live.dynatrace.com"', SAAS),
        ("'abc12345.live.dynatrace.com'", SAAS),
        ("abc12345.live.dynatrace.com/api/v2/otlp", SAAS),
        ("HTTPS://ABC12345.Live.Dynatrace.com./", SAAS),
        ("https://abc12345.live.dynatrace.com:443", SAAS),
        ("//abc12345.live.dynatrace.com", SAAS),
        ("https://abc12345.live.dynatrace.com/v1/logs", SAAS),
        ("https://abc12345.apps.dynatrace.com", SAAS),
        ("https://abc12345.live.apps.dynatrace.com/api/v2/otlp", SAAS),
        ("https://abc12345.apps.dynatrace.com/ui/apps/dynatrace.logs", SAAS),
        ("https://abc12345.live.dynatrace.com/e/abc12345", SAAS + "/e/abc12345"),
        ("https://abc12345.sprint.dynatracelabs.com/", "https://abc12345.sprint.dynatracelabs.com"),
        ("https://abc12345.sprint.apps.dynatracelabs.com", "https://abc12345.sprint.dynatracelabs.com"),
        ("https://abc12345.dev.dynatracelabs.com/api/v2/otlp", "https://abc12345.dev.dynatracelabs.com"),
        ("managed.example.org/e/0a1b2c3d/api/v2/otlp", "https://managed.example.org/e/0a1b2c3d"),
        ("https://managed.example.org/e/0a1b2c3d/v1/logs", "https://managed.example.org/e/0a1b2c3d"),
        ("https://managed.example.org/e/0a1b2c3d/ui/dashboards", "https://managed.example.org/e/0a1b2c3d"),
        ("ag:9999/e/abc12345", "https://ag:9999/e/abc12345"),
        ("https://[2001:DB8::1]:9999/e/abc12345", "https://[2001:db8::1]:9999/e/abc12345"),
        ("localhost:14680", "http://localhost:14680"),
        ("localhost", "http://localhost"),
        ("::1", "http://[::1]"),
        ("[::1]:14680", "http://[::1]:14680"),
        ("https://proxy.example.org/dynatrace", "https://proxy.example.org/dynatrace"),
        ("http://host.example.org:80/api/v2/otlp", "http://host.example.org"),
    ],
)
def test_a_spelling_of_a_tenant_leads_to_its_urls(text, base):
    assert urls(text) == (base + OTLP, base + JSON)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://abc12345.live.dynatrace.com/e/x", "saas"),
        ("https://managed.example.org:8443/e/x", "managed"),
        ("https://ag.example.org:9999", "activegate"),
        ("https://my-activegate.example.org/e/x", "activegate"),
        ("https://ag.dynatrace.svc/e/x", "activegate"),
        ("https://ag.dynatrace.svc.cluster.local/e/x", "activegate"),
    ],
)
def test_the_kind_follows_host_port_and_path(text, kind):
    assert parse_endpoint(text)[0].kind == kind


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:14499/v2/logs/ingest", "http://localhost:14499/v2/logs/ingest"),
        ("http://127.0.0.1:15000/v2/logs/ingest/", "http://127.0.0.1:15000/v2/logs/ingest"),
        ("localhost:14499", "http://localhost:14499/v2/logs/ingest"),
    ],
)
@pytest.mark.parametrize("source", ["DT_ENDPOINT", LOGS])
def test_oneagent_takes_json_without_a_token(text, url, source):
    if source == LOGS and "/v2/" not in text:
        text = f"http://{text}"
    endpoint, _ = parse_endpoint(text, source)
    assert (endpoint.kind, endpoint.otlp_url, endpoint.json_url) == ("oneagent", None, url)
    assert not endpoint.needs_token
    assert not endpoint.sends_token
    assert endpoint.urls("auto") == endpoint.urls("never") == (("json", url),)


@pytest.mark.parametrize(
    ("source", "text", "url"),
    [
        ("DT_ENDPOINT", "http://collector:4318", "http://collector:4318/v1/logs"),
        ("DT_ENDPOINT", "localhost:4318/", "http://localhost:4318/v1/logs"),
        ("DT_ENDPOINT", "https://collector.example.org/v1/logs", "https://collector.example.org/v1/logs"),
        ("DT_ENDPOINT", "https://c.example.org/in/v1/logs/v1/logs", "https://c.example.org/in/v1/logs"),
        (LOGS, "http://collector:4318/v1/logs", "http://collector:4318/v1/logs"),
        (LOGS, "https://c.example.org/any/path", "https://c.example.org/any/path"),
        (LOGS, "https://c.example.org", "https://c.example.org/"),
        (LOGS, "http://collector:4318", "http://collector:4318/v1/logs"),
        (BASE, "http://collector:4318", "http://collector:4318/v1/logs"),
        (BASE, "http://collector:4318/", "http://collector:4318/v1/logs"),
        (BASE, "https://c.example.org/in", "https://c.example.org/in/v1/logs"),
        (BASE, "http://collector:4318/v1/logs", "http://collector:4318/v1/logs"),
        (BASE, "http://localhost:4318", "http://localhost:4318/v1/logs"),
    ],
)
def test_an_otlp_receiver_gets_otlp_alone_and_no_token(source, text, url):
    endpoint, _ = parse_endpoint(text, source)
    assert (endpoint.kind, endpoint.otlp_url, endpoint.json_url) == ("otlp_receiver", url, None)
    assert not endpoint.needs_token
    assert not endpoint.sends_token
    assert endpoint.urls("json-only") == ()


@pytest.mark.parametrize(
    ("source", "text", "base"),
    [
        (LOGS, SAAS + OTLP, SAAS),
        (BASE, SAAS + "/api/v2/otlp", SAAS),
        (BASE, SAAS, SAAS),
        (LOGS, SAAS + "/api/v2/otlp", SAAS),
        (LOGS, IN_CLUSTER + OTLP, IN_CLUSTER),
        (BASE, ACTIVEGATE + "/api/v2/otlp", ACTIVEGATE),
        (BASE, MANAGED, MANAGED),
        (BASE, "http://localhost:14680/api/v2/otlp", "http://localhost:14680"),
        (LOGS, "https://proxy.example.org/dt/api/v2/otlp/v1/logs", "https://proxy.example.org/dt"),
        (BASE, SAAS + OTLP, SAAS),
    ],
)
def test_dynatrace_is_recognised_in_the_otel_variables(source, text, base):
    endpoint, _ = parse_endpoint(text, source)
    assert (endpoint.otlp_url, endpoint.json_url) == (base + OTLP, base + JSON)
    assert endpoint.sends_token


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://abc12345.apps.dynatrace.com", "logs go to abc12345.live.dynatrace.com"),
        ("https://abc12345.live.apps.dynatrace.com", "logs go to abc12345.live.dynatrace.com"),
        (SAAS + OTLP + "/v1/logs", "doubled"),
        (SAAS + "/api/v2/otlp/v1/traces", "another signal"),
        ("https://ag.example.org:9999", "/e/<environment id>"),
        ("http://collector:4317", "gRPC"),
        ("https://ag.example.org/v2/logs/ingest", "OneAgent's path"),
    ],
)
def test_what_was_understood_differently_is_said(text, said):
    _, notes = parse_endpoint(text)
    assert [note for note in notes if said in note]


def test_what_was_understood_as_written_is_not_commented():
    assert parse_endpoint("abc12345")[1] == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ('""', "empty"),
        ("ftp://host.example.org", "https://"),
        ("file:///etc/passwd", "https://"),
        ("grpc://collector:4317", "gRPC"),
        ("https:/abc12345.live.dynatrace.com", "https://"),
        ("https://", "host's name"),
        ("https:///api/v2/otlp", "https://"),
        ("https://host.example.org:99999", "port"),
        ("https://host.example.org:port", "port"),
        ("https://host.example.org:0", "port"),
        ("https://host name.example.org", "host's name"),
        ("https://höst.example.org", "host's name"),
        ("https://-host.example.org", "host's name"),
        ("https://host..example.org", "host's name"),
        ("https://127.0.0.1.5", "host's name"),
        ("https://[::1", "https://"),
        ("https://[nonsense]/", "host's name"),
        ("https://host.example.org/a b", "path"),
        ("https://host.example.org/../x", "path"),
        ("https://{your-environment-id}.live.dynatrace.com", "placeholder"),
        ("https://<id>.live.dynatrace.com", "placeholder"),
        ("https://abc12345.live.dynatrace.com/?x=1", "?"),
        ("https://abc12345.live.dynatrace.com/#logs", "#"),
        ("https://abc12345.live.dynatrace.com/somewhere", "without a path"),
        ("https://managed.example.org/e/0a1b2c3d/somewhere", "nothing after /e/"),
        ("https://live.dynatrace.com", "tenant's address"),
        ("https://dynatrace.com", "tenant's address"),
        ("https://docs.dynatrace.com/docs", "tenant's address"),
        ("0a1b2c3d-0000-4000-8000-123456789abc", "https://<host>/e/"),
        ("nonsense", "without a dot"),
        ("9999", "host's name"),
        ("https://user:hunter2@host.example.org", "user name"),
        ("dt0c01.ABCDEFGH.hunter2", "not a token"),
        ("https://dt0c01.ABCDEFGH.hunter2/", "not a token"),
        ("https://host.example.org/dt0c01.ABCDEFGH.hunter2", "not a token"),
        ("https://host.example.org/?api-token=hunter2", "?"),
    ],
)
def test_what_is_no_endpoint_is_refused_in_one_clear_line(text, said):
    with pytest.raises(BadValueError) as caught:
        parse_endpoint(text)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert "hunter2" not in message
