"""Lets an application configure logging after us: it finds its logging as if we were not there, and we stay."""

import functools
import logging
import logging.config
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

_wrapped = False


class Survive(Protocol):
    """Keeps handlers where they are; `out_of_sight`: they are off their loggers meanwhile."""

    def __call__(self, *, out_of_sight: bool) -> AbstractContextManager[None]: ...


def survive_reconfiguration(survive: Survive) -> None:
    """From now on `basicConfig`, `dictConfig` and `fileConfig` work inside of `survive()`.

    Left alone, `dictConfig` would take our handlers away without a word, and `basicConfig` would do nothing since a
    handler is there, so that the application's own console output would be missing. Once for each process.
    """
    global _wrapped
    if _wrapped:
        return
    _wrapped = True
    logging.basicConfig = _inside(lambda: survive(out_of_sight=True), logging.basicConfig)
    configuration: Any = logging.config
    # What the functions dictConfig and fileConfig call: many modules have imported those by name.
    of_dict = configuration.DictConfigurator
    of_dict.configure = _inside(lambda: survive(out_of_sight=False), of_dict.configure)
    # Not documented, and the same in Python 3.10 to 3.13.
    of_file = "_install_loggers" if hasattr(configuration, "_install_loggers") else "fileConfig"
    setattr(configuration, of_file, _inside(lambda: survive(out_of_sight=False), getattr(configuration, of_file)))


def _inside(survive: Callable[[], AbstractContextManager[None]], configure: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(configure)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with survive():
            return configure(*args, **kwargs)

    return inside
