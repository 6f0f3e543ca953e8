"""Celery's two loggers, whose handlers it replaces when a worker starts."""

import importlib
import logging
import sys
from collections.abc import Callable
from pathlib import PurePath

_is_connected = False


def attach_to_celerys_loggers(attach: Callable[[logging.Logger], None]) -> None:
    """Let a handler be attached again where Celery has emptied the root logger, and to its logger of tasks.

    Celery sets up both when a worker starts, and then asks for more handlers by these signals. The logger of tasks does
    not propagate. Once for each process; nothing happens where there is no Celery.
    https://docs.celeryq.dev/en/stable/userguide/signals.html#after-setup-logger
    """
    global _is_connected
    if _is_connected:
        return
    signals = sys.modules.get("celery.signals")
    if signals is None and _is_celerys_command(sys.orig_argv):
        try:
            signals = importlib.import_module("celery.signals")
        except Exception:  # noqa: BLE001  # another program of that name
            return
    if signals is None:
        return
    _is_connected = True

    def attach_to(logger: logging.Logger, **_: object) -> None:
        attach(logger)

    for signal in (signals.after_setup_logger, signals.after_setup_task_logger):
        signal.connect(attach_to, weak=False)


def _is_celerys_command(arguments: list[str]) -> bool:
    """Whether Python was started as `celery ...` or `python -m celery ...`: then Celery is about to be imported."""
    return any(PurePath(argument).name == "celery" for argument in arguments[1:4])
