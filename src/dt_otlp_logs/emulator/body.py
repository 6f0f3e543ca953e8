"""Reading a request's body within bounds: never more in memory than the limits, and gzip bombs stay small."""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from dt_otlp_logs.emulator.answers import RefusedError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# What is read and thrown away of a body that is too large, so that its sender gets to see the 413.
_MAX_DISCARDED_BYTES = 256_000_000


class ClientLeft(Exception):  # noqa: N818 - an event, not a mistake
    """The client closed its connection before its request was complete."""


class BodyReader:
    """Reads bodies; all that are being read at the same time share one bound."""

    def __init__(self, max_bytes_in_flight: int) -> None:
        self._max_bytes_in_flight = max_bytes_in_flight
        self._bytes_in_flight = 0

    async def read(self, receive: Receive, limit: int) -> tuple[bytes, int, RefusedError | None]:
        """The body, its size on the wire, and why it was not kept (413, or 429 when too much is in flight)."""
        chunks: list[bytes] = []
        kept = size = 0
        refused: RefusedError | None = None
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientLeft
                chunk = message.get("body", b"")
                size += len(chunk)
                refused = refused or self._objection(size, len(chunk), limit)
                if refused is None:
                    chunks.append(chunk)
                    kept += len(chunk)
                    self._bytes_in_flight += len(chunk)
                elif size > _MAX_DISCARDED_BYTES:
                    break
                if not message.get("more_body", False):
                    break
        finally:
            self._bytes_in_flight -= kept
        return (b"" if refused else b"".join(chunks)), size, refused

    def _objection(self, size: int, more: int, limit: int) -> RefusedError | None:
        if size > limit:
            return too_large(limit)
        if self._bytes_in_flight + more > self._max_bytes_in_flight:
            return RefusedError(429, "Too many requests are being read at the same time")
        return None


def too_large(limit: int) -> RefusedError:
    """The 413 for a request above the limit."""
    return RefusedError(413, f"Payload size limit exceeded: at most {limit} bytes (payload_byte_size_limit)")


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The uncompressed body; raises RefusedError for an unknown encoding, broken gzip, or more than `limit` bytes.

    Several gzip members back to back are one body, as the gzip format has it.
    """
    if encoding in ("", "identity"):
        if len(body) > limit:
            raise too_large(limit)
        return body
    if encoding not in ("gzip", "x-gzip"):
        # Whether Dynatrace takes zstd or deflate is not documented; its own senders use gzip only.
        raise RefusedError(415, "Unsupported content encoding; use gzip or none")
    parts: list[bytes] = []
    room = limit
    while body:
        decompressor = zlib.decompressobj(wbits=31)
        try:
            part = decompressor.decompress(body, room + 1)
        except zlib.error as problem:
            raise RefusedError(400, "Malformed gzip body") from problem
        if len(part) > room:
            raise too_large(limit)
        if not decompressor.eof:
            raise RefusedError(400, "Malformed gzip body: it ends too early")
        parts.append(part)
        room -= len(part)
        body = decompressor.unused_data
    if not parts:
        raise RefusedError(400, "Malformed gzip body: it is empty")
    return b"".join(parts)
