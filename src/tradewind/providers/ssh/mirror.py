"""An attempt's files here, as far as they have come from the machine that it runs on. All of it blocks.

The sizes of the files here are what is asked from: nothing is missed and nothing comes twice, whoever asks next.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Final

from tradewind.agent.log_cap import punch_hole
from tradewind.providers.attempt_files import read_records

_STREAMS: Final = ("setup", "stdout", "stderr")
MIRRORED: Final = (
    "records.jsonl",
    *(f"logs/{stream}.{kind}" for stream in _STREAMS for kind in ("idx", "log")),
)
#: No log is as long as this: an offset beyond it is not believed.
_LONGEST_BYTES: Final = 1 << 50


def sizes(directory: Path) -> dict[str, int]:
    """How much of each file is here."""
    found = {}
    for name in MIRRORED:
        with contextlib.suppress(OSError):
            found[name] = (directory / name).stat().st_size
    return found


def take_in(directory: Path, pieces: object, body: bytes) -> None:
    """Writes the pieces of one answer behind what is here. Raises OSError when there is no room."""
    if not isinstance(pieces, list):
        return
    (directory / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
    position = 0
    for name, offset, length in pieces:
        data = body[position : position + length]
        position += length
        path = directory / str(name)
        if name not in MIRRORED or not _size(path) <= offset < _LONGEST_BYTES:
            # What is here already, or was not asked for.
            continue
        _write(path, offset, data)


def _write(path: Path, offset: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        before = os.fstat(descriptor).st_size
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(descriptor, data[written:], offset + written)
            if not data:
                os.ftruncate(descriptor, offset)
        except OSError:
            # Half a record would be taken for a whole one later: as if it had not come.
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_new(directory: Path, cursor: int) -> tuple[list[dict[str, Any]], int, bool]:
    """Records after the cursor, the next cursor, and whether more are waiting. Drops here what was dropped there."""
    records, cursor, more = read_records(directory / "records.jsonl", cursor)
    for record in records:
        if record.get("type") == "log_dropped":
            _drop(directory, record)
    return records, cursor, more


def _drop(directory: Path, record: dict[str, Any]) -> None:
    stream, start, end = record.get("stream"), record.get("start"), record.get("end")
    if stream not in _STREAMS or not isinstance(start, int) or not isinstance(end, int):
        return
    path = directory / "logs" / f"{stream}.log"
    end = min(end, _size(path))
    if not 0 <= start < end:
        return
    # Where nothing can be dropped the file is longer than the cap, as it is over there.
    with contextlib.suppress(OSError), path.open("r+b") as file:
        punch_hole(file.fileno(), start, end - start)


def to_json(value: dict[str, Any]) -> bytes:
    """A file of the protocol."""
    return json.dumps(value).encode() + b"\n"
