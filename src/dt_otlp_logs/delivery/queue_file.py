"""A payload as a file: what its name tells without opening it, and a header and checksum around its bytes.

    magic  version  form  records  note bytes  body bytes  size  expanded  oldest record  CRC32 | note | body

Numbers are little-endian. The CRC32 is over everything but itself. The note is JSON: which files this one stands
for, or why it was rejected. Never a token: a payload has none.
"""

import json
import re
import struct
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from dt_otlp_logs.encoding.payload import Payload

VERSION = 1
OTLP_GZIP = 1
"""The form of the body: an ExportLogsServiceRequest in one gzip member. Other forms may follow."""

# The line break tells a file that was sent through a text conversion, as in PNG.
_MAGIC = b"DTLOGS\r\n"
_START = struct.Struct("<8sHHIIQQQQ")
_CHECKSUM = struct.Struct("<I")
HEADER_BYTES = _START.size + _CHECKSUM.size

# File systems hand out space in blocks; 4 KiB is the usual one.
_BLOCK_BYTES = 4096
# A note names the files of one request at most, about 100 bytes each.
_LONGEST_NOTE_BYTES = 10_000_000

# Each name in one spelling only, so that a name taken apart and put together again is the same file.
_NUMBER = r"(0|[1-9]\d{0,%d})"
_NAME = re.compile(
    r"(\d{12}|[1-9]\d{12,17})\."
    + _NUMBER % 8
    + "-([1-9]\\d{0,8})"
    + "".join(f"-{_NUMBER % n}" for n in (11, 11, 14, 19))
    + r"\.dtq",
    re.ASCII,
)


class DamagedFileError(ValueError):
    """These bytes are no queue file that this version can use; the text says why."""


class FileName(NamedTuple):
    """What a queue file's name tells: its place in the order, and the numbers of its payload."""

    sequence: int
    part: int
    records: int
    body_bytes: int
    size_bytes: int
    expanded_bytes: int
    oldest_unix_nano: int

    @property
    def text(self) -> str:
        """The name itself."""
        return (
            f"{self.sequence:012d}.{self.part}-{self.records}-{self.body_bytes}-{self.size_bytes}"
            f"-{self.expanded_bytes}-{self.oldest_unix_nano}.dtq"
        )

    @property
    def cost_bytes(self) -> int:
        """What the file takes on a disk."""
        return -(-(HEADER_BYTES + self.body_bytes) // _BLOCK_BYTES) * _BLOCK_BYTES

    @property
    def most_bytes(self) -> int:
        """No undamaged file of this name is longer."""
        return HEADER_BYTES + _LONGEST_NOTE_BYTES + self.body_bytes


def name_for(payload: Payload, sequence: int, part: int = 0) -> FileName:
    """The name of a payload's file."""
    return FileName(
        sequence,
        part,
        payload.records,
        len(payload.body),
        payload.size_bytes,
        payload.expanded_bytes,
        payload.oldest_unix_nano,
    )


def parse_name(text: str) -> FileName | None:
    """The name taken apart; None if no queue file is called that."""
    match = _NAME.fullmatch(text)
    return None if match is None else FileName._make(map(int, match.groups()))


def to_bytes(payload: Payload, note: Mapping[str, Any] | None = None) -> bytes:
    """The content of a payload's file."""
    words = json.dumps(note).encode() if note else b""
    start = _START.pack(
        _MAGIC,
        VERSION,
        OTLP_GZIP,
        payload.records,
        len(words),
        len(payload.body),
        payload.size_bytes,
        payload.expanded_bytes,
        payload.oldest_unix_nano,
    )
    checksum = zlib.crc32(payload.body, zlib.crc32(words, zlib.crc32(start)))
    return b"".join((start, _CHECKSUM.pack(checksum), words, payload.body))


def from_bytes(data: bytes, name: FileName | None = None) -> tuple[Payload, Mapping[str, Any]]:
    """The payload and the note of a file. DamagedFileError if it is not whole, not ours, or not as its name says."""
    if not data:
        raise DamagedFileError("empty")
    if not data.startswith(_MAGIC[: len(data)]):
        raise DamagedFileError("not a queue file")
    if len(data) < HEADER_BYTES:
        raise DamagedFileError("truncated")
    _, version, form, records, note_bytes, body_bytes, size_bytes, expanded_bytes, oldest = _START.unpack_from(data)
    # Before the checksum: what another version puts where is not known.
    if version != VERSION:
        raise DamagedFileError(f"format version {version}, this is version {VERSION}")
    end = HEADER_BYTES + note_bytes + body_bytes
    if len(data) < end:
        raise DamagedFileError("truncated")
    if len(data) > end:
        raise DamagedFileError("longer than its header says")
    (checksum,) = _CHECKSUM.unpack_from(data, _START.size)
    content = memoryview(data)
    if zlib.crc32(content[HEADER_BYTES:], zlib.crc32(content[: _START.size])) != checksum:
        raise DamagedFileError("checksum does not match")
    if form != OTLP_GZIP:
        raise DamagedFileError(f"unknown form {form}")
    body = data[HEADER_BYTES + note_bytes :]
    payload = Payload(body, records, size_bytes, oldest, expanded_bytes)
    if name is not None and name != name_for(payload, name.sequence, name.part):
        raise DamagedFileError("not what its name says")
    return payload, _note(data[HEADER_BYTES : HEADER_BYTES + note_bytes])


def _note(words: bytes) -> Mapping[str, Any]:
    try:
        note = json.loads(words) if words else {}
    except ValueError as error:
        raise DamagedFileError("its note is not JSON") from error
    if not isinstance(note, dict):
        raise DamagedFileError("its note is not JSON")
    return note
