"""Where progress and metrics come from: the two logs and the documented channel. Each says a few things a second."""

from __future__ import annotations

import json
import math
import os
import re

from .clocks import steady_s, wall_s
from .lines import Line, LineReader
from .parsers.line_parser import LineParser
from .parsers.reading import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .log_files import LogFile
    from .memory import Memory
    from .voice import Voice

_PER_SECOND = 4
_MOST_AT_ONCE = 40
_TEXT_PER_LOOK_BYTES = 1 << 18
_KINDS_OF_LINE = 16
_NON_FINITE = {
    "nan": math.nan,
    "inf": math.inf,
    "infinity": math.inf,
    "-inf": -math.inf,
    "-infinity": -math.inf,
}
_PROGRESS = {
    "step": "step",
    "total_steps": "total_steps",
    "epoch": "epoch",
    "total_epochs": "total_epochs",
    "progress": "fraction",
}

#: How PyTorch, CUDA, ROCm, TensorFlow and JAX name the device whose memory is used up.
_OF_A_GPU = re.compile(r"CUDA|HIP |hip[A-Z]|GPU|RESOURCE_EXHAUSTED|OutOfMemoryError|CUBLAS|CUDNN")


class Source:
    """One source. It says at most four readings of a kind a second on average; when there are more, the newest.

    A kind is what names the same numbers: a loss for training does not displace one for validation. What was written
    while no agent was there counts over the whole of that time.
    """

    def __init__(self, name: str, voice: Voice, memory: Memory) -> None:
        self._name = name
        self._voice = voice
        self._memory = memory
        self._waiting: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
        self._last_progress: dict[str, float] = {}
        self._allowance = 1.0
        self._counted_at_s = steady_s() - max(0.0, wall_s() - memory.said_at.get(name, memory.begun_at))

    def take(self, reading: Reading, end: int) -> None:
        """Take in what a line that ends at this offset said."""
        finite = {name: value for name, value in reading.progress.items() if math.isfinite(value)}
        if (
            finite
            and finite != self._last_progress
            and not self._memory.was_said(self._name, "progress", end)
        ):
            self._last_progress = finite
            self._put("progress", finite, end, finite)
        if reading.values:
            self._take_metrics(reading, end)

    def _take_metrics(self, reading: Reading, end: int) -> None:
        step = reading.step if reading.step is not None else self._memory.step
        values = {name: value for name, value in reading.values.items() if math.isfinite(value)}
        bad = {name: str(value) for name, value in reading.values.items() if name not in values}
        for name, value in bad.items():
            where = "" if step is None else " at step {}".format(step)
            about = "non_finite_metric " + name
            text = "{} was {}{}".format(name, value, where)
            self._voice.notice("non_finite_metric", text, about=about, metric=name, value=value, step=step)
        if not self._memory.was_said(self._name, "metrics", end):
            fields: dict[str, Any] = {"values": values, "step": step}
            if bad:
                fields["non_finite"] = bad
            self._put("metrics", reading.values, end, fields)

    def _put(self, kind: str, named: dict[str, float], end: int, fields: dict[str, Any]) -> None:
        key = (kind, *sorted(named))
        if key not in self._waiting and len(self._waiting) >= _KINDS_OF_LINE:
            self._waiting.pop(next(iter(self._waiting)))
        readings = self._waiting.setdefault(key, [])
        readings.append((end, dict(fields, type=kind, t=round(wall_s(), 3))))
        del readings[:-_MOST_AT_ONCE]

    def speak(self, *, now: bool = False) -> None:
        """Say what waits, if long enough has passed since it last spoke."""
        now_s = steady_s()
        self._allowance = min(_MOST_AT_ONCE, self._allowance + (now_s - self._counted_at_s) * _PER_SECOND)
        self._counted_at_s = now_s
        if not self._waiting or (not now and self._allowance < 1):
            return
        allowed = max(1, int(self._allowance))
        chosen = [reading for readings in self._waiting.values() for reading in readings[-allowed:]]
        self._allowance -= min(allowed, max(len(readings) for readings in self._waiting.values()))
        # In the order of the file: a new agent takes everything up to the last offset for said.
        for end, fields in sorted(chosen, key=_by_offset):
            self._voice.say(fields.pop("type"), source=self._name, offset=end, **fields)
        self._waiting.clear()


