"""What an answer means. Expected verdicts are from Dynatrace's API pages and the OTLP specification."""

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from doubles import answer
from dt_otlp_logs.delivery.verdict import (
    Delivered,
    Denied,
    Misdirected,
    Rejected,
    Retryable,
    TooLarge,
    Unsupported,
    judge,
)


def partial_success(rejected: int, message: str = "") -> bytes:
    response = ExportLogsServiceResponse()
    response.partial_success.rejected_log_records = rejected
    response.partial_success.error_message = message
    return response.SerializeToString()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (400, Rejected),
        (401, Denied),
        (402, Denied),
        (403, Denied),
        (404, Unsupported),
        (405, Unsupported),
        (407, Denied),
        (408, Retryable),
        (409, Rejected),
        (413, TooLarge),
        (415, Unsupported),
        (422, Rejected),
        (425, Retryable),
        (429, Retryable),
        (431, Rejected),
        (500, Retryable),
        (501, Unsupported),
        (502, Retryable),
        (503, Retryable),
        (504, Retryable),
        (507, Retryable),
        (599, Retryable),
        (300, Misdirected),
        (301, Misdirected),
        (302, Misdirected),
        (304, Misdirected),
        (307, Misdirected),
        (399, Misdirected),
    ],
)
@pytest.mark.parametrize("form", ["otlp", "json"])
def test_each_status_has_its_verdict(form: str, status: int, verdict: type) -> None:
    assert type(judge(form, answer(status), 5, 0.0)) is verdict  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [200, 202, 204])
@pytest.mark.parametrize("form", ["otlp", "json"])
def test_a_success_without_a_body_delivers_everything(form: str, status: int) -> None:
    assert judge(form, answer(status), 5, 0.0) == Delivered(5)  # type: ignore[arg-type]


def test_a_partial_success_in_protobuf_is_counted() -> None:
    verdict = judge("otlp", answer(200, partial_success(2, "too old")), 5, 0.0)
    assert verdict == Delivered(3, 2, "too old")


def test_a_partial_success_that_rejects_nothing_is_a_warning() -> None:
    assert judge("otlp", answer(200, partial_success(0, "slow down")), 5, 0.0) == Delivered(5, 0, "slow down")


@pytest.mark.parametrize(("claimed", "counted"), [(9, 5), (-3, 0)])
def test_a_partial_success_never_counts_more_than_was_sent_nor_less_than_nothing(claimed: int, counted: int) -> None:
    assert judge("otlp", answer(200, partial_success(claimed)), 5, 0.0) == Delivered(5 - counted, counted)


def test_a_gateway_that_answers_in_otlp_json_is_understood() -> None:
    assert judge("otlp", answer(200, "{}", content_type="application/json"), 5, 0.0) == Delivered(5)
    body = json.dumps({"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "no"}})
    assert judge("otlp", answer(200, body), 5, 0.0) == Delivered(3, 2, "no")


@pytest.mark.parametrize("key", ["details", "success"])
def test_a_partial_success_in_json_is_counted_in_both_documented_spellings(key: str) -> None:
    message = "2 events were not ingested because of timestamp out of correct time range."
    body = json.dumps({key: {"code": 200, "message": message}})
    assert judge("json", answer(200, body), 5, 0.0) == Delivered(3, 2, message)


@pytest.mark.parametrize(
    "response",
    [
        answer(200, "<!DOCTYPE html><title>Sign in</title>"),
        answer(200, "  <html><body>portal</body></html>"),
        answer(200, "", content_type="text/html; charset=utf-8"),
        answer(200, "It works!"),
    ],
)
@pytest.mark.parametrize("form", ["otlp", "json"])
def test_a_success_that_is_not_dynatraces_answer_delivers_nothing(form: str, response: object) -> None:
    assert type(judge(form, response, 5, 0.0)) is Misdirected  # type: ignore[arg-type]


def test_no_answer_is_retryable_and_says_why() -> None:
    verdict = judge("otlp", answer(None), 5, 0.0)
    assert verdict == Retryable("no answer", no_answer=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Thu, 01 Jan 1970 00:00:30 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("-5", 0.0),
        ("86400", 600.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date_and_bounded(header: str, seconds: float | None) -> None:
    verdict = judge("otlp", answer(503, retry_after=header), 5, 10.0)
    assert isinstance(verdict, Retryable)
    assert verdict.after == seconds


def test_the_reason_quotes_dynatraces_envelope() -> None:
    body = json.dumps({"error": {"code": 403, "message": "Token is missing required scope. Use one of: logs.ingest"}})
    verdict = judge("otlp", answer(403, body), 5, 0.0)
    assert verdict == Denied("HTTP 403: Token is missing required scope. Use one of: logs.ingest", 403)


@pytest.mark.parametrize("body", ["\x1b[2Jgone", "a\r\nb\x00", "{not json", "[1,2]", '{"error": "text"}', b"\xff\xfe"])
def test_no_body_of_a_failure_can_break_the_verdict_or_a_terminal(body: str | bytes) -> None:
    verdict = judge("otlp", answer(400, body), 5, 0.0)
    assert isinstance(verdict, Rejected)
    assert verdict.reason.isprintable()


def test_a_token_echoed_by_a_server_is_masked() -> None:
    secret = "A" * 64
    verdict = judge("otlp", answer(401, f"bad token dt0c01.PUBLIC.{secret}"), 5, 0.0)
    assert isinstance(verdict, Denied)
    assert secret not in verdict.reason
    assert "dt0c01.PUBLIC.***" in verdict.reason


def test_a_redirect_names_where_it_leads() -> None:
    verdict = judge("otlp", answer(302, location="https://sso.example/login"), 5, 0.0)
    assert verdict == Misdirected("HTTP 302, redirected to https://sso.example/login")
