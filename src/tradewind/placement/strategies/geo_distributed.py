"""Independent tasks spread over regions, so that no one place going away stops them all."""

from __future__ import annotations

from collections import Counter

from tradewind.placement.candidates import Candidates
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation, Share, count, rank


def geo_distributed(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
    """The cheapest place of each region takes one task in turn, the cheapest regions first."""
    if not len(candidates):
        return None
    order = rank(candidates.cost_p50_micro, candidates.wall_p50_h, candidates.risk)
    best_of: dict[tuple[str, str], int] = {}
    for index in order.tolist():
        best_of.setdefault((str(candidates.provider[index]), str(candidates.region[index])), index)
        if len(best_of) == facts.tasks:
            break
    chosen = list(best_of.values())
    tasks = Counter(chosen[turn % len(chosen)] for turn in range(facts.tasks))
    shares = tuple(Share(index, tasks[index]) for index in chosen)
    if facts.tasks == 1:
        reason = "one task cannot be spread: the cheapest place that fits"
    else:
        reason = f"{count(facts.tasks, 'task')} over the cheapest {count(len(chosen), 'region')}"
    return Recommendation(shares=shares, ranking=order, reason=reason)
