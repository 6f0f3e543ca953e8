"""What delivery knows of encoding: a payload, and everything that may be done to one."""

from .packing import DEFAULT_PACK_LIMITS, PackLimits, fits, halve, merge, pack
from .request import Group, Payload, seal, unpack
from .request import decompressed as decompress
from .shrink import shrink
from .stale import ORIGINAL_TIMESTAMP, drop_stale, restamp_stale

__all__ = [
    "DEFAULT_PACK_LIMITS",
    "ORIGINAL_TIMESTAMP",
    "Group",
    "PackLimits",
    "Payload",
    "decompress",
    "drop_stale",
    "fits",
    "halve",
    "merge",
    "pack",
    "restamp_stale",
    "seal",
    "shrink",
    "unpack",
]
