"""A logger with our handler; logging's record factory is afterwards as it was before."""

import logging
from collections.abc import Iterator

import pytest

from handler.logged import Logged


@pytest.fixture(autouse=True)
def the_record_factory_stays() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)


@pytest.fixture
def logged(the_record_factory_stays: None) -> Iterator[Logged]:
    made = Logged()
    yield made
    made.log.removeHandler(made.handler)
