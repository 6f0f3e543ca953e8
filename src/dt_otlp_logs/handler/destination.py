"""Where OpenTelemetry's handlers and processors of logging libraries send to."""

from opentelemetry._logs import LoggerProvider, get_logger_provider
from opentelemetry._logs._internal import ProxyLoggerProvider


def provider_behind(sender: object) -> LoggerProvider | None:
    """The provider that one of OpenTelemetry's handlers or processors sends to; None if it does not tell.

    Made before there was a global provider, it holds a stand-in for the one that is set by now.
    """
    provider = getattr(sender, "_logger_provider", None)
    return get_logger_provider() if isinstance(provider, ProxyLoggerProvider) else provider
