"""Independent tasks wherever each is cheapest, over all providers."""

from __future__ import annotations

from tradewind.placement.candidates import Candidates
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation, count, deal_out, rank


def cheapest_across(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
    """Fills the cheapest place with as many tasks as can be counted on there, then the next."""
    if not len(candidates):
        return None
    order = rank(candidates.cost_p50_micro, candidates.wall_p50_h, candidates.risk)
    shares = deal_out(candidates, order, facts)
    providers = len({str(candidates.provider[share.index]) for share in shares})
    return Recommendation(
        shares=shares,
        ranking=order,
        reason=f"the cheapest {count(len(shares), 'place')} of {count(providers, 'provider')} for "
        f"{count(facts.tasks, 'independent task')}",
    )
