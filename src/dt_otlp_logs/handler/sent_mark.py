"""A note on a record that says to which provider it was handed over, so that several handlers send it once.

It stays on copies, which filters and a `QueueHandler` make. Formatters that print `extra` leave it out, since its name
begins with an underscore.
"""

import os


def _in_forked_child() -> None:
    global _process_id
    _process_id = os.getpid()


# A record that was pickled is another process's to send, whose objects may have the same ids.
_process_id = os.getpid()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)


def sent_mark(provider: object) -> tuple[int, int]:
    """What a record is marked with that this process has handed to the provider."""
    return _process_id, id(provider)
