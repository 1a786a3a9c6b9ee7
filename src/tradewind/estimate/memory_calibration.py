"""What measurements add to formulas: a multiplier per item, and how far off the result usually is.

`data/finetune_calibration.csv` is written by `scripts/fit_memory.py`. A multiplier is the product of one that all
training programs share and one of the program's own; an unknown program gets the shared one alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from math import exp
from typing import Final

#: The rows that every training program shares.
SHARED: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Logarithms of multipliers by (framework, item), and the spread of what is left by framework.

    A spread is the tenth and the ninetieth hundredth of measured over predicted.
    """

    log_multipliers: Mapping[tuple[str, str], float] = field(default_factory=dict)
    spreads: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def multiplier(self, framework: str | None, item: str) -> float:
        """By how much the formula of an item is to be multiplied; 1 where nothing was measured."""
        shared = self.log_multipliers.get((SHARED, item), 0.0)
        own = self.log_multipliers.get((framework, item), 0.0) if framework else 0.0
        return exp(shared + own)

    def spread(self, framework: str | None) -> tuple[float, float]:
        """What one measurement in ten lies under, and over, as a multiple of the prediction."""
        return self.spreads.get(framework or SHARED) or self.spreads.get(SHARED, (0.8, 1.25))


@cache
def shipped_calibration(quantity: str) -> Calibration:
    """The calibration of `memory` or `step` that ships."""
    text = (
        files("tradewind.estimate").joinpath("data", "finetune_calibration.csv").read_text(encoding="utf-8")
    )
    return read_calibration(quantity, csv.DictReader(text.splitlines()))


def read_calibration(quantity: str, rows: Iterable[Mapping[str, str]]) -> Calibration:
    """The rows of one quantity. Items `p10` and `p90` are the spread, all others logarithms of multipliers."""
    multipliers: dict[tuple[str, str], float] = {}
    ends: dict[tuple[str, str], float] = {}
    for row in rows:
        if row["quantity"] == quantity:
            place = ends if row["item"] in ("p10", "p90") else multipliers
            place[row["framework"], row["item"]] = float(row["value"])
    frameworks = {framework for framework, _ in ends}
    return Calibration(
        log_multipliers=multipliers,
        spreads={each: (ends[each, "p10"], ends[each, "p90"]) for each in frameworks},
    )
