"""uvicorn gives its messages a second time as `color_message`, with ANSI colours, for its own formatter.

Source: uvicorn/logging.py, `ColourizedFormatter`.
"""

import logging

import pytest

from handler.logged import Logged


@pytest.mark.parametrize(
    ("logger", "expected"),
    [
        ("uvicorn", {"port": 80}),
        ("uvicorn.error", {"port": 80}),
        ("uvicorns", {"port": 80, "color_message": "\x1b[1mup\x1b[0m"}),
        ("shop.uvicorn", {"port": 80, "color_message": "\x1b[1mup\x1b[0m"}),
    ],
)
def test_only_uvicorns_own_coloured_copy_is_left_out(logged: Logged, logger: str, expected: dict[str, object]) -> None:
    record = logging.getLogger(logger).makeRecord(
        logger, 20, "x.py", 1, "up", (), None, extra={"color_message": "\x1b[1mup\x1b[0m", "port": 80}
    )
    logged.handler.handle(record)
    assert logged.record.body == "up"
    assert {name: logged.attributes.get(name) for name in ("port", "color_message") if name in logged.attributes} == (
        expected
    )
