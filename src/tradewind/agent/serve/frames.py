"""Frames: two 32-bit lengths (network order), a JSON object, and raw bytes."""

from __future__ import annotations

import json
import os
import select
import struct

from ..durable import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LENGTHS = struct.Struct(">II")
#: No frame is larger, either way.
LARGEST_HEADER_BYTES = 16 << 20
LARGEST_BODY_BYTES = 8 << 20
#: Said before the first frame: what login scripts printed before it is passed over.
GREETING = b"\0tradewind-serve 1\n"


class FrameError(Exception):
    """What came is no frame."""


def read_frame(fd: int, patience_s: float) -> tuple[dict[str, Any], bytes] | None:
    """The next frame; None at the end of the stream, and when none came for so long."""
    if not select.select([fd], [], [], patience_s)[0]:
        return None
    lengths = _read(fd, LENGTHS.size)
    if lengths is None:
        return None
    header_bytes, body_bytes = LENGTHS.unpack(lengths)
    if header_bytes > LARGEST_HEADER_BYTES or body_bytes > LARGEST_BODY_BYTES:
        raise FrameError("a frame of {} bytes is too large".format(header_bytes + body_bytes))
    header = _read(fd, header_bytes)
    body = _read(fd, body_bytes)
    if header is None or body is None:
        return None
    value = json.loads(header)
    if not isinstance(value, dict):
        raise FrameError("a frame's header must be an object")
    return value, body


def write_frame(fd: int, header: dict[str, Any], body: bytes = b"") -> None:
    """Write one frame."""
    data = json.dumps(header).encode()
    write_all(fd, LENGTHS.pack(len(data), len(body)) + data)
    if body:
        write_all(fd, body)


def _read(fd: int, length: int) -> bytes | None:
    parts = []
    while length:
        part = os.read(fd, min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
