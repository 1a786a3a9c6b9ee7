"""`records.jsonl`: everything the agent says, and how a new agent goes on where an old one was killed.

A record that was derived from a file says how far that file had been read (`source`, `offset`). So what an agent
knew is the newest snapshot (`cursor.json`) plus every record after it: nothing is said twice and nothing is left out.
"""

from __future__ import annotations

import json
import os

from .clocks import wall_s
from .durable import replace_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK_BYTES = 1 << 18
_LONGEST_WAITING = 2000
#: What is given up first when the disk is full.
_LESS_IMPORTANT = ("sample", "progress", "metrics")


class Records:
    """Appends records, one write per batch; keeps going when the disk is full."""

    def __init__(self, directory: str) -> None:
        self._cursor_path = os.path.join(directory, "cursor.json")
        self._fd = os.open(
            os.path.join(directory, "records.jsonl"),
            os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC,
            0o600,
        )
        self._waiting: list[dict[str, Any]] = []
        self._was_full = False
        self._size = self._cut_unfinished_line()

    def add(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Say something with the next `write` and return the record. A field `t` overrides the time."""
        record: dict[str, Any] = {"t": round(wall_s(), 3), "type": kind}
        record.update(fields)
        self._waiting.append(record)
        return record

    def write(self) -> bool:
        """Write what waits. False if the disk is full; it then stays, samples and metrics being dropped first."""
        if not self._waiting:
            return True
        data = b"".join(json.dumps(record, allow_nan=False).encode() + b"\n" for record in self._waiting)
        try:
            written = os.write(self._fd, data)
        except OSError:
            written = 0
        if written == len(data):
            self._size += written
            self._waiting.clear()
            return True
        if written:
            # Half a line in the middle of the file would spoil the line after it.
            os.ftruncate(self._fd, self._size)
        self._waiting = [record for record in self._waiting if record["type"] not in _LESS_IMPORTANT]
        if not self._was_full:
            self._was_full = True
            self.add(
                "notice",
                code="disk_full",
                message="the disk was full: samples and metrics of that time are lost",
            )
        del self._waiting[:-_LONGEST_WAITING]
        return False

    def save_cursor(self, state: dict[str, Any]) -> None:
        """Keep what the agent knows now, so that a new one need not read all records. Failing is harmless."""
        try:
            replace_json(self._cursor_path, dict(state, records_offset=self._size))
        except OSError:
            pass

    def read_back(self, start: int) -> list[dict[str, Any]]:
        """The records from an offset on, whole ones only."""
        found = []
        unfinished = b""
        while start < self._size:
            data = os.pread(self._fd, _CHUNK_BYTES, start)
            if not data:
                break
            start += len(data)
            *lines, unfinished = (unfinished + data).split(b"\n")
            for line in lines:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict):
                    found.append(record)
        return found

    def _cut_unfinished_line(self) -> int:
        """An agent that was killed while it wrote left half a line, which readers ignore. Returns the size."""
        size = os.fstat(self._fd).st_size
        end = size
        while end > 0:
            start = max(0, end - _CHUNK_BYTES)
            newline = os.pread(self._fd, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end != size:
            os.ftruncate(self._fd, end)
        return end
