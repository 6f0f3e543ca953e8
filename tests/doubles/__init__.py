"""Small real stand-ins: a clock that is set by hand, a transport that answers from a script."""

from doubles.delivery import (
    FakeClock,
    Harness,
    ScriptedTransport,
    answer,
    ids_in,
    loop_over,
    payload_of,
)

__all__ = ["FakeClock", "Harness", "ScriptedTransport", "answer", "ids_in", "loop_over", "payload_of"]
