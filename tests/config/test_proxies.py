"""Proxies: from the variables every client reads, with their exceptions."""

import pytest

from dt_otlp_logs.config import BadValueError, ConfigError, Proxies, load_config
from dt_otlp_logs.config.proxies import parse_proxy

URL = "https://abc12345.live.dynatrace.com/api/v2/otlp/v1/logs"
DYNATRACE = {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": "dt0c01.abc123.abcdef"}


def proxies(**environ: str) -> Proxies:
    return load_config({}, DYNATRACE | environ).proxies


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "DT_OTLP_LOGS_PROXY"])
def test_the_proxy_comes_from_the_environment(name):
    assert proxies(**{name: "http://proxy:3128"}).for_url(URL) == "http://proxy:3128"


def test_our_own_variable_wins_and_none_switches_proxies_off():
    assert proxies(HTTPS_PROXY="http://a:1", DT_OTLP_LOGS_PROXY="http://b:2").for_url(URL) == "http://b:2"
    assert proxies(HTTPS_PROXY="http://a:1", DT_OTLP_LOGS_PROXY="none").for_url(URL) is None


def test_each_scheme_has_its_own_proxy():
    both = {
        "DT_ENDPOINT": "abc12345,http://127.0.0.1:14680",
        "HTTPS_PROXY": "http://a:1",
        "HTTP_PROXY": "http://b:2",
    }
    assert proxies(**both).for_url(URL) == "http://a:1"
    assert proxies(**both).for_url("http://127.0.0.1:14680/api/v2/otlp/v1/logs") == "http://b:2"


def test_a_cgi_request_cannot_set_the_proxy():
    environ = {"DT_ENDPOINT": "http://127.0.0.1:14680", "HTTP_PROXY": "http://evil:1"}
    assert proxies(**environ).http == "http://evil:1"
    assert proxies(**environ, REQUEST_METHOD="GET").http is None


def test_oneagent_is_reached_directly():
    found = proxies(DT_ENDPOINT="http://localhost:14499/v2/logs/ingest", HTTP_PROXY="http://proxy:1")
    assert found.for_url("http://localhost:14499/v2/logs/ingest") is None


@pytest.mark.parametrize(
    ("rules", "url", "direct"),
    [
        ("*", URL, True),
        ("dynatrace.com", URL, True),
        (".dynatrace.com", URL, True),
        ("*.dynatrace.com", URL, True),
        ("other.org, .LIVE.dynatrace.com", URL, True),
        ("abc12345.live.dynatrace.com:443", URL, True),
        ("abc12345.live.dynatrace.com:8443", URL, False),
        ("race.com", URL, False),
        ("", URL, False),
        ("10.0.0.0/8", "https://10.1.2.3:9999/e/x", True),
        ("10.0.0.0/8", "https://11.1.2.3:9999/e/x", False),
        ("10.1.2.3:9999", "https://10.1.2.3:9999/e/x", True),
        ("::1", "https://[::1]/x", True),
        ("[::1]:9999", "https://[::1]:9999/x", True),
        ("fd00::/8", "https://[fd00::5]/x", True),
        (",,", URL, False),
        (".", URL, False),
    ],
)
def test_no_proxy_names_the_hosts_reached_directly(rules, url, direct):
    found = proxies(HTTPS_PROXY="http://proxy:1", NO_PROXY=rules).for_url(url)
    assert (found is None) is direct


@pytest.mark.parametrize(
    ("text", "proxy"),
    [("proxy:3128", "http://proxy:3128"), ("http://proxy:3128/", "http://proxy:3128"), ("none", None),
     ("http://u:p@proxy", "http://u:p@proxy"), ("https://[::1]:8080", "https://[::1]:8080"), ("direct", None)],
)  # fmt: skip
def test_a_proxy_address_is_read(text, proxy):
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text", ["", "socks5://proxy:1", "ftp://proxy", "http://", "http://p:99999", "a b", "http://p/x", 7]
)
def test_what_is_no_proxy_is_refused(text):
    with pytest.raises(BadValueError, match="proxy"):
        parse_proxy(text)


def test_a_proxy_that_is_not_used_is_not_judged():
    assert proxies(HTTP_PROXY="socks5://proxy:1").for_url(URL) is None
    with pytest.raises(ConfigError, match="proxy is 'socks5://proxy:1' \\(from HTTPS_PROXY\\)"):
        proxies(HTTPS_PROXY="socks5://proxy:1")


def test_the_password_of_a_proxy_is_not_shown():
    found = proxies(HTTPS_PROXY="http://user:hunter2@proxy:1")
    assert found.for_url(URL) == "http://user:hunter2@proxy:1"
    assert "hunter2" not in f"{found} {found!r}"
    assert "proxy:1" in repr(found)
