"""A strict ingest server over http.server and opentelemetry-proto: shares nothing with the exporter or the emulator."""

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

STRICT_TOKEN = "dt0c01.STRICTSERVERPUBLICPART22." + "T" * 64


@dataclass
class Request:
    """One request that the server understood."""

    path: str
    headers: dict[str, str]
    contents: list[str]
    message: ExportLogsServiceRequest | list[dict[str, Any]]
    wire_bytes: int
    at: float
    client_port: int


@dataclass
class Reply:
    """What to answer; `cut` closes the connection instead, `silent_seconds` says nothing for a while first."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    silent_seconds: float = 0.0
    stores: bool | None = None
    """Whether the records count as stored; None: if the status is a success."""


Script = Callable[[Request], Reply]


class StrictServer:
    """Stores what it accepted, in order; whatever is not as documented is a protocol error, and kept in `errors`."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.stored: list[str] = []
        self.stored_requests: list[Request] = []
        self.errors: list[str] = []
        self.started = time.monotonic()
        self.url = ""
        self.wrong_token_reply: Reply | None = None
        """What a wrong token is answered with; None: a wrong token is a protocol error."""
        self._lock = threading.Lock()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        if self.wrong_token_reply and headers.get("authorization") != f"Api-Token {STRICT_TOKEN}":
            self._answer(handler, self.wrong_token_reply)
            return
        try:
            request = self._understand(handler.path, headers, body, handler.client_address[1])
        except (AssertionError, ValueError, OSError, KeyError) as error:
            with self._lock:
                self.errors.append(f"{handler.path}: {error!r}")
            self._answer(handler, Reply(400, b"protocol error"))
            return
        with self._lock:
            self.requests.append(request)
        reply = self.script(request)
        if reply.silent_seconds:
            time.sleep(reply.silent_seconds)
        if reply.stores if reply.stores is not None else 200 <= reply.status < 300 and not reply.cut:
            with self._lock:
                self.stored += request.contents
                self.stored_requests.append(request)
        self._answer(handler, reply)

    def _understand(self, path: str, headers: dict[str, str], body: bytes, port: int) -> Request:
        assert headers.get("authorization") == f"Api-Token {STRICT_TOKEN}", "authorization"
        assert headers.get("content-encoding") == "gzip", "content-encoding"
        data = gzip.decompress(body)
        if path == "/api/v2/otlp/v1/logs":
            assert headers["content-type"] == "application/x-protobuf", "content-type"
            message = ExportLogsServiceRequest.FromString(data)
            contents = [
                record.body.string_value
                for resource in message.resource_logs
                for scope in resource.scope_logs
                for record in scope.log_records
            ]
            at = time.monotonic() - self.started
            return Request(path, headers, contents, message, len(body), at, port)
        assert path == "/api/v2/logs/ingest", "path"
        assert headers["content-type"].split(";")[0] == "application/json", "content-type"
        events = json.loads(data)
        at = time.monotonic() - self.started
        return Request(path, headers, [event["content"] for event in events], events, len(body), at, port)

    @staticmethod
    def _answer(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.cut:
            # A reset, not an orderly end.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
            return
        try:
            handler.send_response(reply.status)
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            handler.send_header("content-length", str(len(reply.body)))
            handler.end_headers()
            handler.wfile.write(reply.body)
        except OSError:
            pass  # the client has left

    def records(self) -> list[Any]:
        """The stored OTLP records as messages, each with its resource attributes as a dictionary."""
        found = []
        for request in self.stored_requests:
            assert isinstance(request.message, ExportLogsServiceRequest)
            for resource in request.message.resource_logs:
                attributes = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
                found += [(record, attributes) for scope in resource.scope_logs for record in scope.log_records]
        return found


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a connection that was cut on purpose


@contextmanager
def strict_server(script: Script = lambda _: Reply(), *, port: int = 0) -> Iterator[StrictServer]:
    """A strict server on loopback, on a free port unless one is given."""
    server = StrictServer(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            server.handle(self)

        def log_message(self, *_: object) -> None:
            pass

    with _Listening(("127.0.0.1", port), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
