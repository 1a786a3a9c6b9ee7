"""The files of an attempt directory, as the provider's side of the agent protocol reads and writes them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tradewind.domain.locks import is_held
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
        return _object(path.read_bytes())
    except OSError:
        return None


def read_records(path: Path, cursor: int) -> tuple[list[dict[str, Any]], int, bool]:
    """Whole records after the cursor, the next cursor, and whether more are waiting.

    The file lies within the job's reach: what is no record, however odd or long, is passed over.
    """
    try:
        with path.open("rb") as file:
            file.seek(cursor)
            data = file.read(RECORDS_PER_LOOK_BYTES)
    except FileNotFoundError:
        return [], cursor, False
    more = len(data) == RECORDS_PER_LOOK_BYTES
    # No agent writes a line as long as this. To wait for its end would be to wait for ever.
    end = len(data) if more and b"\n" not in data else data.rfind(b"\n") + 1
    records = [record for line in data[:end].split(b"\n") if (record := _object(line)) is not None]
    return records, cursor + end, more


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
        if b"\\ud" in data.lower() or b"\xed" in data:
            # JSON can say half a character (a file name that is no text becomes one); no database takes it.
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def is_supervised(directory: Path) -> bool:
    """True while a supervisor holds the attempt's lock."""
    return is_held(directory / "lock")


def read_exit(directory: Path) -> Exit | None:
    """How the attempt ended, once it has."""
    value = read_json(directory / "exit.json")
    return None if value is None else exit_of(value)


def exit_of(value: dict[str, Any]) -> Exit:
    """What an exit record says."""
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
