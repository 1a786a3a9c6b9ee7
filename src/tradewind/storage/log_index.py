"""Where the lines of a log file begin: every thousandth is remembered, so that any line is found by a short read."""

from __future__ import annotations

import struct
import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from tradewind.storage.logs import AttemptLogs

#: Lines between two that are remembered: a million of them take 16 kB.
STRIDE: Final = 1024
_CHUNK_BYTES: Final = 1 << 20
_KEPT: Final = 64
_RECORD: Final = struct.Struct("<QQQ")


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines `first` up to `end` were dropped at the log cap."""

    first: int
    end: int
    #: Where in the file they were.
    begin: int
    stop: int


class LineIndex:
    """The lines of one stream of an attempt. It follows the file as that grows; lines are numbered from 0."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines = array("Q", [0])
        self._offsets = array("Q", [0])
        self._since = 0
        #: Up to here the file has been looked through.
        self.scanned_bytes = 0
        #: Whole lines up to there.
        self.whole = 0
        self._ends_whole = True
        self.gaps: list[Gap] = []

    @property
    def total(self) -> int:
        """How many lines there are, one that has not ended included."""
        return self.whole + (not self._ends_whole)

    def follow(self, logs: AttemptLogs, stream: str) -> None:
        """Takes in what was written since the last look."""
        with self._lock:
            size = logs.size_bytes(stream)
            while self.scanned_bytes < size:
                piece = logs.read(stream, self.scanned_bytes, _CHUNK_BYTES)
                if piece.dropped:
                    self._skip(logs, stream, piece.end)
                elif piece.data:
                    self._take(piece.data)
                else:
                    return

    def anchor(self, line: int) -> tuple[int, int]:
        """A remembered line at or before this one, and the offset where it begins."""
        place = bisect_right(self._lines, line) - 1
        return self._lines[place], self._offsets[place]

    def gap_at(self, line: int) -> Gap | None:
        """The dropped lines that this one is among."""
        return next((each for each in self.gaps if each.first <= line < each.end), None)

    def parts(self, end: int) -> list[list[int]]:
        """What there is of the file up to `end`: offset, end, and the number of the line that begins there."""
        with self._lock:
            found, offset, line = [], 0, 0
            for gap in self.gaps:
                found.append([offset, gap.begin, line])
                offset, line = gap.stop, gap.end
            return [*found, [offset, end, line]]

    def _take(self, data: bytes) -> None:
        begin = self.scanned_bytes
        count = data.count(b"\n")
        if self._since + count < STRIDE:
            self._since += count
        else:
            self._walk(data, begin)
        self.whole += count
        self.scanned_bytes = begin + len(data)
        self._ends_whole = data.endswith(b"\n")

    def _walk(self, data: bytes, begin: int) -> None:
        line, position = self.whole, 0
        while (cut := data.find(b"\n", position)) >= 0:
            line, position = line + 1, cut + 1
            self._since += 1
            if self._since == STRIDE:
                self._remember(line, begin + position)

    def _remember(self, line: int, offset: int) -> None:
        self._lines.append(line)
        self._offsets.append(offset)
        self._since = 0

    def _skip(self, logs: AttemptLogs, stream: str, end: int) -> None:
        """Goes on behind a hole. How many lines were in it the agent's own index says."""
        begin, first = self.scanned_bytes, self.whole
        known = _lines_before(logs, stream, end)
        self.whole = max(self.whole + 1, known if known is not None else 0)
        self.scanned_bytes = end
        self._ends_whole = True
        self.gaps.append(Gap(first, self.whole, begin, end))
        self._remember(self.whole, end)


class LineIndexes:
    """The indexes of the files that were looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Path, LineIndex] = OrderedDict()

    def of(self, logs: AttemptLogs, stream: str) -> LineIndex:
        """The index of a stream, as far as its file goes now."""
        path = logs.path_of(stream)
        with self._lock:
            index = self._kept.get(path)
            if index is None or index.scanned_bytes > logs.size_bytes(stream):
                index = self._kept[path] = LineIndex()
            self._kept.move_to_end(path)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        index.follow(logs, stream)
        return index


@dataclass(frozen=True, slots=True)
class Growth:
    """Up to `end` bytes, which are `lines` whole lines, a stream had grown at a time (milliseconds since 1970)."""

    end: int
    lines: int
    at_ms: int


class Growths:
    """What the agent noted of how a stream grew, looked up without reading all of it."""

    def __init__(self, logs: AttemptLogs, stream: str) -> None:
        self._path = logs.path_of(stream).with_suffix(".idx")

    def since(self, position: int) -> tuple[list[Growth], int]:
        """The records from the one at this position on, and the position behind them."""
        try:
            with self._path.open("rb") as file:
                file.seek(position * _RECORD.size)
                data = file.read()
        except FileNotFoundError:
            return [], position
        whole = len(data) // _RECORD.size
        found = [Growth(*each) for each in _RECORD.iter_unpack(data[: whole * _RECORD.size])]
        return found, position + whole

    def times(self, first: int, count: int) -> list[int | None]:
        """When each of these lines was seen, in milliseconds since 1970."""
        times: list[int | None] = []
        try:
            with self._path.open("rb") as file:
                place, records = _bisect(file, lambda each: each.lines > first)
                file.seek(place * _RECORD.size)
                record = _read(file) if place < records else None
                for line in range(first, first + count):
                    while record is not None and record.lines <= line:
                        record = _read(file)
                    times.append(None if record is None else record.at_ms)
        except FileNotFoundError:
            return [None] * count
        return times

    def first_reaching(self, offset: int) -> Growth | None:
        """The first record that covers this offset."""
        try:
            with self._path.open("rb") as file:
                place, records = _bisect(file, lambda each: each.end >= offset)
                if place >= records:
                    return None
                file.seek(place * _RECORD.size)
                return _read(file)
        except FileNotFoundError:
            return None


def _bisect(file: BinaryIO, is_behind: Callable[[Growth], bool]) -> tuple[int, int]:
    """The first record for which this is true, and how many records there are."""
    file.seek(0, 2)
    records = file.tell() // _RECORD.size
    low, high = 0, records
    while low < high:
        middle = (low + high) // 2
        file.seek(middle * _RECORD.size)
        if is_behind(Growth(*_RECORD.unpack(file.read(_RECORD.size)))):
            high = middle
        else:
            low = middle + 1
    return low, records


def _read(file: BinaryIO) -> Growth | None:
    data = file.read(_RECORD.size)
    return Growth(*_RECORD.unpack(data)) if len(data) == _RECORD.size else None


def _lines_before(logs: AttemptLogs, stream: str, offset: int) -> int | None:
    record = Growths(logs, stream).first_reaching(offset)
    if record is None:
        return None
    lines, position = record.lines, offset
    while position < record.end:
        piece = logs.read(stream, position, min(_CHUNK_BYTES, record.end - position))
        if piece.end == position:
            break
        lines -= piece.data.count(b"\n")
        position = piece.end
    return lines
