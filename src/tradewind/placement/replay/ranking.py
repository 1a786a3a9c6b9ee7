"""The strategies of plans as policies: they rank a job's places anew whenever a price has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tradewind.placement.replay.building import Built, rank_candidates
from tradewind.placement.replay.policies import (
    Patient,
    Ranked,
    SpotGreedy,
    UniformProgress,
    on_demand_only,
    owned_first,
    owned_only,
)
from tradewind.placement.replay.policy import Choice, Policy, Situation
from tradewind.placement.strategies import strategy_for
from tradewind.placement.strategies.recommendation import JobFacts
from tradewind.spec.parts import Strategy

#: With these a job waits for a machine at hand though another could be rented at once, as the control plane has it.
_PATIENT: Final = frozenset({Strategy.CHEAPEST})
#: What each policy does, in one line.
POLICIES: Final = {
    "owned-only": "own machines, however long that takes",
    "owned-first": "an own machine that is free, else the cheapest place to rent",
    "cheapest": "the strategy `cheapest` of plans: waits for an own machine where that is cheapest",
    "fastest": "the strategy `fastest` of plans, among what is open",
    "balanced": "the strategy `balanced`",
    "reliable": "the strategy `reliable`",
    "data-local": "the strategy `data-local`",
    "on-demand-only": "the cheapest rented place that nobody takes back; own machines stay idle",
    "deadline": "waits for the place where it is cheapest, as long as an open one can still meet the deadline",
    "spot-greedy": "spot whenever it is up, a steady place when the deadline asks for it",
    "uniform-progress": "keeps to the line from arrival to deadline: steady machines below it, spot above it",
}


def make_policy(name: str, built: Built) -> Policy:
    """The policy of this name, which must be one of `POLICIES`."""
    plain = {
        "owned-only": owned_only,
        "owned-first": owned_first,
        "on-demand-only": on_demand_only,
        "deadline": Patient,
        "spot-greedy": SpotGreedy,
        "uniform-progress": UniformProgress,
    }
    if name in plain:
        return plain[name]()
    strategy = Strategy(name)
    return Ranked(name, _Ranking(built, strategy), waits_for_own=strategy in _PATIENT)


class _Ranking:
    """Ranks the choices of a job as a strategy does, and remembers it for as long as the prices hold."""

    def __init__(self, built: Built, strategy: Strategy) -> None:
        self._built = built
        self._strategy = strategy
        self._known: dict[tuple[int, tuple[int, ...]], list[int]] = {}

    def __call__(self, seen: Situation) -> Sequence[Choice]:
        """The choices, the best first; those that the strategy will not have are left out."""
        prices = {
            each.option.place: each.place.price.at(seen.now_s)
            for each in seen.choices
            if not each.place.is_owned
        }
        key = (seen.job.shape, tuple(prices.values()))
        if key not in self._known:
            self._known[key] = self._rank(seen.job.shape, prices)
        by_place = {each.option.place: each for each in seen.choices}
        return [by_place[place] for place in self._known[key] if place in by_place]

    def _rank(self, shape: int, prices: dict[int, int]) -> list[int]:
        candidates = rank_candidates(self._built, shape, prices)
        if candidates is None:
            return []
        where = self._built.shapes[shape].wanted.data_location
        best = strategy_for(self._strategy)(candidates, JobFacts(data_location=where))
        if best is None:
            return []
        own = list(self._built.own[shape])
        rows = [int(candidates.rows[index]) for index in best.ranking]
        return [self._built.first_rented + row if row >= 0 else own[-1 - row] for row in rows]
