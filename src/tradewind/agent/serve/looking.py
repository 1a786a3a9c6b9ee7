"""`look`: everything that is new of an attempt, in one answer."""

from __future__ import annotations

import errno
import fcntl
import os

from ..durable import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INDEX_BYTES = 24
_STREAMS = ("setup", "stdout", "stderr")
#: What is in one answer at most, shared by all files.
PER_LOOK_BYTES = 2 << 20


def look(directory: str, sizes: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """How an attempt is, and the bytes of its files from the sizes that the other side has.

    `pieces` lists `[file, offset, length]` in the order of the bytes. An offset beyond the size that was asked from
    means that there is nothing in between: the log's middle was dropped.
    """
    # In this order: who is seen to be gone has written all of its files, and its exit record last of all.
    supervised = is_supervised(directory)
    ended = read_json(os.path.join(directory, "exit.json"))
    answer: dict[str, Any] = {
        "there": os.path.isdir(directory),
        "begun": os.path.exists(os.path.join(directory, "begun.json")),
        "supervised": supervised,
        "exit": ended,
    }
    pieces: list[list[Any]] = []
    parts: list[bytes] = []
    room = PER_LOOK_BYTES
    more = False
    for name in (
        "records.jsonl",
        *("logs/{}.{}".format(one, kind) for kind in ("idx", "log") for one in _STREAMS),
    ):
        start = sizes.get(name, 0)
        if not isinstance(start, int) or start < 0:
            start = 0
        offset, data, is_all = _new_bytes(os.path.join(directory, name), start, room)
        if data or offset > start:
            pieces.append([name, offset, len(data)])
            parts.append(data)
            room -= len(data)
        more = more or not is_all
    answer["pieces"] = pieces
    answer["more"] = more
    return answer, b"".join(parts)


def _new_bytes(path: str, start: int, room: int) -> tuple[int, bytes, bool]:
    """Where the new bytes begin, the bytes, and whether they are all."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return start, b"", True
    try:
        size = os.fstat(fd).st_size
        if size <= start:
            return start, b"", True
        end = size
        if path.endswith(".log"):
            start, end = _next_data(fd, start, size)
        data = os.pread(fd, min(room, end - start), start) if room > 0 else b""
    except OSError:
        return start, b"", True
    finally:
        os.close(fd)
    is_all = start + len(data) >= size
    # Of these an unfinished end may be cut off again; the bytes of a log never change.
    if path.endswith(".idx"):
        data = data[: len(data) // _INDEX_BYTES * _INDEX_BYTES]
    elif path.endswith(".jsonl"):
        end = data.rfind(b"\n") + 1
        # No agent writes a line as long as an answer. To wait for its end would be to wait for ever.
        data = data[:end] if end or is_all or len(data) < PER_LOOK_BYTES else data
    return start, data, is_all


def _next_data(fd: int, start: int, size: int) -> tuple[int, int]:
    """The next stretch that was not dropped. A hole reads as zeros, so nothing is lost by passing over it."""
    try:
        start = os.lseek(fd, start, os.SEEK_DATA)
        return start, max(start, min(size, os.lseek(fd, start, os.SEEK_HOLE)))
    except (OSError, AttributeError) as error:
        # Nothing but a hole up to the end; or a system that does not tell.
        return (size, size) if getattr(error, "errno", None) == errno.ENXIO else (start, size)


def is_supervised(directory: str) -> bool:
    """True while a supervisor holds the attempt's lock."""
    try:
        fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def wait_for_end(directory: str) -> None:
    """Return once no supervisor holds the attempt's lock."""
    try:
        fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)
