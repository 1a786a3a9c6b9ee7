"""Whether what was spent lately is out of the ordinary. Pure.

The last hour (day) is held against the hours of the week (the days of the four weeks) before it in which anything was
spent at all: above their median by six times their spread, above twice their median, and above a floor. The spread is
the median distance from the median, scaled to a standard deviation. So neither a single dear hour nor long quiet times
in between move the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

#: How many spreads above the median are out of the ordinary.
SPREADS: Final = 6.0
#: Turns a median distance into a standard deviation, where values are spread normally.
_TO_DEVIATION: Final = 1.4826
#: Fewer windows with anything in them are no custom yet.
LEAST_WINDOWS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """What is usual in a window, and above what it is not any more."""

    median_micro: int
    limit_micro: int


def custom_of(history: Sequence[int], floor_micro: int) -> Custom | None:
    """What the windows before say is usual; None while too few of them had anything in them."""
    used = [each for each in history if each > 0]
    if len(used) < LEAST_WINDOWS:
        return None
    middle = median(used)
    spread = median(abs(each - middle) for each in used) * _TO_DEVIATION
    limit = max(middle + SPREADS * spread, 2 * middle, floor_micro)
    return Custom(median_micro=round(middle), limit_micro=round(limit))
