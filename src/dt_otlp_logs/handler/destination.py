"""Where OpenTelemetry's handlers and processors of logging libraries send to."""

import logging

from opentelemetry._logs import LoggerProvider, get_logger_provider
from opentelemetry._logs._internal import ProxyLoggerProvider


def provider_behind(sender: object) -> LoggerProvider | None:
    """The provider that one of OpenTelemetry's handlers or processors sends to; None if it does not tell.

    Made before there was a global provider, it holds a stand-in for the one that is set by now.
    """
    provider = getattr(sender, "_logger_provider", None)
    return get_logger_provider() if isinstance(provider, ProxyLoggerProvider) else provider


def is_opentelemetrys(handler: logging.Handler) -> bool:
    """Whether this is the handler of opentelemetry-instrumentation-logging, or the SDK's older one of the same name."""
    return type(handler).__name__ == "LoggingHandler" and type(handler).__module__.startswith("opentelemetry.")
