"""Keeping a log within its cap: a hole is punched in its middle, so that no offset ever changes."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .log_files import LogFile
    from .memory import Memory
    from .voice import Voice

_BLOCK_BYTES = 4096
_KEEP_SIZE_AND_PUNCH = 0x01 | 0x02
_F_PUNCHHOLE = 99


class LogCap:
    """Keeps the first quarter of the cap and the newest three quarters.

    A hole is only made when it is worth a sixteenth of the cap, so a file keeps up to that much more.
    """

    def __init__(self, stream: str, log: LogFile, cap_bytes: int, voice: Voice, memory: Memory) -> None:
        self._stream = stream
        self._log = log
        self._cap_bytes = cap_bytes
        self._voice = voice
        self._start = -(-(cap_bytes // 4) // _BLOCK_BYTES) * _BLOCK_BYTES
        self._end = memory.dropped.get(stream, [0, self._start])[1]
        self._is_impossible = False

    def enforce(self) -> None:
        """Make the hole larger if the log has outgrown its cap. What has not been read yet is never dropped."""
        fd = self._log.fd
        if fd is None or self._is_impossible:
            return
        end = self._log.offset - (self._cap_bytes - self._cap_bytes // 4)
        end -= end % _BLOCK_BYTES
        if end - self._end < max(_BLOCK_BYTES, self._cap_bytes // 16):
            return
        try:
            punch_hole(fd, self._end, end - self._end)
        except OSError as error:
            self._is_impossible = True
            text = "{} is larger than log_cap and nothing can be dropped from it here: {}".format(
                self._stream, error.strerror
            )
            self._voice.notice("log_cap_not_enforced", text, about="log_cap_not_enforced " + self._stream)
            return
        self._end = end
        self._voice.say("log_dropped", stream=self._stream, start=self._start, end=end)
        text = "{} reached log_cap: its middle is dropped, the beginning and the end are kept".format(
            self._stream
        )
        self._voice.notice("log_dropped", text, about="log_dropped " + self._stream)


def punch_hole(fd: int, start: int, length: int) -> None:
    """Give a range of a file back to the file system; it reads as zeros from then on. Raises OSError."""
    if not sys.platform.startswith("linux"):
        # struct fpunchhole_t { unsigned int flags, reserved; off_t offset, length; }
        fcntl.fcntl(fd, _F_PUNCHHOLE, struct.pack("=IIqq", 0, 0, start, length))
        return
    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = getattr(libc, "fallocate64", None) or libc.fallocate
    fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    if fallocate(fd, _KEEP_SIZE_AND_PUNCH, start, length) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
