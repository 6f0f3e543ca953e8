"""The control API under /emulator: what was received, which faults are ordered, and nothing a browser can abuse."""

import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dt_otlp_logs.emulator.faults import Fault, FaultPlan
from dt_otlp_logs.emulator.settings import EmulatorSettings
from dt_otlp_logs.emulator.store import RecordFilter, Store

DEFAULT_LIMIT = 1_000

# A fault is a handful of short fields.
_MAX_CONTROL_BYTES = 100_000

_PAGE = """This is a local emulation of Dynatrace's log ingest, made for tests. It is not Dynatrace.

Send logs to, with a token it knows:
  POST /api/v2/otlp/v1/logs              OTLP, application/x-protobuf
  POST /api/v2/logs/ingest               JSON, JSON lines, plain text
  POST /e/<environment>/api/v2/...       both, as Managed and ActiveGate have them
  POST /v2/logs/ingest                   JSON, no token, as OneAgent has it

Look at what came:
  GET /emulator/records?content=&loglevel=&attribute=key=value&limit=&offset=&with_route=true
  GET /emulator/requests?limit=&offset=
  GET /emulator/summary
  DELETE /emulator/records

Order faults, for example {"status": 503, "retry_after": "2", "times": 3}:
  GET, POST, DELETE /emulator/faults
"""


_Handler: TypeAlias = Callable[[Request], Awaitable[Response]]

# Every route takes every method, or a wrong one would fall through to the ingest endpoint.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def _route(path: str, handler: _Handler) -> Route:
    return Route(path, handler, methods=_METHODS)


class _WrongQueryError(ValueError):
    """What was asked makes no sense; the text says why."""


class ControlApi:
    """The handlers of the control API over one store and one plan of faults."""

    def __init__(self, settings: EmulatorSettings, store: Store, faults: FaultPlan, bound_host: str) -> None:
        self._store = store
        self._faults = faults
        self._hosts = {host.lower() for host in ("localhost", bound_host, *settings.control_hosts)}
        # Bound to every address, it is asked by one of them: an address cannot be rebound as a name can.
        self._any_address = bound_host in ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to

    def routes(self) -> list[Route]:
        """The routes, each guarded against foreign hosts and other sites' pages."""
        return [
            _route("/", self._guarded(self._page, "GET")),
            _route("/emulator/records", self._guarded(self._records, "GET", "DELETE")),
            _route("/emulator/requests", self._guarded(self._requests, "GET")),
            _route("/emulator/summary", self._guarded(self._summary, "GET")),
            _route("/emulator/faults", self._guarded(self._plan, "GET", "POST", "DELETE")),
            _route("/emulator/{path:path}", self._guarded(self._unknown, *_METHODS)),
        ]

    def _guarded(self, handler: _Handler, *methods: str) -> _Handler:
        async def guarded(request: Request) -> Response:
            problem = self._foreign(request)
            if problem is not None:
                return _error(403, problem)
            if request.method not in methods:
                return _error(405, f"only {', '.join(methods)}")
            try:
                return await handler(request)
            except _WrongQueryError as wrong:
                return _error(400, str(wrong))

        return guarded

    def _foreign(self, request: Request) -> str | None:
        if not self._is_ours(request.headers.get("host", "")):
            return "the control API answers only under this machine's own address; see --control-host"
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.headers["host"].lower():
            return "the control API answers no page of another site"
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "the control API answers no page of another site"
        return None

    def _is_ours(self, host_header: str) -> bool:
        try:
            name = (urlsplit(f"//{host_header}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._any_address

    async def _page(self, _request: Request) -> Response:
        return PlainTextResponse(_PAGE)

    async def _records(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._store.clear()
            return Response(status_code=204)
        query = _query(request, {"content", "loglevel", "attribute", "limit", "offset", "with_route"})
        wanted = RecordFilter(
            content=query.get("content"),
            loglevel=query.get("loglevel"),
            attributes=[attribute_condition(text) for text in request.query_params.getlist("attribute")],
        )
        offset, limit = _window(query)
        total, records = self._store.records(
            wanted, offset, limit, with_route=_flag(query.get("with_route", "false"), "with_route")
        )
        return JSONResponse({"total": total, "offset": offset, "records": records})

    async def _requests(self, request: Request) -> Response:
        offset, limit = _window(_query(request, {"limit", "offset"}))
        return JSONResponse({"offset": offset, "requests": self._store.requests(offset, limit)})

    async def _summary(self, request: Request) -> Response:
        _query(request, set())
        return JSONResponse(self._store.summary())

    async def _plan(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
            return Response(status_code=204)
        if request.method == "POST":
            fault = await _fault(request)
            self._faults.order(fault)
            return JSONResponse(fault.to_document(), status_code=201)
        return JSONResponse({"faults": [fault.to_document() for fault in self._faults.pending()]})

    async def _unknown(self, _request: Request) -> Response:
        return _error(404, "no such page of the control API; GET / lists them")


def control_routes(settings: EmulatorSettings, store: Store, faults: FaultPlan, bound_host: str) -> list[Route]:
    """The routes of the control API."""
    return ControlApi(settings, store, faults, bound_host).routes()


def attribute_condition(text: str) -> tuple[str, str]:
    """`key=value` as a condition; raises ValueError when there is no `=`."""
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise _WrongQueryError("attribute has to be key=value")
    return key, value


def _query(request: Request, known: set[str]) -> dict[str, str]:
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise _WrongQueryError(f"unknown parameter: {', '.join(unknown)}")
    return dict(request.query_params)


def _window(query: dict[str, str]) -> tuple[int, int]:
    return _number(query.get("offset", "0"), "offset"), _number(query.get("limit", str(DEFAULT_LIMIT)), "limit")


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise _WrongQueryError(f"{name} has to be a whole number from 0 up")
    return int(text)


def _flag(text: str, name: str) -> bool:
    if text not in ("true", "false"):
        raise _WrongQueryError(f"{name} has to be true or false")
    return text == "true"


async def _fault(request: Request) -> Fault:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_CONTROL_BYTES:
            raise _WrongQueryError("a fault is a small JSON object")
    try:
        document: Any = json.loads(body)
        return Fault.from_document(document)
    except RecursionError as problem:
        raise _WrongQueryError("a fault is a small JSON object") from problem
    except ValueError as problem:
        raise _WrongQueryError(f"not a fault: {problem}") from problem


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": status, "message": message}}, status_code=status)
