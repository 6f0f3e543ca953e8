"""A running emulator for each test, and ways to speak HTTP to it that owe nothing to the package."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from dt_otlp_logs.emulator import EmulatorSettings, RunningEmulator, running_emulator

OTLP = "/api/v2/otlp/v1/logs"
JSON = "/api/v2/logs/ingest"


@dataclass
class Reply:
    """One answer."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]

    @property
    def otlp(self) -> ExportLogsServiceResponse:
        assert self.headers["content-type"] == "application/x-protobuf"
        return ExportLogsServiceResponse.FromString(self.body)


class Client:
    """Sends to one emulator, without retries or redirects."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self.emulator = emulator
        self._pool = urllib3.PoolManager()

    def request(self, method: str, path: str, body: bytes = b"", timeout: float = 10.0, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        reply = self._pool.request(
            method, self.emulator.url + path, body=body, headers=sent, retries=False, redirect=False, timeout=timeout
        )
        return Reply(reply.status, reply.headers, reply.data)

    def events(self, *events: Any, path: str = JSON, **headers: str) -> Reply:
        """Each event in a JSON array to the JSON path."""
        return self.raw(json.dumps(list(events)).encode(), path=path, **headers)

    def raw(self, body: bytes, path: str = JSON, **headers: str) -> Reply:
        defaults = {
            "authorization": f"Api-Token {self.emulator.api_token}",
            "content_type": "application/json",
        }
        return self.request("POST", path, body, **(defaults | headers))

    def otlp(self, message: ExportLogsServiceRequest | bytes, path: str = OTLP, **headers: str) -> Reply:
        body = message if isinstance(message, bytes) else message.SerializeToString()
        return self.raw(body, path=path, **({"content_type": "application/x-protobuf"} | headers))

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, **headers)


@pytest.fixture(scope="session")
def client_class() -> type[Client]:
    """The client, for a test module that starts emulators of its own."""
    return Client


@pytest.fixture
def start() -> Iterator[Callable[..., Client]]:
    """Starts emulators with the settings a test names; all are stopped after it."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(**settings: Any) -> Client:
            return Client(stack.enter_context(running_emulator(EmulatorSettings(**settings))))

        yield start


@pytest.fixture
def client(start: Callable[..., Client]) -> Client:
    """A client of an emulator with all switches at their defaults."""
    return start()


@pytest.fixture
def emulator(client: Client) -> RunningEmulator:
    """The emulator that `client` speaks to."""
    return client.emulator


def any_value(value: Any) -> dict[str, Any]:
    """A Python value as OTLP AnyValue keyword."""
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, int):
        return {"int_value": value}
    if isinstance(value, float):
        return {"double_value": value}
    if isinstance(value, str):
        return {"string_value": value}
    if isinstance(value, bytes):
        return {"bytes_value": value}
    if isinstance(value, list):
        return {"array_value": {"values": [any_value(element) for element in value]}}
    if isinstance(value, dict):
        return {"kvlist_value": {"values": key_values(value)}}
    return {}


def key_values(mapping: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in mapping.items()]


@pytest.fixture(scope="session")
def otlp_request() -> Callable[..., ExportLogsServiceRequest]:
    """Builds a request from log records as keyword dicts; `attributes` and `body` are plain Python values."""

    def build(
        *records: dict[str, Any],
        resource: dict[str, Any] | None = None,
        scope: dict[str, Any] | None = None,
        scope_name: str = "",
        scope_version: str = "",
    ) -> ExportLogsServiceRequest:
        message = ExportLogsServiceRequest()
        resource_logs = message.resource_logs.add(resource={"attributes": key_values(resource or {})})
        instrumentation = {"name": scope_name, "version": scope_version, "attributes": key_values(scope or {})}
        scope_logs = resource_logs.scope_logs.add(scope=instrumentation)
        for record in records:
            fields = dict(record)
            if "attributes" in fields:
                fields["attributes"] = key_values(fields["attributes"])
            if "body" in fields:
                fields["body"] = any_value(fields["body"])
            scope_logs.log_records.add(**fields)
        return message

    return build
