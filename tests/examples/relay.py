"""A way to a server that can be lost: its connections cut, or gone silent as where a router has forgotten them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Relay:
    """Hands bytes over in both directions. While it is silent, what comes goes nowhere."""

    def __init__(self, listening: socket.socket, server_port: int) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.swallowed_bytes = 0
        self._server_port = server_port
        self._listening = listening
        self._silent = False
        self._ends: list[socket.socket] = []

    def cut(self) -> None:
        """Close every connection."""
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):  # closed from the other side
                end.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Answer nothing meanwhile, and cut what connections there are afterwards."""
        self._silent = True
        try:
            yield
        finally:
            self.cut()
            self._silent = False

    def accept(self) -> None:
        """Take connections until the listening socket is closed."""
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            self._ends += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if self._silent:
                    self.swallowed_bytes += len(data)
                else:
                    target.sendall(data)
        except OSError:
            pass  # cut
        for end in (source, target):
            end.close()


@contextmanager
def relay_to(server_url: str) -> Iterator[Relay]:
    """A relay on a free port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        relay = Relay(listening, urlsplit(server_url).port or 80)
        thread = threading.Thread(target=relay.accept, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            relay.cut()
