"""The severity numbers of OpenTelemetry as words Dynatrace knows.

Ranges: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
Dynatrace documents that it takes the text first and the number second, but no table for the number.
"""

_WORDS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

MAX_SEVERITY_NUMBER = 24


def severity_word(severity_number: int) -> str | None:
    """TRACE for 1 to 4, DEBUG for 5 to 8 and so on to FATAL for 21 to 24; None for anything else."""
    if 1 <= severity_number <= MAX_SEVERITY_NUMBER:
        return _WORDS[(severity_number - 1) // 4]
    return None
