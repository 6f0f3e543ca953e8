"""The way of one ingest request: its path, its body, the fault ordered for it, the checks, and the store."""

import asyncio
import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from dt_otlp_logs.emulator import answers
from dt_otlp_logs.emulator.answers import Answer, RefusedError
from dt_otlp_logs.emulator.body import BodyReader, ClientLeft, inflate
from dt_otlp_logs.emulator.connection import can_cut, cut_connection, send_answer, wait_until_client_leaves
from dt_otlp_logs.emulator.faults import Fault, FaultPlan
from dt_otlp_logs.emulator.incoming import Route
from dt_otlp_logs.emulator.ingest import IngestRequest, Outcome, count_records, ingest
from dt_otlp_logs.emulator.settings import EmulatorSettings
from dt_otlp_logs.emulator.store import Store
from dt_otlp_logs.emulator.tokens import authorize, token_identifier

_PATH = re.compile(
    r"(?:/e/(?P<environment>[^/]+))?/api/v2/(?:(?P<otlp>otlp/v1/logs)|logs/ingest)|(?P<oneagent>/v2/logs/ingest)"
)


@dataclass(frozen=True, slots=True)
class _Target:
    """Which ingest path a request is for; `problem` says why it is for none."""

    route: Route | None = None
    oneagent: bool = False
    problem: RefusedError | None = None


@dataclass(slots=True)
class _Exchange:
    """One request while it is served, and what is noted about it."""

    target: _Target
    headers: Headers
    scope: Scope
    noted: dict[str, Any]
    wire: bytes = b""
    plain: bytes | None = None
    body_problem: RefusedError | None = None


@dataclass(frozen=True, slots=True)
class _End:
    """How a request ends: with an answer, or without one by a cut or by silence; and what is stored of it."""

    answer: Answer | None = None
    stored: Sequence[dict[str, Any]] = ()
    cut: bool = False


