"""The one place that touches sockets: a POST goes in, a `Response` comes out, nothing is raised."""

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import unquote

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from dt_otlp_logs.diagnostics import mask_secrets

Fault = Literal["refused", "name", "timeout", "tls", "not tls", "proxy", "broken"]

# Answers are tiny (a partial success, an error envelope); of a login page the beginning is enough.
_LONGEST_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, or the reason why there was none (`status` is None, `error` says it, `fault` is its kind)."""

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    body: bytes = b""
    error: str = ""
    fault: Fault | None = None


class Transport(Protocol):
    """Whatever can post bytes to a URL and tell what came back."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float) -> Response:
        """Post once; never raises."""
        ...

    def forget_connections(self) -> None:
        """Use no socket again that was opened before; in a forked child they belong to the parent."""
        ...


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificates to use instead of the system's store, and to show to the server."""

    ca_file: Path | None = None
    client_certificate_file: Path | None = None
    client_key_file: Path | None = None


class Urllib3Transport:
    """Posts with kept-alive connections; redirects are answers, not instructions, so the token follows none.

    urllib3 itself reads neither ~/.netrc nor proxy variables: a netrc entry cannot replace the Api-Token (as it
    does with requests), and proxies come from `proxy_for` alone.
    """

    def __init__(
        self,
        *,
        connect_timeout_seconds: float,
        tls: TlsFiles | None = None,
        proxy_for: Callable[[str], str | None] = lambda _url: None,
    ) -> None:
        self._connect_timeout_seconds = connect_timeout_seconds
        self._tls = tls or TlsFiles()
        self._proxy_for = proxy_for
        self._pools: dict[tuple[bool, str | None], urllib3.PoolManager] = {}
        self._answered: set[str] = set()

    def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float) -> Response:
        """Post once, or twice if a connection kept alive turns out to have been closed by the other side."""
        ends = time.monotonic() + timeout_seconds
        with _as_own_traffic():
            try:
                return self._post(url, headers, body, ends)
            except ProtocolError as error:
                if url not in self._answered:
                    return _no_answer(error)
            # An idle connection that a load balancer has closed fails like this on its first use after the pause.
            self._answered.discard(url)
            self.forget_connections()
            try:
                return self._post(url, headers, body, ends)
            except ProtocolError as error:
                return _no_answer(error)

    def _post(self, url: str, headers: Mapping[str, str], body: bytes, ends: float) -> Response:
        timeout_seconds = max(ends - time.monotonic(), 0.01)
        try:
            answer = self._pool_for(url).request(
                "POST",
                url,
                body=body,
                headers=dict(headers),
                timeout=urllib3.Timeout(
                    connect=min(self._connect_timeout_seconds, timeout_seconds), total=timeout_seconds
                ),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except ProtocolError:
            raise
        except (HTTPError, OSError, ValueError) as error:
            response = _no_answer(error)
            if response.fault == "tls":
                self.forget_connections()  # certificates on disk may be replaced meanwhile
            return response
        self._answered.add(url)
        content = _read(answer, ends)
        return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, content)

    def _pool_for(self, url: str) -> urllib3.PoolManager:
        secure, proxy = url.startswith("https:"), self._proxy_for(url)
        pool = self._pools.get((secure, proxy))
        if pool is None:
            options: dict[str, object] = {"ssl_context": self._ssl_context()} if secure else {}
            pool = self._pools[secure, proxy] = _pool(proxy, options)
        return pool

    def _ssl_context(self) -> ssl.SSLContext:
        files = self._tls
        context = ssl.create_default_context(cafile=files.ca_file and str(files.ca_file))
        if files.client_certificate_file:
            key = files.client_key_file
            context.load_cert_chain(str(files.client_certificate_file), key and str(key))
        return context

    def forget_connections(self) -> None:
        """Open new connections from now on."""
        self._pools = {}


def _read(answer: urllib3.BaseHTTPResponse, ends: float) -> bytes:
    """The body as far as it comes, is readable and of interest: the status has been given, and that is the answer."""
    content = b""
    try:
        while len(content) < _LONGEST_ANSWER_BYTES and time.monotonic() < ends:
            chunk = answer.read1(_LONGEST_ANSWER_BYTES - len(content), decode_content=True)
            if not chunk:
                answer.release_conn()
                return content
            content += chunk
    except (HTTPError, OSError, ValueError):
        pass
    answer.close()
    return content


def _pool(proxy: str | None, options: dict[str, object]) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(**options)  # type: ignore[arg-type]  # a literal dictionary of its keywords
    parts = urllib3.util.parse_url(proxy)
    headers = urllib3.make_headers(proxy_basic_auth=unquote(parts.auth)) if parts.auth else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)  # type: ignore[arg-type]  # same


def _no_answer(error: Exception) -> Response:
    fault, words = _name_fault(error)
    return Response(None, error=f"{words} ({mask_secrets(_deepest(error))})", fault=fault)


def _name_fault(error: Exception) -> tuple[Fault, str]:
    if isinstance(error, ProxyError):
        return "proxy", "the proxy could not be used"
    if isinstance(error, (SSLError, ssl.SSLError)):
        if "WRONG_VERSION_NUMBER" in str(error):
            return "not tls", "the port does not speak TLS"
        return "tls", "no trusted TLS connection"
    if isinstance(error, NameResolutionError):
        return "name", "the host name is not known"
    # Before NewConnectionError: a connect timeout is not a refusal.
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError, TimeoutError)) and not isinstance(
        error, NewConnectionError
    ):
        return "timeout", "no answer in time"
    if isinstance(error, (NewConnectionError, ConnectionRefusedError)):
        return "refused", "no connection"
    if isinstance(error, FileNotFoundError):
        return "tls", "a certificate file is missing"
    return "broken", "the connection broke off"


def _deepest(error: BaseException) -> str:
    """The innermost cause in words, without urllib3's object addresses."""
    seen = 0
    while seen < 10:
        cause = error.__cause__ or error.__context__ or getattr(error, "original_error", None)
        if not isinstance(cause, BaseException) or cause is error:
            break
        error = cause
        seen += 1
    return f"{type(error).__name__}: {error}"[:300]


class _OwnTraffic(threading.local):
    now = False


_own_traffic = _OwnTraffic()


@contextlib.contextmanager
def _as_own_traffic() -> Iterator[None]:
    """Keep what urllib3 logs and OpenTelemetry would trace of our own requests out of the pipeline.

    Without this, a root logger at DEBUG turns each request into a record that causes the next request.
    """
    from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

    _install_filter()
    token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    _own_traffic.now = True
    try:
        yield
    finally:
        _own_traffic.now = False
        detach(token)


def _not_own_traffic(_record: object) -> bool:
    return not _own_traffic.now


def _install_filter() -> None:
    import logging

    # A logger's filter sees only what is logged through that very logger, so each one is named.
    for name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.poolmanager", "urllib3.util.retry"):
        logger = logging.getLogger(name)
        if _not_own_traffic not in logger.filters:
            logger.addFilter(_not_own_traffic)
