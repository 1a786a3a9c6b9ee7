"""Files that are either there in full or not at all."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def sync_directory(directory: str) -> None:
    """Make names that were created or changed in a directory survive a power cut."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError:
        pass  # Some network file systems cannot sync a directory; there is nothing better to do than to go on.
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte, or raise OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def replace_file(path: str, data: bytes, *, durably: bool = False) -> None:
    """Put the data in place of whatever is at the path, in one step for every reader."""
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, ".{}.{}.tmp".format(name, os.getpid()))
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, data)
        if durably:
            os.fsync(fd)
    except BaseException:
        os.close(fd)
        os.unlink(temporary)
        raise
    os.close(fd)
    os.replace(temporary, path)
    if durably:
        sync_directory(directory)


def replace_json(path: str, value: dict[str, Any], *, durably: bool = False) -> None:
    """`replace_file` with a JSON object."""
    replace_file(path, json.dumps(value).encode() + b"\n", durably=durably)


def read_json(path: str) -> dict[str, Any] | None:
    """The JSON object at the path, or None if there is none or it cannot be read as one."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