class IngestEndpoint:
    """Serves both ingest paths, in the forms of SaaS, Managed, ActiveGate and OneAgent, and 404 for all others."""

    def __init__(self, settings: EmulatorSettings, store: Store, faults: FaultPlan) -> None:
        self._settings = settings
        self._store = store
        self._faults = faults
        self._reader = BodyReader(settings.max_bytes_in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry, for HTTP requests."""
        exchange = self._open(scope)
        end = _End()
        try:
            end = await self._serve(exchange, receive)
        except ClientLeft:
            pass
        except Exception as bug:  # noqa: BLE001 - a bug of ours must not look like an outage of the network
            traceback.print_exc()
            end = _End(answers.error(500, f"The emulator failed with {type(bug).__name__}; see its standard error"))
        finally:
            # Before the answer: whoever has it, or has seen the records, finds the request complete.
            status = end.answer.status if end.answer is not None else None
            self._store.close_request(exchange.noted, status, end.stored, exchange.target.route or "none")
        if end.answer is not None:
            await send_answer(end.answer, send)
        elif end.cut:
            await cut_connection(scope, receive)
        else:
            await wait_until_client_leaves(receive)

    def _open(self, scope: Scope) -> _Exchange:
        headers = Headers(scope=scope)
        token = headers.get("authorization", "").partition(" ")[2].strip()
        noted = self._store.open_request(
            method=scope["method"],
            path=_bounded(scope["path"]),
            status=None,
            records=None,
            stored=0,
            rejected=0,
            bytes=0,
            uncompressed_bytes=None,
            content_type=_bounded(headers.get("content-type")),
            content_encoding=_bounded(headers.get("content-encoding")),
            user_agent=_bounded(headers.get("user-agent")),
            token_id=_bounded(token_identifier(token)) if token else None,
            client_port=scope["client"][1] if scope.get("client") else None,
            fault=None,
        )
        return _Exchange(self._target(scope, headers), headers, scope, noted)

    def _target(self, scope: Scope, headers: Headers) -> _Target:
        found = _PATH.fullmatch(scope["path"])
        if found is None:
            return _Target(problem=RefusedError(404, "Not Found"))
        settings = self._settings
        environment = found["environment"]
        if environment is not None and settings.environments is not None and environment not in settings.environments:
            return _Target(problem=RefusedError(404, "No such environment"))
        if ".apps." in headers.get("host", "") and settings.apps_hosts == "not_found":
            return _Target(problem=RefusedError(404, "Not Found"))
        route: Route = "otlp" if found["otlp"] else "json"
        if not (settings.otlp_ingest_enabled if route == "otlp" else settings.log_collector_enabled):
            return _Target(problem=RefusedError(404, "No ActiveGate with the module for log ingest is available"))
        if scope["method"] != "POST":
            return _Target(problem=RefusedError(405, "Method Not Allowed"))
        return _Target(route, oneagent=found["oneagent"] is not None)

    async def _serve(self, exchange: _Exchange, receive: Receive) -> _End:
        await self._read(exchange, receive)
        route = exchange.target.route
        if route is None:
            return _End(_refusal(exchange.target.problem or RefusedError(404, "Not Found")))
        fault = self._faults.take(route)
        if fault is None:
            return self._process(exchange, route)
        exchange.noted["fault"] = fault.to_document()
        await asyncio.sleep(fault.delay_seconds)
        if fault.cut is not None and not can_cut(exchange.scope):
            return _End(answers.error(500, "This server cannot cut connections; use dt_otlp_logs.emulator.serve"))
        return self._fail(fault, exchange, route)

    def _fail(self, fault: Fault, exchange: _Exchange, route: Route) -> _End:
        end = _End()
        if fault.stores:
            end = self._process(exchange, route, fault.rejected_records or 0)
        else:
            self._count(exchange, route)
        if fault.cut is not None or fault.silent:
            return _End(stored=end.stored, cut=fault.cut is not None)
        # A request that is refused keeps its refusal: an ordered 2xx replaces a success only.
        if end.answer is not None and (fault.status is None or end.answer.status >= 300):
            return end
        return _End(fault.answer(exchange.scope["path"]), end.stored)

    async def _read(self, exchange: _Exchange, receive: Receive) -> None:
        wire, size, problem = await self._reader.read(receive, self._limit(exchange.target.route))
        exchange.wire, exchange.body_problem = wire, problem
        exchange.noted["bytes"] = size
        if problem is None:
            try:
                exchange.plain = inflate(wire, self._encoding(exchange), self._inflated_limit(exchange.target.route))
                exchange.noted["uncompressed_bytes"] = len(exchange.plain)
            except RefusedError as refused:
                exchange.body_problem = refused

    def _limit(self, route: Route | None) -> int:
        settings = self._settings
        return settings.otlp_max_request_bytes if route == "otlp" else settings.json_max_request_bytes

    def _inflated_limit(self, route: Route | None) -> int:
        settings = self._settings
        bound = settings.max_inflated_bytes
        return min(bound, self._limit(route)) if settings.request_limit_counts == "uncompressed" else bound

    @staticmethod
    def _encoding(exchange: _Exchange) -> str:
        return exchange.headers.get("content-encoding", "").strip().lower()

    def _process(self, exchange: _Exchange, route: Route, rejected_by_order: int = 0) -> _End:
        """Check and map; whatever is wrong becomes an answer here."""
        try:
            outcome = self._ingest(exchange, route, rejected_by_order)
        except RefusedError as refused:
            exchange.noted.update(records=refused.records or None, rejected=refused.records)
            return _End(_refusal(refused))
        exchange.noted.update(records=outcome.records, stored=len(outcome.stored), rejected=outcome.rejected)
        return _End(outcome.answer, outcome.stored)

    def _ingest(self, exchange: _Exchange, route: Route, rejected_by_order: int) -> Outcome:
        identifier = None
        if not exchange.target.oneagent:
            identifier = authorize(
                exchange.headers.get("authorization"),
                self._settings.tokens,
                platform_tokens=self._settings.platform_tokens,
                missing_scope_status=self._settings.missing_scope_status,
            ).identifier
        if exchange.body_problem is not None:
            raise exchange.body_problem
        return ingest(_ingest_request(exchange, route, identifier), self._settings, rejected_by_order)

    def _count(self, exchange: _Exchange, route: Route) -> None:
        if exchange.plain is not None:
            exchange.noted["records"] = count_records(_ingest_request(exchange, route, None), self._settings)


def _bounded(text: str | None) -> str | None:
    # A request is noted for a long time; its headers may be 64 kB.
    return None if text is None else text[:500]


def _ingest_request(exchange: _Exchange, route: Route, identifier: str | None) -> IngestRequest:
    headers = exchange.headers
    return IngestRequest(
        route=route,
        body=exchange.plain or b"",
        content_type=headers.get("content-type", ""),
        query=exchange.scope["query_string"].decode("latin-1"),
        attributes_header=headers.get("x-dynatrace-attr", ""),
        options_header=headers.get("x-dynatrace-options", ""),
        token_identifier=identifier,
        oneagent=exchange.target.oneagent,
    )


def _refusal(refused: RefusedError) -> Answer:
    headers = {"Allow": "POST"} if refused.status == 405 else {}
    return answers.error(refused.status, refused.message, headers)
