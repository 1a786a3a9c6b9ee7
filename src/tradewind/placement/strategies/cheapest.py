"""The cheapest single place."""

from __future__ import annotations

from tradewind.placement.candidates import Candidates
from tradewind.placement.strategies.recommendation import (
    JobFacts,
    Recommendation,
    all_to_one,
    by_the_hour,
    rank,
)


def cheapest(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
    """The lowest expected cost; of equal ones the sooner done, then the less risky."""
    if not len(candidates):
        return None
    order = rank(candidates.cost_p50_micro, candidates.wall_p50_h, candidates.risk)
    text = f"the cheapest of {facts.places(candidates)} that fit{by_the_hour(candidates)}"
    return all_to_one(order, facts, text)
