"""Locks on accelerators, so that two installations on one machine do not hand out the same one.

A lock is a file in a folder that every user of the machine may write to; it is held for the supervisor's whole life,
and let go of by the kernel when that ends, however it ends. Who does not use Tradewind does not know of it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SAFE = re.compile(r"[^A-Za-z0-9_.-]")


class DeviceBusyError(Exception):
    """Somebody else on this machine holds an accelerator."""


def hold_devices(folder: str | None, accelerators: list[dict[str, Any]]) -> list[int]:
    """Descriptors that hold the locks until they are closed. Raises DeviceBusyError, and then holds none."""
    held: list[int] = []
    if folder is None:
        return held
    try:
        # In one order, so that two who want the same ones do not each get a part of them.
        for uuid in sorted(str(each.get("uuid")) for each in accelerators):
            held.append(_hold(folder, uuid))
    except BaseException:
        for descriptor in held:
            os.close(descriptor)
        raise
    return held


def _hold(folder: str, uuid: str) -> int:
    before = os.umask(0)
    try:
        try:
            # As /tmp is: everybody may add a file, and remove only their own.
            os.mkdir(folder, 0o1777)
        except FileExistsError:
            pass
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        path = os.path.join(folder, _SAFE.sub("_", uuid)[:128] + ".lock")
        try:
            descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            if error.errno != errno.EACCES:
                raise
            # The kernel may forbid to create over somebody else's file in such a folder: it is there, then.
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    finally:
        os.umask(before)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DeviceBusyError(
            "accelerator {} is held by another installation of Tradewind on this machine".format(uuid)
        ) from None
    return descriptor
