"""What a test changes in its process and the next test shall find as before: each is put back by a `with` block."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dt_otlp_logs.pytest_plugin.in_process import pipeline_module, running_pipeline

# What a test leaves waiting is of no use any more; this is for what is on its way.
_SHUTDOWN_SECONDS = 0.5

_GLOBALS = "opentelemetry._logs._internal"

_EMULATORS_THREAD = "dt-otlp-logs-emulator"
_LOGGERS_OF_ITS_SERVER = ("asyncio", "uvicorn.access", "uvicorn.asgi", "uvicorn.error")


@contextmanager
def environment(url: str, api_token: str) -> Iterator[None]:
    """Name the Dynatrace to use, and nothing else that this package's settings are read from."""
    from dt_otlp_logs.config import SETTINGS

    with pytest.MonkeyPatch.context() as patch:
        for name in {name for setting in SETTINGS for name in setting.variables} | {"OTEL_SDK_DISABLED"}:
            patch.delenv(name, raising=False)
        patch.setenv("DT_ENDPOINT", url)
        patch.setenv("DT_API_TOKEN", api_token)
        # A proxy that others need cannot reach this machine's own addresses.
        direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, f"{direct},127.0.0.1" if direct else "127.0.0.1")
        yield


@contextmanager
def no_pipeline_around() -> Iterator[None]:
    """No pipeline runs at the beginning, and none at the end.

    A handler that `dictConfig` made once for the whole session starts a pipeline in each of these blocks.
    """
    _end_pipeline()
    module = pipeline_module()
    was_shut_down = module is not None and module._was_shut_down  # noqa: SLF001  # see below
    if module is not None:
        # After a shutdown handlers start nothing of their own accord: right for the end of a program, not of a test.
        module._was_shut_down = False  # noqa: SLF001
    try:
        yield
    finally:
        _end_pipeline()
        module = pipeline_module()
        if module is not None and was_shut_down:
            module._was_shut_down = True  # noqa: SLF001


def _end_pipeline() -> None:
    pipeline = running_pipeline()
    if pipeline is not None:
        pipeline.shutdown(_SHUTDOWN_SECONDS)


@contextmanager
def global_provider_as_found() -> Iterator[None]:
    """Let OpenTelemetry's global LoggerProvider be set in this block, again in each: it takes only one in a process.

    There is no call for that, so the API's variables are put back, warily.
    """
    before = _global_provider()
    try:
        yield
    finally:
        provider = _global_provider()
        if provider is not before:
            if hasattr(provider, "shutdown"):
                provider.shutdown()
            _set_global_provider(before)


def _set_global_provider(provider: Any) -> None:
    internal: Any = sys.modules.get(_GLOBALS)
    once: Any = getattr(internal, "_LOGGER_PROVIDER_SET_ONCE", None)
    if hasattr(once, "_done"):
        internal._LOGGER_PROVIDER, once._done = provider, provider is not None  # noqa: SLF001


def _global_provider() -> Any:
    return getattr(sys.modules.get(_GLOBALS), "_LOGGER_PROVIDER", None)


@contextmanager
def logging_as_found() -> Iterator[Callable[[], None]]:
    """Put back, at the end or at a call, the level, handlers and switches of all loggers there are now.

    Loggers that come later only lose the handlers of this package.
    """
    found = {logger: (logger.level, logger.propagate, logger.disabled, tuple(logger.handlers)) for logger in _loggers()}

    def put_back() -> None:
        for logger in _loggers():
            if logger in found:
                level, logger.propagate, logger.disabled, handlers = found[logger]
                logger.setLevel(level)
                logger.handlers[:] = handlers
            else:
                logger.handlers[:] = [handler for handler in logger.handlers if not _is_ours(handler)]

    try:
        yield put_back
    finally:
        put_back()


@contextmanager
def nothing_logged_by_the_emulator() -> Iterator[None]:
    """Keep what the emulator's server logs out of the application's logs: each delivery would cause a record."""
    loggers = [logging.getLogger(name) for name in _LOGGERS_OF_ITS_SERVER]
    for logger in loggers:
        logger.addFilter(_is_not_the_emulators)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_not_the_emulators)


def _is_not_the_emulators(record: logging.LogRecord) -> bool:
    return record.threadName != _EMULATORS_THREAD


def _loggers() -> list[logging.Logger]:
    named = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(logger for logger in named if isinstance(logger, logging.Logger))]


def _is_ours(handler: logging.Handler) -> bool:
    module: Any = sys.modules.get("dt_otlp_logs.handler")
    return module is not None and isinstance(handler, module.DynatraceLoggingHandler)
