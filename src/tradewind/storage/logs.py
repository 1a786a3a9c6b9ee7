"""Reads the log files of an attempt: bytes from an offset, times from the index, the last lines."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

Stream = Literal["setup", "stdout", "stderr"]
STREAMS: Final[tuple[Stream, ...]] = ("setup", "stdout", "stderr")
_INDEX: Final = struct.Struct("<QQQ")
_BLOCK_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `offset` to `end` of a stream; `dropped` says that they were thrown away at the log cap."""

    offset: int
    end: int
    data: bytes
    dropped: int = 0


class AttemptLogs:
    """The logs of one attempt. `dropped` are byte ranges per stream that the agent punched out at the log cap.

    The agent says so a moment after it has done it, so files larger than `cap_bytes` are looked at for holes too.
    """

    def __init__(
        self,
        directory: Path,
        dropped: dict[str, list[list[int]]] | None = None,
        cap_bytes: int | None = None,
    ) -> None:
        self._folder = directory / "logs"
        self._dropped = dropped or {}
        self._cap_bytes = cap_bytes

    def path_of(self, stream: str) -> Path:
        """The file of this stream."""
        return self._folder / f"{stream}.log"

    def exists(self) -> bool:
        """True while there is anything of them."""
        return self._folder.exists()

    def size_bytes(self, stream: str) -> int:
        """How many bytes the stream has so far, dropped ones included."""
        try:
            return self.path_of(stream).stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, stream: str, offset: int, limit: int) -> Piece:
        """At most `limit` bytes from the offset on; an empty piece at the end."""
        stop = offset + limit
        for start, end in self._dropped.get(stream, []):
            if start <= offset < end:
                return Piece(offset, end, b"", dropped=end - offset)
            if offset < start < stop:
                stop = start
        try:
            with self.path_of(stream).open("rb") as file:
                file.seek(offset)
                data = file.read(stop - offset)
                # Looked for after the read: a hole that is made during it must not be taken for zeros.
                start, end = self._hole_from(file.fileno(), offset)
        except FileNotFoundError:
            return Piece(offset, offset, b"")
        if start == offset and data:
            return Piece(offset, end, b"", dropped=end - offset)
        data = data[: start - offset]
        return Piece(offset, offset + len(data), data)

    def _hole_from(self, descriptor: int, offset: int) -> tuple[int, int]:
        """The first hole at or after the offset; the end of the file, twice, where there is none."""
        size = os.fstat(descriptor).st_size
        # Below the cap a hole is none of the agent's: some file systems make one of zeros that were written.
        if self._cap_bytes is None or size <= self._cap_bytes or offset >= size:
            return size, size
        try:
            start = os.lseek(descriptor, offset, os.SEEK_HOLE)
            return (size, size) if start >= size else (start, os.lseek(descriptor, start, os.SEEK_DATA))
        except (OSError, AttributeError):
            return size, size

    def tail_offset(self, stream: str, lines: int) -> int:
        """Where the last `lines` lines begin."""
        size = self.size_bytes(stream)
        if size == 0 or lines <= 0:
            return size
        floor = max((end for _, end in self._dropped.get(stream, [])), default=0)
        with self.path_of(stream).open("rb") as file:
            position, missing = size, lines
            while position > floor:
                start = max(floor, position - _BLOCK_BYTES)
                file.seek(start)
                block = file.read(position - start)
                if position == size and block.endswith(b"\n"):
                    block = block[:-1]
                while (cut := block.rfind(b"\n")) >= 0:
                    missing -= 1
                    if missing == 0:
                        return start + cut + 1
                    block = block[:cut]
                position = start
        return floor

    def time_at(self, stream: str, offset: int) -> datetime | None:
        """When the byte at this offset was first seen, to the agent's tick."""
        try:
            with (self._folder / f"{stream}.idx").open("rb") as file:
                file.seek(0, 2)
                low, high = 0, file.tell() // _INDEX.size
                found: int | None = None
                while low < high:
                    middle = (low + high) // 2
                    file.seek(middle * _INDEX.size)
                    end, _lines, milliseconds = _INDEX.unpack(file.read(_INDEX.size))
                    if end > offset:
                        found, high = milliseconds, middle
                    else:
                        low = middle + 1
        except FileNotFoundError:
            return None
        return None if found is None else datetime.fromtimestamp(found / 1000, UTC)

    def offset_since(self, stream: str, moment: datetime) -> int:
        """Where the bytes begin that were seen at this time or later."""
        wanted = int(moment.timestamp() * 1000)
        offset = 0
        try:
            data = (self._folder / f"{stream}.idx").read_bytes()
        except FileNotFoundError:
            return 0
        for end, _lines, milliseconds in _INDEX.iter_unpack(data[: len(data) // _INDEX.size * _INDEX.size]):
            if milliseconds >= wanted:
                return offset
            offset = end
        return offset


def whole_characters(data: bytes) -> int:
    """How many bytes of `data` can be decoded without cutting a UTF-8 character that goes on after it."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            length = (
                2 if byte & 0xE0 == 0xC0 else 3 if byte & 0xF0 == 0xE0 else 4 if byte & 0xF8 == 0xF0 else 1
            )
            return len(data) - back if length > back else len(data)
    return len(data)
