"""What it costs in time that a cloud takes a spot machine back.

Interruptions arrive at a constant rate (exponential times between them). Work of length `s` that must pass without
one takes `(e^(rate s) - 1) / rate` hours of running on average: the renewal argument behind J. T. Daly, "A higher
order estimate of the optimum checkpoint interval for restart dumps" (2006), with the time to write a checkpoint left
out, because checkpoints are copied while training goes on. A run is as many such stretches as it has checkpoints.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from tradewind.estimate.tables import read_rows

#: However bad the odds, running takes at most this many times the uninterrupted hours. Beyond it the formula says
#: "never", which no budget can be made of.
MAX_STRETCH: Final = 10.0
#: e to the power of this is more than any run lasts; larger exponents would overflow.
MAX_EXPONENT: Final = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptionRate:
    """Interruptions per hour of running of one machine: what to expect, and what nine of ten places stay below."""

    per_hour: float
    per_hour_p90: float
    is_assumed: bool
    note: str
    source: str


def interruption_rate(provider_id: str, accelerator: str | None) -> InterruptionRate:
    """The rate for spot machines of this provider with this accelerator; the first row of the table that fits."""
    for provider, pattern, rate in _rates():
        if provider in ("", provider_id) and fnmatchcase(accelerator or "", pattern):
            return rate
    raise AssertionError("the last row of interruptions.csv fits everything")


def expected_losses(hours: float, per_hour: float, checkpoint_every_h: float | None) -> tuple[float, float]:
    """Hours of work done twice, and the number of interruptions, that a run of these uninterrupted hours expects.

    Without checkpoints each interruption starts from zero. Both figures are bounded by `MAX_STRETCH`.
    """
    if per_hour <= 0 or hours <= 0:
        return 0.0, 0.0
    stretch = hours if checkpoint_every_h is None else checkpoint_every_h
    whole = math.floor(hours / stretch)
    rest = max(hours - whole * stretch, 0.0)
    each = math.expm1(min(per_hour * stretch, MAX_EXPONENT))
    last = math.expm1(min(per_hour * rest, MAX_EXPONENT))
    running = min((whole * each + last) / per_hour, hours * MAX_STRETCH)
    return max(running - hours, 0.0), running * per_hour


@cache
def _rates() -> tuple[tuple[str, str, InterruptionRate], ...]:
    return tuple(
        (
            row["provider"],
            row["accelerators"],
            InterruptionRate(
                per_hour=float(row["per_hour"]),
                per_hour_p90=float(row["per_hour_p90"]),
                is_assumed=row["is_assumed"] == "yes",
                note=row["note"],
                source=row["source"],
            ),
        )
        for row in read_rows("interruptions.csv")
    )
