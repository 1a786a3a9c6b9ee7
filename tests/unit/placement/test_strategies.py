"""Strategies: what each takes, and what each promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.placement.offers_for_tests import NOW, offer, some_offers, ten_hours
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.estimate.run_terms import RunTerms
from tradewind.placement.candidates import Candidates, Own, Surroundings, find_candidates
from tradewind.placement.kinds import kinds_of, look_at_kinds
from tradewind.placement.market import screen
from tradewind.placement.strategies import strategy_for
from tradewind.placement.strategies.balanced import WORTH_FASTER_SETUP, balanced, objectives, pareto
from tradewind.placement.strategies.recommendation import JobFacts, Recommendation
from tradewind.placement.wanted import Wanted
from tradewind.spec.parts import Strategy


def candidates_of(offers: list[Offer], own: list[Own] | None = None) -> Candidates:
    table, wanted = OfferTable.of(offers), Wanted()
    found = screen(table, wanted, look_at_kinds(kinds_of(table), wanted, ten_hours, None))
    return find_candidates(found, RunTerms(), Surroundings(now=NOW), own or [])


def choose(name: Strategy, candidates: Candidates, **facts: Any) -> Recommendation:
    made = JobFacts(**facts)
    found = strategy_for(name, made.tasks)(candidates, made)
    assert found is not None
    return found


def names(candidates: Candidates, found: Recommendation) -> dict[str, int]:
    return {candidates.offer(share.index).instance_type: share.tasks for share in found.shares}


def own(name: str = "desk", hours: float = 12.0) -> Own:
    band = ten_hours("H100-SXM", 1)
    machine = offer("local", instance_type=name, market=Market.OWNED, price=0.05)
    return Own(
        offer=machine, hours=band, hourly_micro=50_000, cost_p50_micro=600_000, cost_p90_micro=700_000,
        wall_p50_h=hours, wall_p90_h=hours,
    )  # fmt: skip


CHEAP = offer(
    "vast", price=1.0, instance_type="cheap", region="eu", market=Market.SPOT, availability=Availability.LOW
)
SURE = offer("lambda", price=2.5, instance_type="sure", region="us")
QUICK = offer("runpod", price=30.0, instance_type="quick", accelerator="B200", region="us")


def test_each_takes_what_it_is_named_for() -> None:
    market = candidates_of([CHEAP, SURE, QUICK])
    assert names(market, choose(Strategy.CHEAPEST, market)) == {"cheap": 1}
    assert names(market, choose(Strategy.RELIABLE, market)) == {"sure": 1}
    assert names(market, choose(Strategy.FASTEST, market)) == {"quick": 1}


@pytest.mark.parametrize("name", list(Strategy))
@given(offers=st.lists(some_offers, max_size=15), tasks=st.integers(1, 40))
def test_every_task_has_a_place(name: Strategy, offers: list[Offer], tasks: int) -> None:
    market = candidates_of(offers)
    found = strategy_for(name, tasks)(market, JobFacts(tasks=tasks))
    assert (found is None) is (len(market) == 0)
    if found is not None:
        assert sum(share.tasks for share in found.shares) == tasks
        assert all(share.tasks > 0 for share in found.shares)
        assert len({share.index for share in found.shares}) == len(found.shares)
        assert sorted(found.ranking.tolist()) == list(range(len(market)))
        assert found.reason and not found.reason.endswith(".")  # noqa: PT018


@given(offers=st.lists(some_offers, min_size=1, max_size=20))
def test_nothing_is_cheaper_than_the_cheapest_nor_sooner_than_the_fastest(offers: list[Offer]) -> None:
    market = candidates_of(offers)
    if len(market):
        best = choose(Strategy.CHEAPEST, market).best
        assert market.cost_p50_micro[best] == market.cost_p50_micro.min()
        assert market.wall_p50_h[choose(Strategy.FASTEST, market).best] == market.wall_p50_h.min()


@given(offers=st.lists(some_offers, min_size=1, max_size=20), more=some_offers)
def test_another_offer_never_makes_the_cheapest_dearer(offers: list[Offer], more: Offer) -> None:
    before, after = candidates_of(offers), candidates_of([*offers, more])
    if len(before):
        assert after.cost_p50_micro.min() <= before.cost_p50_micro.min()


@given(offers=st.lists(some_offers, min_size=1, max_size=20))
def test_balanced_pays_little_for_a_faster_start_and_never_takes_what_is_beaten(offers: list[Offer]) -> None:
    market = candidates_of(offers)
    found = balanced(market, JobFacts())
    if found is None:
        return
    calm = market.risk <= max(0.5, float(market.risk.min()))
    limit = market.cost_p50_micro[calm].min() if calm.any() else market.cost_p50_micro.min()
    if market.risk.min() <= 0.5:
        assert market.cost_p50_micro[found.best] <= limit * WORTH_FASTER_SETUP
        cheapest = min(
            np.flatnonzero(calm), key=lambda index: (market.cost_p50_micro[index], market.wall_p50_h[index])
        )
        assert market.wall_p50_h[found.best] <= market.wall_p50_h[cheapest]


def test_a_faster_start_on_a_slower_accelerator_is_no_bargain() -> None:
    market = candidates_of([SURE, replace(SURE, instance_type="other", provider="runpod")])
    market = replace(market, cost_p50_micro=np.array([1_000_000, 1_050_000]), setup_min=np.array([5.0, 3.0]))
    slower = replace(market, wall_p50_h=np.array([1.0, 3.0]))
    assert names(slower, choose(Strategy.BALANCED, slower)) == {"sure": 1}
    equal = replace(market, wall_p50_h=np.array([1.0, 0.97]))
    assert names(equal, choose(Strategy.BALANCED, equal)) == {"other": 1}


@given(points=st.lists(st.tuples(*[st.integers(0, 4)] * 4), min_size=1, max_size=30))
def test_pareto_is_what_nothing_beats(points: list[tuple[int, ...]]) -> None:
    market = candidates_of([replace(SURE, instance_type=str(number)) for number in range(len(points))])
    cost, wall, carbon, risk = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    market = replace(
        market, cost_p50_micro=cost.astype(np.int64), wall_p50_h=wall, carbon_g=carbon, risk=risk
    )
    all_points = objectives(market)
    for index, is_best in enumerate(pareto(market).tolist()):
        mine = all_points[index]
        beaten = ((all_points <= mine).all(axis=1) & (all_points < mine).any(axis=1)).any()
        assert is_best is not bool(beaten)


def test_data_decide_where_data_local_goes() -> None:
    near = offer("aws", price=4.0, instance_type="near", region="us-east-1")
    same = offer("aws", price=3.0, instance_type="same", region="eu-west-1")
    market = candidates_of([CHEAP, near, same])
    assert names(market, choose(Strategy.DATA_LOCAL, market, data_location="aws/us-east-1")) == {"near": 1}
    assert names(market, choose(Strategy.DATA_LOCAL, market, data_location="aws/ap-1")) == {"same": 1}
    assert names(market, choose(Strategy.DATA_LOCAL, market)) == {"cheap": 1}


def test_tasks_fill_the_cheapest_first_and_then_the_next() -> None:
    market = candidates_of([CHEAP, SURE, QUICK])
    assert names(market, choose(Strategy.CHEAPEST, market, tasks=9)) == {"cheap": 1, "sure": 8}
    assert names(market, choose(Strategy.CHEAPEST, market, tasks=20)) == {"cheap": 4, "sure": 8, "quick": 8}


def test_tasks_spread_evenly_over_regions() -> None:
    market = candidates_of([CHEAP, SURE, replace(SURE, instance_type="twin", rate=QUICK.rate), QUICK])
    spread = names(market, choose(Strategy.GEO_DISTRIBUTED, market, tasks=7))
    assert spread == {"cheap": 3, "sure": 2, "quick": 2}


def test_own_machines_come_first() -> None:
    market = candidates_of([CHEAP, SURE], [own()])
    assert names(market, choose(Strategy.HYBRID, market)) == {"desk": 1}
    assert names(market, choose(Strategy.HYBRID, market, tasks=3, deadline_h=25.0)) == {"desk": 2, "cheap": 1}
    assert names(market, choose(Strategy.HYBRID, market, deadline_h=11.0)) == {"cheap": 1}
    assert names(
        candidates_of([], [own()]), choose(Strategy.HYBRID, candidates_of([], [own()]), tasks=3)
    ) == {"desk": 3}
