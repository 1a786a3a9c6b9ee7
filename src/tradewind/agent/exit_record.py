"""`exit.json`: the end of an attempt, written once, even when the disk is full."""

from __future__ import annotations

import json
import os

from .clocks import wall_s
from .durable import replace_file, sync_directory, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RESERVED_BYTES = 4096
_NAME = "exit.json"
_RESERVED = ".exit.json.reserved"


def has_ended(directory: str) -> bool:
    """True if the exit record is there."""
    return os.path.exists(os.path.join(directory, _NAME))


def reserve(directory: str) -> None:
    """Occupy the disk blocks that the exit record will need. Raises OSError if they cannot be had."""
    fd = os.open(os.path.join(directory, _RESERVED), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, b" " * RESERVED_BYTES)
    finally:
        os.close(fd)


def write_exit(
    directory: str,
    reason: str,
    message: str,
    *,
    exit_code: int | None = None,
    signal_number: int | None = None,
    started_at: float | None = None,
    ended_at: float | None = None,
    energy_j: float = 0.0,
    strays: int = 0,
) -> dict[str, Any]:
    """Write the record durably and return it. The caller holds the attempt's lock, so nobody else writes one."""
    record: dict[str, Any] = {
        "reason": reason,
        "exit_code": exit_code,
        "signal": signal_number,
        "message": message,
        "started_at": started_at,
        "ended_at": wall_s() if ended_at is None else ended_at,
        "energy_j": round(energy_j, 3),
        "strays": strays,
    }
    data = json.dumps(record).encode() + b"\n"
    while len(data) > RESERVED_BYTES:
        record["message"] = record["message"][: len(record["message"]) // 2]
        data = json.dumps(record).encode() + b"\n"
    try:
        _overwrite_reserved(directory, data)
    except OSError:
        # The reserved file is gone, or its file system does not overwrite in place. An ordinary write may still work.
        replace_file(os.path.join(directory, _NAME), data, durably=True)
    return record


def _overwrite_reserved(directory: str, data: bytes) -> None:
    reserved = os.path.join(directory, _RESERVED)
    fd = os.open(reserved, os.O_WRONLY | os.O_CLOEXEC)
    try:
        write_all(fd, data)
        os.ftruncate(fd, len(data))
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(reserved, os.path.join(directory, _NAME))
    sync_directory(directory)
