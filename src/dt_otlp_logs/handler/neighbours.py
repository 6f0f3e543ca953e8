"""The handlers beside ours that get a record, too."""

import logging
from collections.abc import Iterator

from opentelemetry._logs import LoggerProvider
from opentelemetry._logs._internal import ProxyLoggerProvider

from dt_otlp_logs.handler.destination import is_opentelemetrys, provider_behind


def handlers_of(name: str) -> Iterator[logging.Handler]:
    """All handlers that get the records of a logger."""
    named = logging.root.manager.loggerDict.get(name)
    current: logging.Logger | None = named if isinstance(named, logging.Logger) else logging.root
    while current is not None:
        yield from current.handlers
        current = current.parent if current.propagate else None


def is_sent_by(handler: logging.Handler, record: logging.LogRecord, provider: LoggerProvider) -> bool:
    """Whether this handler is OpenTelemetry's and hands the record to the provider."""
    return (
        is_opentelemetrys(handler)
        and provider_behind(handler) is provider
        and not isinstance(provider, ProxyLoggerProvider)  # there is none yet, and the record would go nowhere
        and record.levelno >= handler.level
        and not handler.filters  # which of them let this record through is not for us to find out
    )


def print_as_last_resort(record: logging.LogRecord) -> None:
    """Print a record as logging does where there is no handler at all."""
    last = logging.lastResort
    if last is not None and record.levelno >= last.level:
        last.handle(record)
