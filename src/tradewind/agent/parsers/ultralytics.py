"""Ultralytics (YOLO): a table whose heading names the columns and whose rows begin with the epoch."""

from __future__ import annotations

import re

from .reading import NUMBER, Reading, fraction_of_epochs, to_number

_ROW = re.compile(r"^\s{0,16}(\d{1,9})/(\d{1,9})\s{1,16}(\S.{0,400})$")
_PERCENT = re.compile(r":\s{0,8}(\d{1,3})%")
_NUMBER = re.compile("(?:" + NUMBER + ")$")
_NOT_METRICS = frozenset(("Epoch", "GPU_mem", "Instances", "Size"))


class Ultralytics:
    """Remembers the heading of the table."""

    def __init__(self) -> None:
        self._columns: list[str] = []

    def read(self, text: str) -> Reading | None:
        """Epoch and losses of a row; nothing before a heading was seen, because any table may look like this."""
        words = text.split(None, 16)
        if len(words) > 2 and words[0] == "Epoch" and words[1] == "GPU_mem":
            self._columns = words
            return Reading()
        row = _ROW.match(text) if self._columns else None
        if row is None:
            return None
        epoch, total = int(row.group(1)), int(row.group(2))
        cells = row.group(3).split(":", 1)[0].split()
        values = {}
        for name, cell in zip(self._columns[1:], cells):  # noqa: B905 (`strict` is newer than 3.8)
            if name not in _NOT_METRICS and _NUMBER.match(cell):
                values[name] = to_number(cell)
        if not values:
            return None
        percent = _PERCENT.search(text)
        progress: dict[str, float] = {"epoch": epoch, "total_epochs": total}
        fraction = fraction_of_epochs(epoch, total, int(percent.group(1)) / 100 if percent else 0.0)
        if fraction is not None:
            progress["fraction"] = fraction
        return Reading(progress, values, epoch)
