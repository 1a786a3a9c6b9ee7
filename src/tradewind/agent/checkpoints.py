"""Noticing checkpoints: whatever appears at the top of the checkpoint folder and then stays as it is."""

from __future__ import annotations

import os
import re

from .clocks import steady_s, wall_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .memory import Memory
    from .voice import Voice

_BETWEEN_LOOKS_S = 1.0
_NOT_READY = (".tmp", ".part", ".partial")
_NUMBERS = re.compile(r"\d+")


class Size:
    """How large something is and when it last changed, everything under it included."""

    __slots__ = ("ctime_ns", "file_count", "mtime_ns", "size_bytes")

    def __init__(self) -> None:
        self.size_bytes = 0
        self.file_count = 0
        self.mtime_ns = 0
        self.ctime_ns = 0

    def signature(self) -> list[int]:
        """What changes when a checkpoint changes."""
        return [self.size_bytes, self.file_count, self.mtime_ns]

    def add(self, stat: os.stat_result, *, is_file: bool) -> None:
        """Count something in."""
        self.mtime_ns = max(self.mtime_ns, stat.st_mtime_ns)
        self.ctime_ns = max(self.ctime_ns, stat.st_ctime_ns)
        if is_file:
            self.size_bytes += stat.st_size
            self.file_count += 1


class CheckpointWatch:
    """Looks at the folder once a second, less often when looking takes long.

    Links are not followed and are no checkpoints: `latest` mostly points to one that is noticed anyway. What lay there
    before the attempt began, and was not changed since, is not one of its checkpoints.
    """

    def __init__(self, folder: str, workdir: str, begun_at: float, voice: Voice, memory: Memory) -> None:
        self._folder = folder
        self._workdir = workdir
        self._begun_ns = int(begun_at * 1e9)
        self._voice = voice
        self._memory = memory
        self._seen: dict[str, list[int]] = {}
        self._next_look_s = 0.0

    def look(self, *, is_last: bool = False, was_killed: bool = False) -> None:
        """Say what has become complete.

        The last look, after the command ended, does not wait for a second one, except that what a killed command
        had just been writing may be half of something.
        """
        started_s = steady_s()
        if started_s < self._next_look_s and not is_last:
            return
        seen = {}
        for name in self._names():
            size = measure(os.path.join(self._folder, name))
            if size is None or size.size_bytes == 0 or size.ctime_ns < self._begun_ns:
                continue
            seen[name] = size.signature()
            is_complete = self._seen.get(name) == seen[name]
            if is_last:
                is_complete = not was_killed or wall_s() - size.mtime_ns / 1e9 >= _BETWEEN_LOOKS_S
            if is_complete:
                self._say(name, size)
        self._seen = seen
        self._next_look_s = started_s + max(_BETWEEN_LOOKS_S, 50 * (steady_s() - started_s))

    def _names(self) -> list[str]:
        try:
            entries = os.listdir(self._folder)
        except OSError:
            return []
        return sorted(name for name in entries if not name.startswith(".") and not name.endswith(_NOT_READY))

    def _say(self, name: str, size: Size) -> None:
        path = os.path.relpath(os.path.join(self._folder, name), self._workdir)
        path = path.encode("utf-8", "replace").decode("utf-8")
        if self._memory.checkpoints.get(path) == size.signature():
            return
        self._voice.say(
            "checkpoint",
            path=path,
            step=step_in_name(name),
            size_bytes=size.size_bytes,
            file_count=size.file_count,
            mtime_ns=size.mtime_ns,
        )


def step_in_name(name: str) -> int | None:
    """The last number in a name, its ending left out: 500 of `checkpoint-500`, 12 of `model_12.h5`."""
    numbers = _NUMBERS.findall(os.path.splitext(name)[0])
    return int(numbers[-1]) if numbers and len(numbers[-1]) < 19 else None


def measure(path: str) -> Size | None:
    """The size of a file, or of everything in a directory; None for anything else or if it is gone."""
    size = Size()
    try:
        stat = os.lstat(path)
        if os.path.islink(path):
            return None
        if not os.path.isdir(path):
            size.add(stat, is_file=True)
            return size
        waiting = [path]
        size.add(stat, is_file=False)
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    size.add(entry.stat(follow_symlinks=False), is_file=not is_folder)
                    if is_folder:
                        waiting.append(entry.path)
    except OSError:
        return None
    return size
