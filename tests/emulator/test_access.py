"""Who may send where: forms of the URL, tokens and scopes, and what the refusals look like."""

from collections.abc import Callable
from typing import Any

import pytest

from dt_otlp_logs.emulator import DEFAULT_TOKEN, PLATFORM_TOKEN, TOKEN_WITHOUT_SCOPE, AcceptedToken

BOTH = ["/api/v2/otlp/v1/logs", "/api/v2/logs/ingest"]


def post(client: Any, path: str = "/api/v2/logs/ingest", **headers: str) -> Any:
    if "otlp" in path:
        return client.otlp(b"", path=path, **headers)
    return client.events({"content": "x"}, path=path, **headers)


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("prefix", ["", "/e/abc12345", "/e/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"])
def test_saas_managed_and_activegate_forms_are_served(client, path: str, prefix: str) -> None:
    assert post(client, prefix + path).status in (200, 204)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/logs",
        "/api/v2/otlp",
        "/api/v2/otlp/v1/logs/v1/logs",
        "/api/v2/otlp/v1/logs/",
        "/api/v2/otlp/v1/traces",
        "/e//api/v2/logs/ingest",
        "/e/a/b/api/v2/logs/ingest",
        "/e/abc/v2/logs/ingest",
        "/api/v2/logs",
        "/e/abc12345",
    ],
)
def test_any_other_path_is_not_found_in_the_error_envelope(client, path: str) -> None:
    reply = client.raw(b"", path=path)
    assert reply.status == 404
    assert reply.error["code"] == 404


@pytest.mark.parametrize("path", BOTH)
def test_an_unknown_environment_is_not_found(start: Callable[..., Any], path: str) -> None:
    client = start(environments=frozenset({"known"}))
    assert post(client, "/e/known" + path).status in (200, 204)
    assert post(client, "/e/other" + path).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_post_is_served(client, method: str) -> None:
    reply = client.request(method, "/api/v2/logs/ingest")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize(
    "header",
    [
        "",
        "Api-Token",
        "Api-Token ",
        f"Bearer {DEFAULT_TOKEN}",
        f"Api-Token {PLATFORM_TOKEN}",
        DEFAULT_TOKEN,
        f"Api-Token {DEFAULT_TOKEN}2",
        f"Api-Token {DEFAULT_TOKEN[:-1]}",
        f"Basic {DEFAULT_TOKEN}",
        "Api-Token é",
    ],
)
def test_a_token_that_is_unknown_or_under_the_wrong_scheme_is_refused(client, emulator, path: str, header: str) -> None:
    reply = post(client, path, authorization=header)
    assert (reply.status, reply.json) == (401, {"error": {"code": 401, "message": "Token Authentication failed"}})
    assert emulator.records() == []


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize(
    "header", [f"Api-Token {DEFAULT_TOKEN}", f"api-token {DEFAULT_TOKEN}", f"Bearer {PLATFORM_TOKEN}"]
)
def test_a_known_token_under_its_scheme_is_accepted(client, path: str, header: str) -> None:
    assert post(client, path, authorization=header).status in (200, 204)


@pytest.mark.parametrize(("settings", "status"), [({}, 403), ({"missing_scope_status": 401}, 401)])
def test_a_token_without_the_scope_is_told_which_one(start: Callable[..., Any], settings: dict, status: int) -> None:
    reply = post(start(**settings), authorization=f"Api-Token {TOKEN_WITHOUT_SCOPE}")
    assert (reply.status, reply.error["code"]) == (status, status)
    assert reply.error["message"].startswith("Token is missing required scope. Use one of: logs.ingest (")


def test_platform_tokens_can_be_refused(start: Callable[..., Any]) -> None:
    assert post(start(platform_tokens=False), authorization=f"Bearer {PLATFORM_TOKEN}").status == 401


def test_an_expired_token_is_forbidden(start: Callable[..., Any]) -> None:
    client = start(tokens=(AcceptedToken(DEFAULT_TOKEN, expired=True),))
    assert post(client).status == 403


def test_an_apps_host_is_not_found_unless_it_is_served(start: Callable[..., Any]) -> None:
    host = "abc12345.live.apps.dynatrace.com"
    assert post(start(), host=host).status == 404
    assert post(start(apps_hosts="served"), host=host).status == 204


@pytest.mark.parametrize(
    ("settings", "statuses"),
    [({"otlp_ingest_enabled": False}, (404, 204)), ({"log_collector_enabled": False}, (200, 404))],
)
def test_an_activegate_without_a_module_answers_404_on_its_path(
    start: Callable[..., Any], settings: dict, statuses: tuple[int, int]
) -> None:
    client = start(**settings)
    assert tuple(post(client, path).status for path in BOTH) == statuses


def test_the_secret_of_a_token_is_shown_nowhere(client, emulator) -> None:
    secret = "S" * 64
    given = f"dt0c01.{'P' * 24}.{secret}"
    post(client)
    post(client, authorization=f"Api-Token {given}")
    post(client, authorization=f"Bearer not.a.token.{secret}")
    post(client, path="/nowhere", authorization=f"Api-Token {given}")
    shown = b"".join(client.get(f"/emulator/{page}").body for page in ("records", "requests", "summary", "faults"))
    shown += repr(emulator.settings).encode() + repr(emulator.requests()).encode()
    assert secret.encode() not in shown
    assert DEFAULT_TOKEN.rpartition(".")[2].encode() not in shown
    assert [request["token_id"] for request in emulator.requests()] == [
        DEFAULT_TOKEN.rpartition(".")[0],
        "dt0c01." + "P" * 24,
        "other",
        "dt0c01." + "P" * 24,
    ]
