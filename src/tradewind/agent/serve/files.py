"""The files of a working directory: listed, and read in pieces."""

from __future__ import annotations

import os
import stat

from .frames import LARGEST_BODY_BYTES
from .places import RefusedError, open_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What one answer lists at most.
PER_LIST = 50000


def list_files(work: str, path: str, after: str) -> dict[str, Any]:
    """The files at or below a path of the working directory, sorted: `[path, size, mtime_ns, inode]`.

    Links to files count as files when they stay inside; links to folders are not followed. `after` is the last path
    of the answer before, when there are more than one answer holds.
    """
    root = os.path.realpath(work)
    fd = open_below(work, path)
    try:
        info = os.fstat(fd)
        if not stat.S_ISDIR(info.st_mode):
            return {
                "files": [[path, info.st_size, info.st_mtime_ns, info.st_ino]],
                "is_folder": False,
                "more": False,
            }
        top = os.path.realpath(os.path.join(root, path))
    finally:
        os.close(fd)
    found: list[list[Any]] = []
    for relative, full in _walk(top, path.strip("/") if path not in (".", "") else ""):
        if after and relative <= after:
            continue
        if len(found) == PER_LIST:
            return {"files": found, "is_folder": True, "more": True}
        entry = _entry(root, full)
        if entry is not None:
            found.append([relative, entry.st_size, entry.st_mtime_ns, entry.st_ino])
    return {"files": found, "is_folder": True, "more": False}


def _walk(top: str, prefix: str) -> Any:
    """Every name below a folder that is not a folder, in the order of the whole paths."""
    waiting = []
    for folder, _folders, names in os.walk(top):
        below = os.path.relpath(folder, top)
        parts = [part for part in (prefix, "" if below == "." else below) if part]
        for name in names:
            waiting.append(("/".join([*parts, name]), os.path.join(folder, name)))
    return sorted(waiting)


def _entry(root: str, full: str) -> os.stat_result | None:
    target = os.path.realpath(full)
    if target != root and not target.startswith(root + os.sep):
        return None
    try:
        info = os.stat(full)
    except OSError:
        return None  # Gone since it was listed, or a link to nothing.
    return info if stat.S_ISREG(info.st_mode) else None


def read_file(work: str, path: str, offset: int, length: int) -> tuple[dict[str, Any], bytes]:
    """A piece of a file, with what tells whether it is still the same file."""
    if offset < 0 or not 0 <= length <= LARGEST_BODY_BYTES:
        raise RefusedError("refused", "a piece must be of 0 to {} bytes".format(LARGEST_BODY_BYTES))
    fd = open_below(work, path)
    try:
        before = os.fstat(fd)
        if stat.S_ISDIR(before.st_mode):
            return {"is_folder": True}, b""
        if not stat.S_ISREG(before.st_mode):
            raise RefusedError("refused", "{!r} is neither a file nor a folder".format(path))
        data = os.pread(fd, length, offset) if length else b""
        after = os.fstat(fd)
    finally:
        os.close(fd)
    answer = {
        "is_folder": False,
        "size": after.st_size,
        "mtime_ns": after.st_mtime_ns,
        "inode": after.st_ino,
        "executable": bool(after.st_mode & 0o100),
    }
    return answer, data
