"""What happens to a connection: an answer, a cut without one, or waiting until the client gives up."""

import asyncio
import socket

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dt_otlp_logs.emulator.answers import Answer

_TRANSPORT = "dt_otlp_logs.transport"


class CuttableProtocol(H11Protocol):
    """uvicorn's own HTTP protocol, with the connection's transport in the scope's state so it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by asyncio for every new connection."""
        super().connection_made(transport)
        # uvicorn logs accesses by its global logger, which an application with a uvicorn of its own has switched on:
        # each delivery would be a line of that application's log, and so the next delivery.
        self.access_log = False
        # asyncio does this only for sockets made with an explicit protocol number; without it every answer that
        # has a body waits 40 ms for the client's delayed acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


async def send_answer(answer: Answer, send: Send) -> None:
    """Send an answer in one piece."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.media_type is not None:
        headers.append((b"content-type", answer.media_type.encode("ascii")))
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode("ascii")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def can_cut(scope: Scope) -> bool:
    """Whether the server that received this request lets its connections be cut: ours does."""
    return _TRANSPORT in scope.get("state", {})


async def cut_connection(scope: Scope, receive: Receive) -> None:
    """Close the connection with no answer."""
    transport: asyncio.Transport = scope["state"][_TRANSPORT]
    transport.abort()
    await wait_until_client_leaves(receive)


async def wait_until_client_leaves(receive: Receive) -> None:
    """Return once the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass
