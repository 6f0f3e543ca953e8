"""A note on a record that says to which provider it was handed over, so that several handlers send it once.

It stays on copies, which filters and a `QueueHandler` make. Formatters that print `extra` leave it out, since its name
begins with an underscore.
"""

import logging
import os

from dt_otlp_logs.encoding.reserved_names import SENT_MARK


def _in_forked_child() -> None:
    global _process_id
    _process_id = os.getpid()


# A record that was pickled is another process's to send, whose objects may have the same ids.
_process_id = os.getpid()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)


def sent_mark(record: logging.LogRecord, provider: object) -> tuple[int, int, int]:
    """What a record is marked with that this process has handed to the provider, with this message."""
    message = record.msg
    return _process_id, id(provider), hash(message) if type(message) is str else id(message)


def is_sent(record: logging.LogRecord, *marks: tuple[int, int, int]) -> bool:
    """Whether a record has one of these marks.

    One whose message is another now is used anew (a template, a line splitter), unless a `QueueHandler` has made the
    text: that takes away the arguments.
    """
    found = vars(record).get(SENT_MARK)
    return found is not None and any(found == mark or (record.args is None and found[:2] == mark[:2]) for mark in marks)
