"""Tokens and headers go where they were meant to go, and nowhere else; no message shows a secret."""

import pytest

from dt_otlp_logs.config import ApiToken, Config, ConfigError, load_config

TOKEN = "dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX.HUNTER2HUNTER2"
OTHER = "dt0c01.OTHEROTHEROTHEROTHEROTHER.HUNTER2OTHER"
LOGS_HEADERS, HEADERS = "OTEL_EXPORTER_OTLP_LOGS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"
LOGS_ENDPOINT, ENDPOINT = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"


def token_of(config: Config) -> ApiToken | None:
    return config.token.current()


def test_what_the_kubernetes_operator_injects_is_all_that_is_needed():
    url = "https://dynakube-activegate.dynatrace/e/abc12345/api/v2/otlp/v1/logs"
    config = load_config({}, {LOGS_ENDPOINT: url, "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
                              LOGS_HEADERS: f"authorization=Api-Token {TOKEN}"})  # fmt: skip
    assert config.endpoints[0].otlp_url == url
    assert token_of(config) == ApiToken(TOKEN)
    assert config.token.where == f"authorization in {LOGS_HEADERS}"
    assert config.headers == {}
    assert config.notes == ()


@pytest.mark.parametrize("value", [f"Authorization=Api-Token%20{TOKEN}", f'"Authorization=Api-Token {TOKEN}"'])
@pytest.mark.parametrize("variable", [LOGS_HEADERS, HEADERS])
def test_the_token_is_found_in_the_header_variables(value, variable):
    assert token_of(load_config({"endpoint": "abc12345"}, {variable: value})) == ApiToken(TOKEN)


def test_our_own_token_variable_wins_over_the_headers():
    environ = {
        "DT_ENDPOINT": "abc12345",
        "DT_API_TOKEN": TOKEN,
        LOGS_HEADERS: f"authorization=Api-Token {OTHER}",
    }
    assert token_of(load_config({}, environ)) == ApiToken(TOKEN)


def test_the_logs_header_variable_wins_header_by_header():
    environ = {
        "DT_ENDPOINT": "abc12345",
        HEADERS: f"authorization=Api-Token {TOKEN},x-a=1,x-b=1",
        LOGS_HEADERS: "x-a=2",
    }
    config = load_config({}, environ)
    assert config.headers == {"x-a": "2", "x-b": "1"}
    assert token_of(config) == ApiToken(TOKEN)


