"""The most reliable single place: owned or on demand, never one that can be taken back."""

from __future__ import annotations

import numpy as np

from tradewind.placement.candidates import Candidates
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation, all_to_one, rank

#: Reliabilities closer than this are the same: the cost decides.
_STEP = 0.01


def reliable(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
    """The highest reliability and the lowest risk, in steps of one per cent; then the cost. Spot only if all are."""
    if not len(candidates):
        return None
    order = rank(
        candidates.is_spot,
        np.round((1 - candidates.reliability) / _STEP),
        np.round(candidates.risk / _STEP),
        candidates.cost_p50_micro,
    )
    best = order[0]
    if candidates.is_spot[best]:
        return all_to_one(order, facts, "only spot machines fit; the least risky of them")
    kind = "your own machine" if candidates.is_owned[best] else "an on-demand or reserved machine"
    return all_to_one(
        order, facts, f"{kind} with the least risk ({candidates.risk[best]:.0%}); of equal ones the cheapest"
    )
