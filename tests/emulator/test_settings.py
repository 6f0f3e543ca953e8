"""Settings: a choice that does not exist is refused at once, and every choice of the fact sheet is there."""

from typing import Any

import pytest

from dt_otlp_logs.emulator import DEFAULT_TOKEN, EmulatorSettings


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"profile": "saas"}, "profile has to be one of 'grail', 'grail_classic_pipeline', 'classic'"),
        ({"structure": "flat"}, "structure has to be one of 'raw', 'flattened'"),
        ({"missing_scope_status": 402}, "missing_scope_status has to be one of 401, 403"),
        ({"max_stored_bytes": -1}, "max_stored_bytes cannot be below zero"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        EmulatorSettings(**settings)


def test_the_defaults_are_the_documented_numbers() -> None:
    settings = EmulatorSettings()
    assert (settings.otlp_max_request_bytes, settings.json_max_request_bytes) == (10_000_000, 10_000_000)
    assert (settings.max_records_per_request, settings.max_preprocessed_bytes) == (50_000, 16_000_000)
    assert (settings.max_age_seconds, settings.max_ahead_seconds) == (24 * 3600, 10 * 60)


def test_the_standard_token_has_the_shape_of_a_real_one_and_is_plainly_none() -> None:
    prefix, public, secret = DEFAULT_TOKEN.split(".")
    assert (prefix, len(public), len(secret)) == ("dt0c01", 24, 64)
    assert set(public + secret) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert "NOTASECRET" in secret