@pytest.mark.parametrize(
    ("settings", "environ", "where"),
    [
        ({"api_token": TOKEN}, {"DT_API_TOKEN": OTHER, "DT_API_TOKEN_FILE": "FILE"}, "api_token in code"),
        ({"api_token_file": "FILE"}, {"DT_API_TOKEN": OTHER}, "file"),
        ({}, {"DT_API_TOKEN": TOKEN, "DT_API_TOKEN_FILE": "FILE"}, "DT_API_TOKEN"),
        ({}, {"DT_API_TOKEN_FILE": "FILE", HEADERS: f"authorization=Api-Token {OTHER}"}, "file"),
        ({"api_token": ApiToken(TOKEN)}, {}, "api_token in code"),
    ],
)
def test_code_wins_over_the_environment_and_a_token_over_a_file(settings, environ, where, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    settings = {key: file if value == "FILE" else value for key, value in settings.items()}
    environ = {key: str(file) if value == "FILE" else value for key, value in environ.items()}
    config = load_config({"endpoint": "abc12345", **settings}, environ)
    assert token_of(config) == ApiToken(TOKEN)
    assert config.token.where.startswith(where)


def test_a_token_and_a_file_in_code_are_one_too_many(tmp_path):
    with pytest.raises(ConfigError, match="one of the two"):
        load_config({"endpoint": "abc12345", "api_token": TOKEN, "api_token_file": tmp_path}, {})


@pytest.mark.parametrize("endpoint", ["http://localhost:14499/v2/logs/ingest", "http://collector:4318",
                                      "https://collector.example.org/v1/logs"])  # fmt: skip
def test_endpoints_that_need_no_token_work_without_one(endpoint):
    assert token_of(load_config({}, {"DT_ENDPOINT": endpoint})) is None


def test_a_receiver_gets_its_own_authorization_and_never_the_token():
    environ = {
        ENDPOINT: "http://collector:4318",
        HEADERS: "authorization=Basic dXNlcjpwdw==,x-a=1",
        "DT_API_TOKEN": TOKEN,
    }
    config = load_config({}, environ)
    assert config.headers == {"authorization": "Basic dXNlcjpwdw==", "x-a": "1"}
    assert not config.endpoints[0].sends_token
    assert [note for note in config.notes if "not sent" in note]


def test_the_same_receiver_in_our_own_variable_gets_its_authorization_too():
    environ = {
        "DT_ENDPOINT": "http://collector:4318",
        ENDPOINT: "http://collector:4318",
        HEADERS: "authorization=Basic eA",
    }
    assert load_config({}, environ).headers["authorization"] == "Basic eA"
    assert load_config({"endpoint": "http://c:4318", "headers": {"Authorization": "Basic eA"}}, {}).headers == {
        "authorization": "Basic eA"
    }


def test_a_receiver_of_our_own_variable_does_not_get_the_authorization_of_the_otel_variables():
    config = load_config(
        {}, {"DT_ENDPOINT": "http://collector:4318", HEADERS: f"authorization=Api-Token {TOKEN},x-a=1"}
    )
    assert config.headers == {"x-a": "1"}
    assert [note for note in config.notes if "not sent" in note]


def test_headers_meant_for_another_receiver_do_not_go_to_dynatrace():
    environ = {"DT_ENDPOINT": "abc12345", "DT_API_TOKEN": TOKEN, ENDPOINT: "http://collector:4318",
               HEADERS: "authorization=Bearer foreign,x-team=secret"}  # fmt: skip
    config = load_config({}, environ)
    assert config.headers == {}
    assert "collector" in config.notes[0]
    del environ["DT_API_TOKEN"]
    with pytest.raises(ConfigError, match="api_token is not set"):
        load_config({}, environ)


def test_a_mixed_list_keeps_authorization_out_of_the_headers():
    settings = {"endpoint": "abc12345,http://c:4318", "headers": {"authorization": f"Api-Token {TOKEN}"}}
    config = load_config(settings, {})
    assert config.headers == {}
    assert token_of(config) == ApiToken(TOKEN)


def test_foreign_credentials_are_no_token():
    with pytest.raises(ConfigError, match="credentials of the scheme Basic"):
        load_config({"endpoint": "abc12345"}, {HEADERS: "authorization=Basic aHVudGVyMg"})


WAYS_IN: list[tuple[dict[str, object], dict[str, str]]] = [
    ({"api_token": TOKEN}, {}),
    ({"api_token": f"{TOKEN} {TOKEN}"}, {}),
    ({"api_token": f"Bearer\t{TOKEN}\x07"}, {}),
    ({"api_token": TOKEN.encode()}, {}),
    ({}, {"DT_API_TOKEN": TOKEN}),
    ({}, {"DT_API_TOKEN": f"{TOKEN}\n{TOKEN}"}),
    ({}, {"DT_API_TOKEN_FILE": TOKEN}),
    ({}, {LOGS_HEADERS: f"authorization=Api-Token {TOKEN}"}),
    ({}, {HEADERS: f"authorization=Api-Token {TOKEN};x"}),
    ({}, {HEADERS: f"Api-Token {TOKEN}"}),
    ({}, {HEADERS: f"x-a={TOKEN},authorization={TOKEN}"}),
    ({"headers": {"x-a": f"{TOKEN}\n"}}, {}),
    ({"headers": [("x-a", TOKEN)]}, {}),
    ({"headers": [TOKEN]}, {}),
    ({"endpoint": TOKEN}, {}),
    ({"endpoint": f"https://user:{TOKEN}@host.example.org"}, {}),
    ({"endpoint": f"https://host.example.org/?t={TOKEN}"}, {}),
    ({"endpoint": f"https://host.example.org/{TOKEN}"}, {}),
    ({"endpoint": "https://user:HUNTER2@host.example.org"}, {}),
    ({"endpoint": "https://HUNTER2@host.example.org"}, {}),
    ({"endpoint": "user:HUN/TER2HUNTER2@host"}, {}),
    ({"endpoint": ["https://a:HUNTER2@b", "https://c/#HUNTER2"]}, {}),
    ({}, {ENDPOINT: "https://user:HUNTER2@host.example.org"}),
    ({}, {"DT_OTLP_LOGS_TIMEOUT_SECONDS": TOKEN}),
    ({}, {"DT_OTLP_LOGS_STALE": f"Api-Token {TOKEN}"}),
    ({}, {"DT_OTLP_LOGS_CA_FILE": TOKEN}),
    ({}, {"DT_OTLP_LOGS_QUEUE_DIRECTORY": f"/dev/null/{TOKEN}"}),
    ({}, {"HTTPS_PROXY": "http://user:HUNTER2@proxy:1"}),
    ({}, {"HTTPS_PROXY": "socks5://user:HUNTER2@proxy:1"}),
    ({"proxy": "http://user:HUN@TER2HUNTER2@proxy:1/x"}, {}),
    ({TOKEN: "x"}, {}),
    ({}, {f"DT_OTLP_LOGS_{TOKEN}": "x"}),
]


@pytest.mark.parametrize(("settings", "environ"), WAYS_IN)
def test_no_way_in_leads_a_secret_to_any_printed_form(settings, environ, caplog, capsys):
    base: dict[str, object] = {} if ENDPOINT in environ else {"endpoint": "abc12345"}
    printed = ""
    try:
        config = load_config(base | settings, {"DT_OTLP_LOGS_LIMITS": "x"} | environ)
    except ConfigError as error:
        printed += f"{error} {error!r} {error.problems} {error.origins} {error.notes}"
    try:
        config = load_config({"api_token": TOKEN} | base | settings, environ)
    except ConfigError as error:
        printed += f"{error} {error!r} {error.problems} {error.origins} {error.notes}"
    else:
        printed += f"{config} {config.token} {config.headers} {config.origins} {config.notes} {config.proxies}"
    assert "HUNTER2" not in printed + caplog.text + str(capsys.readouterr())
    assert "\x07" not in printed
