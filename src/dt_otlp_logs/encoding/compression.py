"""gzip, as fast as this installation allows."""

import zlib
from typing import Any

_isal: Any = None
try:
    from isal import isal_zlib

    _isal = isal_zlib
except ImportError:
    pass

# 15 bits of window and 16 for "with a gzip header and trailer".
_GZIP_WINDOW_BITS = 31

# Level 1 of zlib takes a quarter of the time of level 9, which the stock exporter uses, for a fifth more bytes.
_LEVEL = 1


def compress(data: bytes) -> bytes:
    """One gzip member: isal with the `fast` extra, else zlib. The same bytes in give the same bytes out."""
    if _isal is not None:
        return bytes(_isal.compress(data, _LEVEL, _GZIP_WINDOW_BITS))
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW_BITS)
    return packer.compress(data) + packer.flush()


def decompress(data: bytes) -> bytes:
    """What `compress` was given. ValueError if the bytes are not whole."""
    try:
        return zlib.decompress(data, _GZIP_WINDOW_BITS)
    except zlib.error as error:
        raise ValueError(f"not gzip: {error}") from error
