"""What a line of a log looks like to a reader: without a terminal's control sequences, and of bounded length."""

from __future__ import annotations

import re
from typing import Final, Literal

Level = Literal["error", "warning"]
#: Bytes of one line that are kept in memory: its beginning, and its end, where a progress bar has its last word.
HEAD_BYTES: Final = 4096
TAIL_BYTES: Final = 4096
#: Characters of one line that are shown.
SHOWN: Final = 4000
_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and movements
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # titles, links and other strings
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u009f]"
)
#: What a line that tells of an error says. The same is looked for in whole files.
ERRORS: Final = (
    rb"(?i:\b(?:error|errors|exception|traceback|fatal|critical|panic|abort(?:ed)?|core dumped|killed)\b"
    rb"|segmentation fault|segfault|out ?of ?memory|\bOOM\b|CUDA error|NCCL (?:error|WARN))"
    rb"|[A-Za-z](?:Error|Exception)\b"
)
#: Each of them has one of these words in it, in whatever letters.
ERROR_WORDS: Final = (
    b"error", b"exception", b"traceback", b"fatal", b"critical", b"panic", b"abort", b"core dumped", b"killed",
    b"segmentation fault", b"segfault", b"out of memory", b"out ofmemory", b"outof memory", b"outofmemory", b"oom",
    b"nccl warn",
)  # fmt: skip
_ERROR: Final = re.compile(ERRORS)
_WARNING: Final = re.compile(rb"(?i:\bwarn(?:ing|ings)?\b|\bdeprecated\b)|[A-Za-z]Warning\b")


class LineBuffer:
    """One line as its bytes come in; of a very long one the beginning and the end stay."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self.is_cut = False

    def add(self, data: bytes) -> None:
        """Takes the next bytes of the line."""
        room = HEAD_BYTES - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail += data[-2 * TAIL_BYTES :]
            if len(self._tail) > TAIL_BYTES:
                self._tail = self._tail[-TAIL_BYTES:]
                self.is_cut = True

    def take(self) -> tuple[bytes, bool]:
        """What is to be shown of the line, and whether something of it is missing. It is empty afterwards."""
        data, is_cut = self._head + self._tail, self.is_cut
        data = data.rstrip(b"\r")
        if b"\r" in data:
            # A progress bar writes over itself: its last state is what a terminal would show.
            data, is_cut = data.rpartition(b"\r")[2], is_cut and b"\r" not in self._tail
        elif is_cut:
            data = self._head
        self._head, self._tail, self.is_cut = b"", b"", False
        return data, is_cut


def plain(data: bytes) -> tuple[str, bool]:
    """A line as text without control characters, and whether it was shortened."""
    text = _ESCAPES.sub("", data.decode("utf-8", errors="replace"))
    return text[:SHOWN], len(text) > SHOWN


def level_of(data: bytes) -> Level | None:
    """`error` or `warning` for a line that sounds like one."""
    if _ERROR.search(data):
        return "error"
    return "warning" if _WARNING.search(data) else None
