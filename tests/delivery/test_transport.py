"""The transport over real sockets on loopback: what each way of failing is called, and that nothing is raised."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dt_otlp_logs.delivery.transport import Urllib3Transport


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that gives each connection to `serve`, and closes it afterwards."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            serve(self.request)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}/logs"
        finally:
            listening.shutdown()
            thread.join()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(
        next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(connection: socket.socket, body: bytes = b"", status: str = "200 OK", extra: bytes = b"") -> None:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n".encode()
    connection.sendall(head + extra + b"\r\n" + body)


def transport() -> Urllib3Transport:
    return Urllib3Transport(connect_timeout_seconds=1.0)


def test_an_answer_comes_back_with_status_headers_and_body() -> None:
    def serve(connection: socket.socket) -> None:
        assert b"payload" in read_request(connection)
        reply(connection, b"hello", "207 Fine", b"Retry-After: 3\r\n")

    with server(serve) as url:
        response = transport().post(url, {"authorization": "Api-Token x"}, b"payload", 5.0)
    assert (response.status, response.body, response.headers["retry-after"]) == (207, b"hello", "3")


def test_a_connection_is_kept_alive() -> None:
    connections = []

    def serve(connection: socket.socket) -> None:
        connections.append(connection)
        while read_request(connection):
            reply(connection)

    with server(serve) as url:
        client = transport()
        for _ in range(3):
            assert client.post(url, {}, b"x", 5.0).status == 200
        client.forget_connections()
    assert len(connections) == 1


def test_a_kept_alive_connection_that_was_closed_meanwhile_is_replaced_at_once() -> None:
    requests = []

    def serve(connection: socket.socket) -> None:
        # One answer for each connection; the second request on it meets a closed socket.
        requests.append(read_request(connection))
        reply(connection)
        if read_request(connection):
            requests.append(b"on a dying connection")

    with server(serve) as url:
        client = transport()
        assert [client.post(url, {}, b"x", 5.0).status for _ in range(3)] == [200, 200, 200]


def test_redirects_are_answers_and_not_followed() -> None:
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        reply(connection, status="302 Found", extra=b"Location: /login\r\n")

    with server(serve) as url:
        assert transport().post(url, {"authorization": "secret"}, b"x", 5.0).status == 302
    assert len(seen) == 1


def test_a_closed_port_is_refused() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    response = transport().post(f"http://127.0.0.1:{port}/", {}, b"x", 5.0)
    assert (response.status, response.fault) == (None, "refused")


def test_a_silent_server_is_a_timeout() -> None:
    end = threading.Event()
    with server(lambda _: end.wait(10) and None) as url:
        response = transport().post(url, {}, b"x", 0.3)
        end.set()
    assert (response.status, response.fault) == (None, "timeout")


def test_a_connection_reset_is_broken() -> None:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    with server(serve) as url:
        response = transport().post(url, {}, b"x", 5.0)
    assert (response.status, response.fault) == (None, "broken")


def test_something_that_does_not_speak_http_is_broken() -> None:
    with server(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as url:
        assert transport().post(url, {}, b"x", 5.0).fault == "broken"


def test_plain_http_behind_an_https_url_is_a_tls_fault() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        reply(connection, b"I speak http")

    with server(serve) as url:
        assert transport().post(url.replace("http:", "https:"), {}, b"x", 5.0).fault == "not tls"


def test_an_unknown_host_is_named_so() -> None:
    response = transport().post("http://no-such-host.invalid/", {}, b"x", 5.0)
    assert (response.status, response.fault) == (None, "name")


def test_a_proxy_that_is_not_there_is_a_proxy_fault() -> None:
    client = Urllib3Transport(connect_timeout_seconds=1.0, proxy_for=lambda _: "http://127.0.0.1:9")
    response = client.post("https://abc12345.live.dynatrace.com/", {}, b"x", 5.0)
    assert (response.status, response.fault) == (None, "proxy")


def test_a_proxy_gets_the_whole_url_and_its_credentials() -> None:
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        reply(connection)

    with server(serve) as url:
        proxy = url.replace("http://", "http://user:pass@").removesuffix("/logs")
        client = Urllib3Transport(connect_timeout_seconds=1.0, proxy_for=lambda _: proxy)
        assert client.post("http://example.invalid/api", {}, b"x", 5.0).status == 200
    assert seen[0].startswith(b"POST http://example.invalid/api HTTP/1.1")
    assert b"proxy-authorization: basic dxnlcjpwyxnz" in seen[0].lower()


def test_a_netrc_entry_does_not_replace_the_token(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        reply(connection)

    with server(serve) as url:
        transport().post(url, {"authorization": "Api-Token abc"}, b"x", 5.0)
    assert b"authorization: Api-Token abc" in seen[0]
    assert b"Basic" not in seen[0]


def test_an_endless_answer_is_read_no_further_than_its_beginning() -> None:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            pass

    with server(serve) as url:
        assert len(transport().post(url, {}, b"x", 5.0).body) == 64 * 1024


def test_urllib3s_own_log_lines_about_our_requests_are_kept_out_of_logging(caplog: pytest.LogCaptureFixture) -> None:
    def serve(connection: socket.socket) -> None:
        while read_request(connection):
            reply(connection)

    caplog.set_level("DEBUG")
    with server(serve) as url:
        client = transport()
        client.post(url, {}, b"x", 5.0)
        client.forget_connections()
    assert not [record for record in caplog.records if record.name.startswith("urllib3")]


def test_an_answer_that_breaks_off_is_an_answer_all_the_same() -> None:
    requests = []

    def serve(connection: socket.socket) -> None:
        while request := read_request(connection):
            requests.append(request)
            if len(requests) == 1:
                reply(connection)
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this")
                return

    with server(serve) as url:
        client = transport()
        assert client.post(url, {}, b"x", 5.0).status == 200
        assert client.post(url, {}, b"x", 5.0).status == 200
    assert len(requests) == 2, "what was stored is not sent again"


def test_a_body_that_cannot_be_decoded_does_not_hide_the_status() -> None:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        reply(connection, b"not gzip", extra=b"content-encoding: gzip\r\n")

    with server(serve) as url:
        response = transport().post(url, {}, b"x", 5.0)
    assert (response.status, response.body) == (200, b"")


def test_a_body_that_trickles_ends_with_the_timeout() -> None:
    end = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        try:
            while not end.wait(0.05):
                connection.sendall(b"x")
        except OSError:
            pass

    with server(serve) as url:
        response = transport().post(url, {}, b"x", 0.4)
        end.set()
    assert response.status == 200
    assert len(response.body) < 100


def test_credentials_of_a_proxy_may_hold_escaped_characters() -> None:
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        reply(connection)

    with server(serve) as url:
        proxy = url.replace("http://", "http://user:p%40ss@").removesuffix("/logs")
        client = Urllib3Transport(connect_timeout_seconds=1.0, proxy_for=lambda _: proxy)
        client.post("http://example.invalid/api", {}, b"x", 5.0)
    # printf 'user:p@ss' | base64
    assert b"basic dxnlcjpwqhnz" in seen[0].lower()
