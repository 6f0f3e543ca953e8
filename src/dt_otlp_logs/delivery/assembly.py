"""From a configuration to a delivery worker: which routes there are, in which order, and what each is made of."""

import platform
import random
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from dt_otlp_logs.config import Config, Endpoint
from dt_otlp_logs.delivery.clock import Clock, SystemClock
from dt_otlp_logs.delivery.disk_queue import DiskQueue
from dt_otlp_logs.delivery.failover import Failover
from dt_otlp_logs.delivery.ledger import DeliveryLedger
from dt_otlp_logs.delivery.loop import DeliveryLoop
from dt_otlp_logs.delivery.losses import Losses
from dt_otlp_logs.delivery.memory_queue import MemoryQueue, SendingQueue
from dt_otlp_logs.delivery.queue_directory import destination_of
from dt_otlp_logs.delivery.reporter import DeliveryReporter
from dt_otlp_logs.delivery.route import Exchange, RequestStyle, Route
from dt_otlp_logs.delivery.transport import TlsFiles, Transport, Urllib3Transport
from dt_otlp_logs.delivery.worker import DeliveryWorker, EncodedBatch, Parts
from dt_otlp_logs.diagnostics import Diagnostics
from dt_otlp_logs.encoding.payload import PackLimits


def delivery_worker(
    config: Config,
    diagnostics: Diagnostics,
    *,
    clock: Clock | None = None,
    random_number: Callable[[], float] = random.random,
    make_transport: Callable[[Config], Transport] | None = None,
    on_exchange: Callable[[float, Exchange], None] = lambda _seconds, _exchange: None,
    encode: Callable[[Sequence[Any]], EncodedBatch] | None = None,
) -> DeliveryWorker:
    """A worker that delivers as the configuration says; no socket and no thread before the first payload."""
    clock = clock or SystemClock()
    make_transport = make_transport or _transport

    def parts() -> Parts:
        ledger = DeliveryLedger()
        reporter = DeliveryReporter(diagnostics)
        queue = _queue(config, diagnostics, ledger, reporter, clock)
        loop = DeliveryLoop(
            queue=queue,
            failover=Failover(
                routes(config, make_transport(config), clock),
                after_seconds=config.fallback_after_seconds,
                probe_seconds=config.probe_seconds,
            ),
            ledger=ledger,
            reporter=reporter,
            token=config.token,
            limits=PackLimits(request_bytes=config.max_request_bytes),
            stale=config.stale,
            clock=clock,
            random=random_number,
            on_exchange=on_exchange,
        )
        return loop, queue, ledger, reporter

    return DeliveryWorker(
        parts,
        clock=clock,
        timeout_seconds=config.timeout_seconds,
        shutdown_timeout_seconds=config.shutdown_timeout_seconds,
        encode=encode,
    )


def _queue(
    config: Config, diagnostics: Diagnostics, ledger: DeliveryLedger, reporter: DeliveryReporter, clock: Clock
) -> SendingQueue:
    if config.queue_directory is None:
        return MemoryQueue(config.queue_max_bytes, config.queue_full)

    losses = Losses(ledger, reporter, clock)

    def lost(records: int, reason: str) -> None:
        losses.drop(records, reason, "damaged")

    return DiskQueue(
        config.queue_directory,
        destination=destination_of(url for endpoint in config.endpoints for _, url in endpoint.urls()),
        max_bytes=config.queue_max_bytes,
        when_full=config.queue_full,
        on_adopted=ledger.accept,
        on_lost=lost,
        say=diagnostics.warning,
        monotonic=clock.monotonic,
        time_ns=clock.time_ns,
    )


def routes(config: Config, transport: Transport, clock: Clock) -> Sequence[Route]:
    """Each endpoint's forms, the endpoints in the order given: OTLP first, then JSON."""
    style = RequestStyle(
        compression=config.compression,
        structure=config.structure,
        classic=config.limits == "classic",
        headers=config.headers,
        user_agent=f"dt-otlp-logs/{version('dt-otlp-logs')} Python/{platform.python_version()}",
    )
    return [
        Route(
            url=url,
            form=form,
            endpoint=number,
            authorization=_authorization(config, endpoint),
            style=style,
            transport=transport,
            clock=clock,
        )
        for number, endpoint in enumerate(config.endpoints)
        for form, url in endpoint.urls(config.fallback)
    ]


def _authorization(config: Config, endpoint: Endpoint) -> Callable[[], str | None]:
    def current() -> str | None:
        token = config.token.current() if endpoint.sends_token else None
        return token.authorization() if token else None

    return current


def _transport(config: Config) -> Transport:
    return Urllib3Transport(
        connect_timeout_seconds=config.connect_timeout_seconds,
        tls=TlsFiles(config.ca_file, config.client_certificate_file, config.client_key_file),
        proxy_for=config.proxies.for_url,
    )
