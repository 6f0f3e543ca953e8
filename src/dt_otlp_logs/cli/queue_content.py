"""One queue file in words: its header, why it was kept, and its records. Nothing in it a terminal would obey."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dt_otlp_logs.cli.failure import CommandFailed
from dt_otlp_logs.delivery.file_system import FileSystem
from dt_otlp_logs.delivery.kept_files import REASON_SUFFIX
from dt_otlp_logs.delivery.queue_file import DamagedFileError, from_bytes
from dt_otlp_logs.diagnostics import mask_secrets, printable
from dt_otlp_logs.encoding.payload import Payload, decompress

_LARGEST_FILE_BYTES = 100_000_000


def described(path: Path, most_records: int) -> Iterator[str]:
    """Lines that describe a file. CommandFailed if it is no whole queue file, with the reason beside it."""
    data = FileSystem().read(str(path), _LARGEST_FILE_BYTES)
    try:
        payload, note = from_bytes(data)
        request = decompress(payload)
    except (DamagedFileError, ValueError) as error:
        raise CommandFailed(
            f"{_clean(str(path))} cannot be read: {_clean(str(error))}{_reason_beside(path)}"
        ) from error
    yield _clean(str(path))
    yield from _header(payload, note)
    yield from _records(request, most_records)


def _reason_beside(path: Path) -> str:
    note = path.with_name(path.name + REASON_SUFFIX)
    return f" (set aside: {_clean(note.read_text(errors='replace').strip())})" if note.is_file() else ""


def _header(payload: Payload, note: Mapping[str, Any]) -> Iterator[str]:
    yield f"  form           OTLP, gzip, {len(payload.body):,} bytes ({payload.size_bytes:,} uncompressed)"
    yield f"  records        {payload.records:,}"
    yield f"  oldest record  {_time(payload.oldest_unix_nano)}"
    for key, value in note.items():
        shown = _time(value) if key.endswith("_unix_nano") and isinstance(value, int) else _plain(value)
        yield f"  {_clean(key.removesuffix('_unix_nano')):<14} {_clean(shown)}"


def _records(request: bytes, most_records: int) -> Iterator[str]:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    try:
        decoded = ExportLogsServiceRequest.FromString(request)
    except DecodeError as error:
        raise CommandFailed(f"its content is no OTLP request: {_clean(str(error))}") from error
    shown = 0
    for resource in decoded.resource_logs:
        yield f"resource {_attributes(resource.resource.attributes)}"
        for scope in resource.scope_logs:
            for record in scope.log_records:
                shown += 1
                if shown > most_records:
                    continue
                level = record.severity_text or str(record.severity_number or "NONE")
                time = _time(record.time_unix_nano or record.observed_time_unix_nano)
                yield f"  {time}  {_clean(level):<8} {_clean(_plain(_value(record.body)))}"
                if record.attributes:
                    yield f"    {_attributes(record.attributes)}"
    if shown > most_records:
        yield f"  ... and {shown - most_records:,} more (--records)"


def _attributes(attributes: Iterable[Any]) -> str:
    return _clean(" ".join(f"{one.key}={json.dumps(_value(one.value), ensure_ascii=False)}" for one in attributes))


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return {one.key: _value(one.value) for one in value.kvlist_value.values}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind) if kind else None


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _clean(text: str) -> str:
    return printable(mask_secrets(text))


def _time(unix_nano: int) -> str:
    if not 0 < unix_nano < 253_402_300_800 * 10**9:  # the year 10,000
        return "-"
    moment = datetime.fromtimestamp(unix_nano // 10**9, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_nano // 10**6 % 1000:03d}Z"
