"""Following a log file: an index of its growth for readers, and its newest text for the parsers."""

from __future__ import annotations

import os
import struct
import time

INDEX_RECORD = struct.Struct("<QQQ")
_CHUNK_BYTES = 1 << 17
#: At most this much of a file is looked at before the agent turns to something else.
_PER_LOOK_BYTES = 64 << 20


class LogFile:
    """One log of the command. The index is its own memory: a new agent goes on at its last record."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._index_fd = os.open(
            os.path.splitext(path)[0] + ".idx", os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self._fd: int | None = None
        self.offset = 0
        self.lines = 0
        self._indexed = 0
        self._index_size = 0
        self._recover()

    def _recover(self) -> None:
        size = os.fstat(self._index_fd).st_size
        self._index_size = size - size % INDEX_RECORD.size
        if self._index_size != size:
            os.ftruncate(self._index_fd, self._index_size)
        if self._index_size:
            last = os.pread(self._index_fd, INDEX_RECORD.size, self._index_size - INDEX_RECORD.size)
            self.offset, self.lines, _ = INDEX_RECORD.unpack(last)
            self._indexed = self.offset

    def look(self) -> bool:
        """Take in what was written since the last look. True if the file grew (or has more than one look can take)."""
        size = self.size()
        if size <= self.offset and self._indexed == self.offset:
            return False
        end = min(size, self.offset + _PER_LOOK_BYTES)
        fd = self._fd
        assert fd is not None
        while self.offset < end:
            data = os.pread(fd, min(_CHUNK_BYTES, end - self.offset), self.offset)
            if not data:
                break
            self.lines += data.count(b"\n")
            self.offset += len(data)
        self._write_index()
        return True

    def _write_index(self) -> None:
        record = INDEX_RECORD.pack(self.offset, self.lines, int(time.time() * 1000))
        try:
            written = os.write(self._index_fd, record)
        except OSError:
            return  # The disk is full: the next record that can be written covers this growth too.
        if written == len(record):
            self._index_size += written
            self._indexed = self.offset
        else:
            os.ftruncate(self._index_fd, self._index_size)

    def size(self) -> int:
        """How long the file is now, 0 as long as there is none."""
        if self._fd is None:
            try:
                self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            except OSError:
                return 0
        return os.fstat(self._fd).st_size

    def read(self, start: int, length: int) -> bytes:
        """Bytes of the file."""
        return b"" if self._fd is None else os.pread(self._fd, length, start)

    @property
    def fd(self) -> int | None:
        """The open file, once there is one."""
        return self._fd
