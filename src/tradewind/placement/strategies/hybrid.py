"""Own machines first, the cloud for the rest."""

from __future__ import annotations

import math

import numpy as np

from tradewind.placement.candidates import Candidates
from tradewind.placement.strategies.recommendation import (
    JobFacts,
    Ranking,
    Recommendation,
    Share,
    count,
    deal_out,
    rank,
)


def hybrid(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
    """Each machine of one's own takes one task after the other, as many as it can finish; the cheapest places the rest.

    As many as it can finish: by the deadline; without one, before a task in the cloud would be done. At least one,
    unless the deadline forbids it.
    """
    if not len(candidates):
        return None
    order = rank(~candidates.is_owned, candidates.cost_p50_micro, candidates.wall_p50_h)
    clouds = order[~candidates.is_owned[order]]
    shares, left = _own_shares(candidates, order, clouds, facts)
    kept = facts.tasks - left
    if not left:
        return Recommendation(shares=shares, ranking=order, reason="your own machines can do all of it")
    if not len(clouds):
        if not shares:
            return None
        first = Share(shares[0].index, shares[0].tasks + left)
        return Recommendation(
            shares=(first, *shares[1:]),
            ranking=order,
            reason="no place in the cloud fits: your own machines do it all",
        )
    rest = JobFacts(tasks=left, deadline_h=facts.deadline_h, data_location=facts.data_location)
    reason = (
        f"{count(kept, 'task')} on your own machines, {left:,} in the cloud"
        if shares
        else "no machine of your own can do it in time: the cheapest place in the cloud"
    )
    ranking = order if shares else np.concatenate([clouds, order[candidates.is_owned[order]]])
    return Recommendation(
        shares=(*shares, *deal_out(candidates, clouds, rest)), ranking=ranking, reason=reason
    )


def _own_shares(
    candidates: Candidates, order: Ranking, clouds: Ranking, facts: JobFacts
) -> tuple[tuple[Share, ...], int]:
    limit = facts.deadline_h
    if limit is None and len(clouds) and facts.tasks > 1:
        limit = float(candidates.wall_p50_h[clouds[0]])
    shares, left = [], facts.tasks
    for index in order[candidates.is_owned[order]].tolist():
        each = float(candidates.wall_p50_h[index])
        fits = math.floor(limit / each) if limit is not None and each > 0 else left
        least = 0 if facts.deadline_h is not None else 1
        tasks = min(max(fits, least), left)
        if tasks:
            shares.append(Share(index, tasks))
            left -= tasks
    return tuple(shares), left
