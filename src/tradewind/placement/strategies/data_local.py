"""The place closest to the data."""

from __future__ import annotations

import numpy as np

from tradewind.placement.candidates import Candidates
from tradewind.placement.kinds import Ints
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation, all_to_one, rank


def data_local(candidates: Candidates, facts: JobFacts) -> Recommendation | None:
    """The region of the data, else the provider that holds them, else any; then the lowest cost, egress included."""
    if not len(candidates):
        return None
    if facts.data_location is None:
        order = rank(candidates.cost_p50_micro, candidates.wall_p50_h)
        return all_to_one(
            order, facts, "the job file does not say where its data are: the cheapest place that fits"
        )
    far = distances(candidates, facts.data_location)
    order = rank(far, candidates.cost_p50_micro, candidates.wall_p50_h)
    where = (
        "where the data are",
        "with the provider that holds the data",
        "though no place near the data fits",
    )
    return all_to_one(order, facts, f"the cheapest {where[int(far[order[0]])]} ({facts.data_location})")


def distances(candidates: Candidates, location: str) -> Ints:
    """0: the same region, or any of the provider where the location has none; 1: the same provider; 2: elsewhere."""
    provider, _, region = location.partition("/")
    is_same = candidates.provider == provider
    is_there = is_same & ((candidates.region == region) | (region == ""))
    return np.where(is_there, 0, np.where(is_same, 1, 2)).astype(np.int64)
