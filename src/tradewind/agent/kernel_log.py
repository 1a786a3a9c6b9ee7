"""Errors of NVIDIA's driver ("Xid") in the kernel log, where it may be read."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .voice import Voice

    #: Domain, bus and device on PCI.
    Address = tuple[int, int, int]

# NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, GPU has fallen off the bus.
_XID = re.compile(rb"NVRM: Xid \(PCI:([0-9a-fA-F]+):([0-9a-fA-F]+):([0-9a-fA-F]+)(?:\.\d+)?\): (\d+)")
_RECORD_BYTES = 8192
#: A kernel that complains without end must not keep the agent busy.
_RECORDS_PER_LOOK = 200


class KernelLog:
    """Says a `gpu_error` once for each accelerator and number that is reported from now on.

    Of the accelerators of this attempt only: others are on the machine too. Without the right to read the log, or
    without any accelerator whose address is known, it says nothing.
    """

    def __init__(self, addresses: dict[Address, str], voice: Voice, path: str = "/dev/kmsg") -> None:
        self._addresses = addresses
        self._voice = voice
        self._said: set[tuple[str, int]] = set()
        self._fd: int | None = None
        if not addresses:
            return
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._fd, 0, os.SEEK_END)
        except OSError:
            self._close()

    def look(self) -> None:
        """Say what is new."""
        for _ in range(_RECORDS_PER_LOOK):
            if self._fd is None:
                return
            try:
                data = os.read(self._fd, _RECORD_BYTES)
            except BrokenPipeError:
                continue  # Records were overwritten before they were read; the next is there.
            except BlockingIOError:
                return
            except OSError:
                self._close()
                return
            if not data:
                return
            for found in _XID.finditer(data):
                self._take(found)

    def _take(self, found: re.Match[bytes]) -> None:
        domain, bus, device = (int(found.group(number), 16) for number in (1, 2, 3))
        uuid, xid = self._addresses.get((domain, bus, device)), int(found.group(4))
        if uuid is None or (uuid, xid) in self._said:
            return
        self._said.add((uuid, xid))
        self._voice.say("gpu_error", uuid=uuid, xid=xid)

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
