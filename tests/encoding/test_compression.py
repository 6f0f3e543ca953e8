"""gzip as every server reads it, with the fast library and without."""

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dt_otlp_logs.encoding import compression


@pytest.mark.parametrize("fast", [True, False], ids=["as installed", "zlib"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=10_000))
def test_one_gzip_member_that_comes_back_the_same(monkeypatch: pytest.MonkeyPatch, fast: bool, data: bytes) -> None:
    if not fast:
        monkeypatch.setattr(compression, "_isal", None)
    packed = compression.compress(data)
    assert gzip.decompress(packed) == data
    assert compression.decompress(packed) == data
    assert compression.compress(data) == packed