def _by_offset(reading: tuple[int, dict[str, Any]]) -> int:
    return reading[0]


class LogSource:
    """Progress and metrics in a log."""

    def __init__(self, name: str, log: LogFile, voice: Voice, memory: Memory) -> None:
        self.name = name
        self.source = Source(name, voice, memory)
        self._voice = voice
        self._log = log
        self._reader = LineReader(memory.start_offset(name), _TEXT_PER_LOOK_BYTES)
        self._parser = LineParser()

    @property
    def offset(self) -> int:
        """How far it has been read."""
        return self._reader.offset

    def look(self, *, grew: bool, is_last: bool = False) -> None:
        """Read what is new. A log that stands still may show a progress bar that waits to be overwritten."""
        end = self._log.offset
        if grew or is_last:
            for line in self._reader.look(self._log.read, end):
                self._take(line)
        rest = None
        if is_last:
            rest = self._reader.rest(self._log.read, end)
        elif not grew:
            rest = self._reader.unfinished_bar(self._log.read, end)
        if rest is not None:
            self._take(rest)

    def _take(self, line: Line) -> None:
        if "ut of memory" in line.text and _OF_A_GPU.search(line.text):
            quoted = line.text.strip()[:200]
            text = "a GPU ran out of memory: {}".format(quoted)
            self._voice.notice("gpu_out_of_memory", text, line=quoted)
        reading = self._parser.read(line.text)
        if reading is not None:
            self.source.take(reading, line.end)


class Channel:
    """The documented channel: JSON objects, one a line, in the file that TRADEWIND_METRICS names."""

    name = "channel"

    def __init__(self, path: str, voice: Voice, memory: Memory) -> None:
        self._path = path
        self._voice = voice
        self.source = Source(self.name, voice, memory)
        self._reader = LineReader(
            memory.start_offset(self.name), 1 << 20, longest_line_bytes=1 << 16, lines_per_look=5000
        )
        self._fd: int | None = None
        self._bad_lines = 0

    @property
    def offset(self) -> int:
        """How far it has been read."""
        return self._reader.offset

    def look(self, *, is_last: bool = False) -> None:
        """Read what is new."""
        if self._fd is None:
            try:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return
        size = os.fstat(self._fd).st_size
        lines = self._reader.look(self._read, size)
        rest = self._reader.rest(self._read, size) if is_last else None
        for line in lines if rest is None else [*lines, rest]:
            reading = read_channel_line(line.text)
            if reading is None:
                self._bad_lines += 1
                text = "a line of the metrics channel is not a JSON object with numbers: {!r}".format(
                    line.text[:80]
                )
                self._voice.notice("bad_metrics_line", text)
            else:
                self.source.take(reading, line.end)
        if self._reader.skipped_bytes:
            self._voice.notice(
                "metrics_skipped", "metrics are written faster than they can be read; some were passed over"
            )

    def say_last(self) -> None:
        """Say how many lines could not be understood, if there were more than the one that was quoted."""
        if self._bad_lines > 1:
            text = "{} lines of the metrics channel were not JSON objects with numbers".format(
                self._bad_lines
            )
            self._voice.notice("bad_metrics_lines", text)

    def _read(self, start: int, length: int) -> bytes:
        assert self._fd is not None
        return os.pread(self._fd, length, start)


def read_channel_line(text: str) -> Reading | None:
    """Progress and metrics in one line of the channel; None if it is not a JSON object."""
    if not text.strip():
        return Reading()
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    progress: dict[str, float] = {}
    metrics: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, str):
            value = _NON_FINITE.get(value.lower())
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or (isinstance(value, int) and abs(value) > 1e300)
        ):
            continue
        if name in _PROGRESS:
            progress[_PROGRESS[name]] = value
        else:
            metrics[name] = value
    step = progress.get("step")
    return Reading(progress, metrics, int(step) if step is not None and math.isfinite(step) else None)
