"""Keeps handlers where they are when an application configures logging after them."""

import functools
import logging
import logging.config
from collections.abc import Callable, Iterable
from typing import Any

Attached = Callable[[], Iterable[tuple[logging.Logger, logging.Handler]]]

_wrapped = False


def survive_reconfiguration(attached: Attached) -> None:
    """From now on `basicConfig`, `dictConfig` and `fileConfig` find the logging of an application without the attached
    handlers, and leave them attached.

    Left alone, `dictConfig` would take them away without a word, and `basicConfig` would do nothing since a handler is
    there, so that the application's own console output would be missing. Once for each process.
    """
    global _wrapped
    if _wrapped:
        return
    _wrapped = True
    logging.basicConfig = _aside(logging.basicConfig, attached)
    logging.config.fileConfig = _aside(logging.config.fileConfig, attached)
    # The method, not the function dictConfig: many modules have imported that by name.
    configurator: Any = logging.config.DictConfigurator
    configurator.configure = _aside(configurator.configure, attached)


def _aside(configure: Callable[..., Any], attached: Attached) -> Callable[..., Any]:
    @functools.wraps(configure)
    def with_handlers_put_aside(*args: Any, **kwargs: Any) -> Any:
        put_aside = [(logger, handler) for logger, handler in attached() if handler in logger.handlers]
        for logger, handler in put_aside:
            logger.removeHandler(handler)
        try:
            return configure(*args, **kwargs)
        finally:
            for logger, handler in put_aside:
                logger.addHandler(handler)

    return with_handlers_put_aside
