"""Alternatives in order of preference: whatever fulfils the first of them comes before what fulfils the next."""

from __future__ import annotations

import numpy as np

from tradewind.placement.candidates import Candidates
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation, Share, Strategy


def in_order(strategy: Strategy, *, is_ordered: bool) -> Strategy:
    """The strategy, asked for the places of each alternative in turn; itself where their order does not matter."""
    if not is_ordered:
        return strategy

    def choose(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
        present = np.unique(candidates.alternative)
        if len(present) < 2:
            return strategy(candidates, facts)
        found: list[Recommendation] = []
        for alternative in present.tolist():
            mine = np.flatnonzero(candidates.alternative == alternative)
            some = strategy(candidates.take(mine), facts)
            if some is not None:
                shares = tuple(Share(int(mine[each.index]), each.tasks) for each in some.shares)
                found.append(Recommendation(shares=shares, ranking=mine[some.ranking], reason=some.reason))
        if not found:
            return None
        ranking = np.concatenate([each.ranking for each in found])
        return Recommendation(shares=found[0].shares, ranking=ranking, reason=found[0].reason)

    return choose
