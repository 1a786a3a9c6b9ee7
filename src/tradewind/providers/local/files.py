"""The files of an attempt directory, as the provider's side of the agent protocol reads and writes them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tradewind.providers.base import Exit

#: At most this much of the agent's records is read in one look.
RECORDS_PER_LOOK_BYTES: Final = 1 << 20


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replaces the file in one step; readable by its owner only."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The file's object; None when there is no such file or it is not finished."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def read_records(path: Path, cursor: int) -> tuple[list[dict[str, Any]], int, bool]:
    """Whole records after the cursor, the next cursor, and whether more are waiting."""
    try:
        with path.open("rb") as file:
            file.seek(cursor)
            data = file.read(RECORDS_PER_LOOK_BYTES)
    except FileNotFoundError:
        return [], cursor, False
    end = data.rfind(b"\n") + 1
    records = []
    for line in data[:end].splitlines():
        with contextlib.suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                records.append(value)
    return records, cursor + end, len(data) == RECORDS_PER_LOOK_BYTES


def is_supervised(directory: Path) -> bool:
    """True while a supervisor holds the attempt's lock."""
    try:
        descriptor = os.open(directory / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_exit(directory: Path) -> Exit | None:
    """How the attempt ended, once it has."""
    value = read_json(directory / "exit.json")
    if value is None:
        return None
    started = value.get("started_at")
    return Exit(
        reason=str(value.get("reason")),
        message=str(value.get("message") or ""),
        exit_code=value.get("exit_code"),
        signal=value.get("signal"),
        started_at=None if started is None else _time(started),
        ended_at=_time(value.get("ended_at") or 0),
        energy_j=value.get("energy_j"),
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
