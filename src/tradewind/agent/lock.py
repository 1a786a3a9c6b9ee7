"""The lock that says whether a supervisor lives."""

from __future__ import annotations

import fcntl
import os
import time


def take_lock(directory: str) -> int | None:
    """A file descriptor that holds the attempt's lock until it is closed, or None if somebody else holds it.

    A process forked while it is held holds it too, until it executes another program: so the lock cannot be had while
    a command is between `fork` and the moment its environment marker can be seen.
    """
    fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while not _try(fd, fcntl.LOCK_EX):
        if not _try(fd, fcntl.LOCK_SH):
            os.close(fd)
            return None
        # Nobody holds it exclusively: somebody is only looking, which takes an instant.
        fcntl.flock(fd, fcntl.LOCK_UN)
        time.sleep(0.001)
    return fd


def _try(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
