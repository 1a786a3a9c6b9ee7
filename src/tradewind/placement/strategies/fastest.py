"""The place where it is done soonest."""

from __future__ import annotations

from tradewind.placement.candidates import Candidates
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation, all_to_one, rank


def fastest(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
    """The least expected wait, set-up and training together; of equal ones the cheaper."""
    if not len(candidates):
        return None
    order = rank(candidates.wall_p50_h, candidates.cost_p50_micro)
    best = candidates.wall_p50_h[order[0]]
    text = f"done soonest of {facts.places(candidates)} that fit"
    if candidates.has_hours:
        text += f": {best:.1f} h with waiting and set-up"
    return all_to_one(order, facts, text)
