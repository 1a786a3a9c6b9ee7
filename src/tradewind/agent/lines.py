"""Complete lines out of a growing file, in bounded memory, whatever is in it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], bytes]

_LONGEST_LINE_BYTES = 4096
_LINES_PER_LOOK = 400


class Line:
    """A line and where it ends in its file."""

    __slots__ = ("end", "text")

    def __init__(self, text: str, end: int) -> None:
        self.text = text
        self.end = end


class LineReader:
    """Follows a file. A carriage return ends a line too: that is how progress bars overwrite themselves.

    When more was written between two looks than `text_bytes`, only the newest is read; a line that is too long is
    skipped, and of very many lines only the newest are returned. `offset` is where the first line starts that has
    not been returned.
    """

    def __init__(
        self,
        offset: int,
        text_bytes: int,
        *,
        longest_line_bytes: int = _LONGEST_LINE_BYTES,
        lines_per_look: int = _LINES_PER_LOOK,
    ) -> None:
        self.offset = offset
        self._longest_line_bytes = longest_line_bytes
        self._lines_per_look = lines_per_look
        self._text_bytes = text_bytes
        self._in_long_line = False
        self._after_return = False
        #: How many bytes were passed over because there were too many.
        self.skipped_bytes = 0

    def look(self, read: Read, end: int) -> list[Line]:
        """The lines that are complete between `offset` and `end`, the newest few hundred of them."""
        start = self.offset
        if end - start > self._text_bytes:
            start = end - self._text_bytes
            self.skipped_bytes += start - self.offset
            # What it starts in the middle of is not a line.
            self._in_long_line = True
        if end <= start:
            return []
        data = read(start, end - start)
        last = max(data.rfind(b"\n"), data.rfind(b"\r"))
        lines: list[Line] = []
        if last >= 0:
            lines = self._split(data[: last + 1], start)
            self._after_return = data[last : last + 1] == b"\r"
        self.offset = start + last + 1
        if len(data) - last - 1 > self._longest_line_bytes:
            self._in_long_line = True
            self.offset = start + len(data)
        return lines

    def _split(self, data: bytes, start: int) -> list[Line]:
        pieces = data.replace(b"\r", b"\n").split(b"\n")[:-1]
        end = start
        lines = []
        oldest = len(pieces) - self._lines_per_look
        for number, piece in enumerate(pieces):
            end += len(piece) + 1
            was_cut = self._in_long_line
            self._in_long_line = False
            if piece and not was_cut and number >= oldest and len(piece) <= self._longest_line_bytes:
                lines.append(Line(piece.decode("utf-8", "replace"), end))
        return lines

    def unfinished_bar(self, read: Read, end: int) -> Line | None:
        """A progress bar that was drawn after a carriage return and will be overwritten, not ended. It is consumed."""
        if not self._after_return or self._in_long_line or end <= self.offset:
            return None
        return self.rest(read, end)

    def rest(self, read: Read, end: int) -> Line | None:
        """What stands after the last line end, once the file has ended. It is consumed."""
        if self._in_long_line or not 0 < end - self.offset <= self._longest_line_bytes:
            return None
        text = read(self.offset, end - self.offset).decode("utf-8", "replace")
        self.offset = end
        return Line(text, end)
