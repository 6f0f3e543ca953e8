"""A message of loguru's as a record of logging: what loguru knows, each as its own kind of thing.

loguru hands a message to anything that has a `write` method: a text it has formatted, with the record as attribute
(https://loguru.readthedocs.io/en/stable/api/logger.html, "Sinks" and "The record dict"). As a mere
`logging.Handler` a sink gets less: the text with the traceback in it, and `extra` as one nested value.
"""

import logging
from collections.abc import Mapping
from typing import Any

# What is the record's own, although no attribute of a fresh one.
_OWN_NAMES = frozenset({"message", "asctime"})


class LoguruRecord(logging.LogRecord):
    """A record that no logger of logging's has handled: no other handler has it."""


def logging_record(message: object) -> LoguruRecord | None:
    """The record of a loguru message; None for a text of any other origin.

    The message is the one that was logged, without `format`; the exception is `exc_info`; what `bind()`,
    `contextualize()`, `patch()` and the call itself gave are attributes by their names, `extra.<name>` where a record
    has that name for something else.
    """
    said = getattr(message, "record", None)
    if not isinstance(said, Mapping):
        return None
    raised = said["exception"]
    record = LoguruRecord(
        said["name"] or "loguru",  # None in code that has no module
        said["level"].no,
        said["file"].path,
        said["line"],
        said["message"],
        (),
        None if raised is None else (raised.type, raised.value, raised.traceback),
        said["function"],
    )
    created = said["time"].timestamp()
    own: dict[str, Any] = vars(record)
    own.update(
        levelname=said["level"].name,
        created=created,
        msecs=created % 1 * 1000,
        # With enqueue=True this is not the thread, nor the process maybe, that logged.
        thread=said["thread"].id,
        threadName=said["thread"].name,
        process=said["process"].id,
        processName=said["process"].name,
    )
    taken = _OWN_NAMES.union(own)
    own.update((f"extra.{name}" if name in taken else name, value) for name, value in said["extra"].items())
    return record
