"""A local Dynatrace: both log ingest paths, faults to order, and everything it received to look at."""

from dt_otlp_logs.emulator.app import create_app
from dt_otlp_logs.emulator.faults import DISK_QUEUE_FULL, Fault
from dt_otlp_logs.emulator.server import RunningEmulator, running_emulator, serve
from dt_otlp_logs.emulator.settings import EmulatorSettings
from dt_otlp_logs.emulator.tokens import (
    DEFAULT_TOKEN,
    PLATFORM_TOKEN,
    TOKEN_WITHOUT_SCOPE,
    AcceptedToken,
)

__all__ = [
    "DEFAULT_TOKEN",
    "DISK_QUEUE_FULL",
    "PLATFORM_TOKEN",
    "TOKEN_WITHOUT_SCOPE",
    "AcceptedToken",
    "EmulatorSettings",
    "Fault",
    "RunningEmulator",
    "create_app",
    "running_emulator",
    "serve",
]
