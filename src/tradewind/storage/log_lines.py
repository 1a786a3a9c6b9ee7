"""Lines of an attempt's logs by number: of one stream, or of all of them in the order of their times.

In `all` the set-up comes first; then standard output and standard error, as the agent saw them grow. Numbers never
change once a line is there: what comes later is put behind.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tradewind.storage.log_index import Growths, LineIndex, LineIndexes
from tradewind.storage.log_text import Level, LineBuffer, level_of, plain
from tradewind.storage.logs import STREAMS, AttemptLogs, Stream

ALL: Final = "all"
_MERGED: Final[tuple[Stream, ...]] = ("stdout", "stderr")
_READ_BYTES: Final = 1 << 18
#: Where a line that is asked for lies far behind bytes without any line break, the search for it ends here.
_MOST_BYTES: Final = 256 << 20
_KEPT: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line: its number in what was asked for, and its number in its own stream."""

    number: int
    stream: Stream
    number_in_stream: int
    text: str
    at_ms: int | None
    level: Level | None
    #: It is longer than what is shown of it.
    is_cut: bool = False
    #: It was thrown away at the log cap.
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines that follow one another in a stream: `count` of them from `first` on, at `position` in the whole."""

    position: int
    stream: Stream
    first: int
    count: int


class Merge:
    """The order of lines of standard output and standard error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = dict.fromkeys(_MERGED, 0)
        self.lines = dict.fromkeys(_MERGED, 0)
        self._streams = array("B")
        self._firsts = array("Q")
        self._counts = array("Q")

    def follow(self, logs: AttemptLogs) -> None:
        """Takes in how the streams grew since the last look."""
        with self._lock:
            news = []
            for place, stream in enumerate(_MERGED):
                found, self._read[stream] = Growths(logs, stream).since(self._read[stream])
                news += [(each.at_ms, place, each.lines) for each in found]
            for _, place, lines in sorted(news):
                self._grow(place, lines)

    def _grow(self, place: int, lines: int) -> None:
        stream = _MERGED[place]
        more = lines - self.lines[stream]
        if more <= 0:
            return
        if self._streams and self._streams[-1] == place:
            self._counts[-1] += more
        else:
            self._streams.append(place)
            self._firsts.append(self.lines[stream])
            self._counts.append(more)
        self.lines[stream] = lines

    def stretches(self, setup: int, totals: Mapping[Stream, int]) -> list[Stretch]:
        """Everything in order, with what the agent has not noted yet at the end."""
        found: list[Stretch] = []
        position = 0

        def add(stream: Stream, first: int, count: int) -> None:
            nonlocal position
            if count > 0:
                found.append(Stretch(position, stream, first, count))
                position += count

        add("setup", 0, setup)
        for place, first, count in zip(self._streams, self._firsts, self._counts, strict=True):
            add(_MERGED[place], first, count)
        for stream in _MERGED:
            known = min(self.lines[stream], totals[stream])
            add(stream, known, totals[stream] - known)
        return found


class LogReader:
    """Reads lines. What it remembers of files is kept between calls, and bounded."""

    def __init__(self) -> None:
        self.indexes = LineIndexes()
        self._lock = threading.Lock()
        self._merges: OrderedDict[Path, Merge] = OrderedDict()

    def stretches(self, logs: AttemptLogs, stream: Stream | Literal["all"]) -> list[Stretch]:
        """What there is of a stream, or of `all`, in order."""
        if stream != ALL:
            total = self.indexes.of(logs, stream).total
            return [Stretch(0, stream, 0, total)] if total else []
        merge = self._merge(logs)
        merge.follow(logs)
        totals = {each: self.indexes.of(logs, each).total for each in STREAMS}
        return merge.stretches(totals["setup"], totals)

    def read(self, logs: AttemptLogs, stretches: list[Stretch], start: int, limit: int) -> list[Line]:
        """At most `limit` lines from number `start` on."""
        found: list[Line] = []
        place = max(bisect_right(stretches, start, key=lambda each: each.position) - 1, 0)
        while place < len(stretches) and len(found) < limit:
            each = stretches[place]
            skip = max(start - each.position, 0)
            count = min(each.count - skip, limit - len(found))
            if count > 0:
                found += self._lines(logs, each.stream, each.first + skip, count, each.position - each.first)
            place += 1
        return found

    def read_some(self, logs: AttemptLogs, stretches: list[Stretch], numbers: list[int]) -> list[Line]:
        """The lines of these numbers, which are in order."""
        found: list[Line] = []
        place = 0
        while place < len(numbers):
            # Neighbours are read together.
            end = place + 1
            while end < len(numbers) and numbers[end] == numbers[end - 1] + 1:
                end += 1
            found += self.read(logs, stretches, numbers[place], end - place)
            place = end
        return found

    def _merge(self, logs: AttemptLogs) -> Merge:
        path = logs.path_of("stdout")
        with self._lock:
            merge = self._merges.setdefault(path, Merge())
            self._merges.move_to_end(path)
            while len(self._merges) > _KEPT:
                self._merges.popitem(last=False)
        return merge

    def _lines(self, logs: AttemptLogs, stream: Stream, first: int, count: int, shift: int) -> list[Line]:
        index = self.indexes.of(logs, stream)
        times = Growths(logs, stream).times(first, count)
        found: list[Line] = []
        for line, data, is_cut in _raw_lines(logs, stream, index, first, count):
            text, is_short = ("", False) if data is None else plain(data)
            found.append(
                Line(
                    number=line + shift,
                    stream=stream,
                    number_in_stream=line,
                    text=text,
                    at_ms=times[line - first],
                    level=None if data is None else level_of(data),
                    is_cut=is_cut or is_short,
                    is_dropped=data is None,
                )
            )
        return found


def _raw_lines(
    logs: AttemptLogs, stream: str, index: LineIndex, first: int, count: int
) -> list[tuple[int, bytes | None, bool]]:
    """Number, bytes and whether they were cut, of lines that follow one another; None for one that was dropped."""
    found: list[tuple[int, bytes | None, bool]] = []
    end = first + count
    line, offset = index.anchor(first)
    buffer, has_some, began = LineBuffer(), False, offset
    while line < end:
        gap = index.gap_at(line)
        if gap is not None:
            found += [(each, None, False) for each in range(max(line, first), min(gap.end, end))]
            line, offset = index.anchor(gap.end)
            continue
        piece = logs.read(stream, offset, _READ_BYTES)
        if piece.dropped or not piece.data or offset - began > _MOST_BYTES:
            # Thrown away since the index was made, the end of the file, or no line break in sight.
            break
        offset = piece.end
        position = 0
        while line < end and (cut := piece.data.find(b"\n", position)) >= 0:
            if line >= first:
                buffer.add(piece.data[position:cut])
                found.append((line, *buffer.take()))
            line, position, has_some = line + 1, cut + 1, False
        if line < end and position < len(piece.data) and line >= first:
            buffer.add(piece.data[position:])
            has_some = True
    if has_some and line < end:
        found.append((line, *buffer.take()))
        line += 1
    rest = range(max(line, first), min(end, index.whole))
    return [*found, *((each, None, False) for each in rest)]
