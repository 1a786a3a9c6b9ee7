"""What a parser returns, and the numbers in it."""

from __future__ import annotations

import re

NUMBER = r"[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,3})?|[-+]?(?:nan|NaN|inf|Infinity)\b"
_PAIR = re.compile(r"(?<![\w./-])([A-Za-z_][\w./-]{0,60})\s{0,3}[=:]\s{0,3}(" + NUMBER + r")(?![\w.:])")


class Reading:
    """What one line says: `progress` under the protocol's names, metrics by their own, NaN and infinities included.

    `step` places the metrics on the whole training's axis, where `progress` says steps as they were printed, which
    is often within an epoch. It is None where the line does not tell.
    """

    __slots__ = ("progress", "step", "values")

    def __init__(
        self,
        progress: dict[str, float] | None = None,
        values: dict[str, float] | None = None,
        step: int | None = None,
    ) -> None:
        self.progress = progress or {}
        self.values = values or {}
        self.step = step

    @property
    def is_empty(self) -> bool:
        """True if the line said nothing."""
        return not self.progress and not self.values


def to_number(text: str) -> float:
    """An int where the text is one, a float otherwise. The text has the form of NUMBER."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def pairs(text: str) -> dict[str, float]:
    """Every `name=1.5` and `name: 1.5` in a text."""
    return {name: to_number(number) for name, number in _PAIR.findall(text)}


def fraction_of_epochs(epoch: float, total_epochs: float, part: float) -> float | None:
    """How much of the training is done in the given part of an epoch that is counted from 1; None if it cannot be."""
    if total_epochs <= 0 or not 1 <= epoch <= total_epochs:
        return None
    return min(1.0, max(0.0, (epoch - 1 + part) / total_epochs))
