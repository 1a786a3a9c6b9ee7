"""Keras: `Epoch 3/20` on a line of its own, then bars of the batches in that epoch."""

from __future__ import annotations

import re

from .reading import Reading, fraction_of_epochs, pairs

_HEADING = re.compile(r"^\s{0,8}Epoch (\d{1,9})/(\d{1,9})\s{0,8}$")
_BAR = re.compile(r"^\s{0,12}(\d{1,12})/(\d{1,12})\s{1,4}(?:[━╸╺][━╸╺\s]{2,80}|\[[=>.]{3,80}\])(.{0,1500})$")


class Keras:
    """Remembers the epoch, which the bars do not repeat."""

    def __init__(self) -> None:
        self._epoch: tuple[int, int] | None = None

    def read(self, text: str) -> Reading | None:
        """The epoch of a heading, or batch, epoch and metrics of a bar."""
        heading = _HEADING.match(text)
        if heading is not None:
            self._epoch = (int(heading.group(1)), int(heading.group(2)))
            return Reading(self._progress(0.0))
        bar = _BAR.match(text)
        if bar is None:
            return None
        done, total = int(bar.group(1)), int(bar.group(2))
        progress: dict[str, float] = {"step": done, "total_steps": total}
        progress.update(self._progress(done / total if total else 0.0))
        values: dict[str, float] = {}
        # Everything after the first dash is a metric; before it stand the time and the speed.
        for part in bar.group(3).split(" - ")[1:]:
            values.update(pairs(part))
        values.pop("ETA", None)
        step = done + (total * (self._epoch[0] - 1) if self._epoch else 0)
        return Reading(progress, values, step)

    def _progress(self, part: float) -> dict[str, float]:
        if self._epoch is None:
            return {}
        epoch, total = self._epoch
        progress: dict[str, float] = {"epoch": epoch, "total_epochs": total}
        fraction = fraction_of_epochs(epoch, total, part)
        if fraction is not None:
            progress["fraction"] = fraction
        return progress
