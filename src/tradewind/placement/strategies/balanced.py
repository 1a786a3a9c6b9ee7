"""A good bargain: nothing is better in cost, time, carbon and risk at once, and little is paid for a faster start."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.placement.candidates import Candidates
from tradewind.placement.kinds import Floats
from tradewind.placement.strategies.recommendation import (
    JobFacts,
    Recommendation,
    all_to_one,
    by_the_hour,
    rank,
)

#: A place that sets up faster may cost this much more than the cheapest.
WORTH_FASTER_SETUP: Final = 1.2
#: A risk above this is for those who ask for the cheapest.
MOST_RISK: Final = 0.5


def balanced(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
    """Of the Pareto set: within 20 % of the cheapest the one that sets up strictly faster, else the cheapest.

    A faster start counts only where the job is not done later for it: accelerators differ in speed.
    Places with a risk above one half stand back while there are others.
    """
    if not len(candidates):
        return None
    order = rank(
        candidates.risk > MOST_RISK, candidates.cost_p50_micro, candidates.wall_p50_h, candidates.risk
    )
    cheapest = int(order[0])
    best = _quicker(candidates, cheapest)
    by = by_the_hour(candidates)
    if best is None:
        return all_to_one(
            order,
            facts,
            f"the lowest cost of {facts.places(candidates)} that fit, and none within 20 % starts faster{by}",
        )
    more = candidates.cost_p50_micro[best] / max(int(candidates.cost_p50_micro[cheapest]), 1) - 1
    order = np.concatenate([[best], order[order != best]]).astype(np.intp)
    before, after = candidates.setup_min[cheapest], candidates.setup_min[best]
    return all_to_one(
        order,
        facts,
        f"it sets up in {after:.0f} min instead of {before:.0f}, for {more:.1%} more than the cheapest",
    )


def _quicker(candidates: Candidates, cheapest: int) -> int | None:
    limit = candidates.cost_p50_micro[cheapest] * WORTH_FASTER_SETUP
    quicker = (
        (candidates.cost_p50_micro <= limit)
        & (candidates.setup_min < candidates.setup_min[cheapest])
        & (candidates.wall_p50_h <= candidates.wall_p50_h[cheapest])
        & (candidates.risk <= max(MOST_RISK, candidates.risk[cheapest]))
    )
    able = np.flatnonzero(quicker)
    if not len(able):
        return None
    able = able[pareto(candidates.take(able))]
    first = rank(candidates.setup_min[able], candidates.cost_p50_micro[able], candidates.wall_p50_h[able])[0]
    return int(able[first])


def objectives(candidates: Candidates) -> Floats:
    """Cost, finish time, carbon and risk, one row per place; carbon that is not known counts as the most there is."""
    carbon = candidates.carbon_g
    worst = float(np.nanmax(carbon)) if np.isfinite(carbon).any() else 0.0
    columns = (
        candidates.cost_p50_micro,
        candidates.wall_p50_h,
        np.nan_to_num(carbon, nan=worst),
        candidates.risk,
    )
    return np.column_stack(columns).astype(np.float64)


def pareto(candidates: Candidates) -> npt.NDArray[np.bool_]:
    """True where no other place is at least as good in cost, finish time, carbon and risk, and better in one."""
    points = objectives(candidates)
    standing = np.lexsort(points.T[::-1])
    points = points[standing]
    is_best = np.zeros(len(points), dtype=np.bool_)
    left = np.arange(len(points))
    while len(left):
        # The first by cost that is left is beaten by nothing before it; it takes out all that it beats.
        head = points[left[0]]
        is_best[standing[left[0]]] = True
        rest = points[left]
        left = left[(rest < head).any(axis=1) | ((rest == head).all(axis=1) & (np.arange(len(left)) > 0))]
    return is_best
