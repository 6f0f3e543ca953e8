"""Runs the emulator under uvicorn: in a daemon thread for tests, or blocking for the command line."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from dt_otlp_logs.emulator.app import create_app
from dt_otlp_logs.emulator.connection import CuttableProtocol
from dt_otlp_logs.emulator.control import attribute_condition
from dt_otlp_logs.emulator.faults import Fault, FaultPlan
from dt_otlp_logs.emulator.settings import EmulatorSettings
from dt_otlp_logs.emulator.store import RecordFilter, Store, as_text

# Starting is an import and a listen; this long means the machine is in trouble.
_START_TIMEOUT_SECONDS = 30.0
_STOP_TIMEOUT_SECONDS = 10.0


class RunningEmulator:
    """An emulator that is listening: where it is, what it has received, and what shall go wrong next."""

    def __init__(self, url: str, settings: EmulatorSettings, store: Store, faults: FaultPlan) -> None:
        self.url = url
        self.settings = settings
        self.api_token = settings.tokens[0].value if settings.tokens else ""
        self._store = store
        self._faults = faults

    def records(
        self,
        content: str | None = None,
        loglevel: str | None = None,
        attribute: str | Mapping[str, Any] | None = None,
        limit: int | None = None,
        *,
        with_route: bool = False,
    ) -> list[dict[str, Any]]:
        """Stored records as Dynatrace would show them, in order of arrival.

        `content` has to be part of the content, `loglevel` equal, `attribute` (`"key=value"`, or a mapping)
        equal as text. `limit` takes the first of them. `with_route` adds `emulator.route` (`otlp` or `json`)
        and `emulator.request`, the number of the request in `requests()`.
        """
        if isinstance(attribute, Mapping):
            attributes = [(key, as_text(value)) for key, value in attribute.items()]
        else:
            attributes = [] if attribute is None else [attribute_condition(attribute)]
        wanted = RecordFilter(content, loglevel, attributes)
        return self._store.records(wanted, limit=limit, with_route=with_route)[1]

    def requests(self) -> list[dict[str, Any]]:
        """The requests that came, in order: method, path, status (None: no answer), records, stored, rejected,
        bytes on the wire, uncompressed_bytes, content_type, content_encoding, user_agent, token_id, client_port
        and the fault they met. Requests to the control API are not among them.
        """
        return self._store.requests()

    def summary(self) -> dict[str, Any]:
        """Exact counts since the start or the last `clear`: stored, rejected, requests_by_status and so on."""
        return self._store.summary()

    def order(self, fault: Fault) -> None:
        """Let this go wrong from now on, after the faults that are already ordered."""
        self._faults.order(fault)

    def faults(self) -> list[Fault]:
        """What is still to go wrong, in order."""
        return self._faults.pending()

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._faults.clear()

    def clear(self) -> None:
        """Forget records, requests and counts."""
        self._store.clear()

    def wait_for(self, count: int, timeout_seconds: float = 5.0) -> list[dict[str, Any]]:
        """Wait until `count` records are stored and answer all of them; raises TimeoutError that says what came."""
        if self._store.wait_for(count, timeout_seconds):
            return self.records()
        summary = self._store.summary()
        last = self._store.requests()[-1:]
        raise TimeoutError(
            f"waited {timeout_seconds:g} s for {count} records, {summary['stored']} are stored; "
            f"requests by status: {summary['requests_by_status'] or 'none came'}; "
            f"last request: {_short(last[0]) if last else 'none'}"
        )


def _short(request: Mapping[str, Any]) -> str:
    return f"{request['method']} {request['path']} -> {request['status'] or 'no answer yet'}"


@contextmanager
def running_emulator(
    settings: EmulatorSettings | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[RunningEmulator]:
    """A local Dynatrace for the length of a `with` block, in a daemon thread; port 0 takes a free one.

    It accepts connections when the block is entered; when it is left, all connections are closed and the port
    is free. Raises OSError when the address cannot be bound.
    """
    chosen = settings or EmulatorSettings()
    listener = bind(host, port)
    app = create_app(chosen, bound_host=host)
    server = _Server(_config(app, chosen))
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="dt-otlp-logs-emulator", daemon=True
    )
    thread.start()
    try:
        if not server.listening.wait(_START_TIMEOUT_SECONDS):
            raise TimeoutError("the emulator did not start")
        yield RunningEmulator(url_of(listener), chosen, app.state.store, app.state.faults)
    finally:
        server.stop()
        thread.join(_STOP_TIMEOUT_SECONDS)
        listener.close()


def serve(
    settings: EmulatorSettings | None = None,
    host: str = "127.0.0.1",
    port: int = 14680,
    *,
    when_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM; `when_listening` is called with the URL once it accepts connections.

    Raises OSError when the address cannot be bound, and KeyboardInterrupt after Ctrl-C.
    """
    chosen = settings or EmulatorSettings()
    with bind(host, port) as listener:
        server = _Server(_config(create_app(chosen, bound_host=host), chosen))
        url = url_of(listener)
        server.when_listening = (lambda: when_listening(url)) if when_listening is not None else None
        server.run(sockets=[listener])


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError when the address is taken or is none of this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=512)


def url_of(listener: socket.socket) -> str:
    """The base URL under which a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(app: Any, settings: EmulatorSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        # What uvicorn logs would end up in the very pipeline a test is watching.
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        server_header=False,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, told to stop from another thread, and stopping at once: tests start hundreds of them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()
        self.when_listening: Callable[[], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn; says when it listens."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        await super().startup(sockets)
        if self.when_listening is not None:
            self.when_listening()
        self.listening.set()

    async def main_loop(self) -> None:
        """Called by uvicorn; waits for `stop` or a signal, and keeps the Date header right meanwhile."""
        if self._stopping is None:
            return
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            try:
                await asyncio.wait_for(self._stopping.wait(), timeout=0.1)
            except asyncio.TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn; closes the port and every connection, answered or not."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # One turn of the loop lets requests see that their client is gone; those that sleep are woken.
        await asyncio.sleep(0)
        tasks = set(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    def stop(self) -> None:
        """Stop from any thread."""
        self.should_exit = True
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._stopping.set)
            except RuntimeError:
                # Closed between the question and the call: then it has stopped.
                pass
