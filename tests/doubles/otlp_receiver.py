"""An OTLP/HTTP receiver as a Collector has one: takes any logs request, keeps headers and records, asks no token."""

import gzip
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


@dataclass
class OtlpReceiver:
    """What has arrived, in order."""

    url: str = ""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    """The headers of each request, names in lower case."""
    paths: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    records: list[Any] = field(default_factory=list)
    """Each record as a message, with its resource attributes as a dictionary."""


@contextmanager
def otlp_receiver(tls: ssl.SSLContext | None = None, *, port: int = 0) -> Iterator[OtlpReceiver]:
    """A receiver on loopback, on a free port unless one is given; behind TLS if there is a context for it."""
    receiver = OtlpReceiver()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            data = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            message = ExportLogsServiceRequest.FromString(data)
            with lock:
                receiver.paths.append(self.path)
                receiver.headers.append(headers)
                for resource in message.resource_logs:
                    attributes = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
                    for scope in resource.scope_logs:
                        receiver.contents += [record.body.string_value for record in scope.log_records]
                        receiver.records += [(record, attributes) for record in scope.log_records]
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as listening:
        listening.daemon_threads = True
        if tls is not None:
            listening.socket = tls.wrap_socket(listening.socket, server_side=True)
        receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            listening.shutdown()
            thread.join()
