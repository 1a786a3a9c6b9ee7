"""Reads server-sent events from bytes, in any pieces they arrive in.

Works on bytes and leaves the payload alone, so that a stream of large log chunks costs one search and one copy.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class SseEvent(NamedTuple):
    """One event. `id` is the last id the stream has named, as the standard says, and may come from an earlier event."""

    event: str
    data: bytes
    id: str


class SseReader:
    """Turns pieces of a stream into events (WHATWG HTML, section 9.2). One reader per connection."""

    def __init__(self, last_id: str = "") -> None:
        #: What to send as Last-Event-ID after the connection is lost.
        self.last_id = last_id
        self._buffer = bytearray()
        self._searched = 0
        self._skip_line_feed = False
        self._is_first = True

    def feed(self, piece: bytes) -> list[SseEvent]:
        """The events that this piece completes. An event cut short by the end of the stream is never returned."""
        if not piece:
            return []
        if self._skip_line_feed and piece.startswith(b"\n"):
            piece = piece[1:]
        self._skip_line_feed = False
        if b"\r" in piece:
            self._skip_line_feed = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        buffer = self._buffer
        buffer += piece
        events: list[SseEvent] = []
        start = 0
        while (end := buffer.find(b"\n\n", max(start, self._searched))) != -1:
            if event := self._read(bytes(buffer[start:end])):
                events.append(event)
            start = end + 2
        if start:
            del buffer[:start]
        # The last byte may be the first half of a blank line.
        self._searched = max(0, len(buffer) - 1)
        return events

    def _read(self, block: bytes) -> SseEvent | None:
        if self._is_first:
            self._is_first = False
            block = block.removeprefix(_BYTE_ORDER_MARK)
        kind = ""
        data: list[bytes] = []
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            if value.startswith(b" "):
                value = value[1:]
            if name == b"data":
                data.append(value)
            elif name == b"event":
                kind = value.decode("utf-8", "replace")
            elif name == b"id" and b"\0" not in value:
                self.last_id = value.decode("utf-8", "replace")
        if not data:
            return None
        return SseEvent(kind or "message", data[0] if len(data) == 1 else b"\n".join(data), self.last_id)
