"""Lets an application configure logging after us: it finds its logging as if we were not there, and we stay."""

import functools
import logging
import logging.config
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

PutAside = Callable[[], AbstractContextManager[None]]

_wrapped = False


def survive_reconfiguration(put_aside: PutAside) -> None:
    """From now on `basicConfig`, `dictConfig` and `fileConfig` work inside of `put_aside()`.

    Left alone, `dictConfig` would take our handlers away without a word, and `basicConfig` would do nothing since a
    handler is there, so that the application's own console output would be missing. Once for each process.
    """
    global _wrapped
    if _wrapped:
        return
    _wrapped = True
    logging.basicConfig = _inside(put_aside, logging.basicConfig)
    configuration: Any = logging.config
    # What the functions dictConfig and fileConfig call: many modules have imported those by name.
    configuration.DictConfigurator.configure = _inside(put_aside, configuration.DictConfigurator.configure)
    # Not documented, and the same in Python 3.10 to 3.13.
    of_file = "_install_loggers" if hasattr(configuration, "_install_loggers") else "fileConfig"
    setattr(configuration, of_file, _inside(put_aside, getattr(configuration, of_file)))


def _inside(put_aside: PutAside, configure: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(configure)
    def with_handlers_put_aside(*args: Any, **kwargs: Any) -> Any:
        with put_aside():
            return configure(*args, **kwargs)

    return with_handlers_put_aside
