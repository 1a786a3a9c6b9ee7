"""Plans for jobs with alternatives: never outside of them, and in their order where they have one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.placement.offers_for_tests import NOW, offer, some_offers, some_wanted, ten_hours
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Market, Offer
from tradewind.estimate.run_terms import RunTerms
from tradewind.placement.candidates import Surroundings
from tradewind.placement.kinds import Hours
from tradewind.placement.plan import Ask, MarketPlan, plan_any, plan_market
from tradewind.placement.wanted import Wanted
from tradewind.spec.parts import Strategy
from tradewind.spec.resources import Spot

H100 = Wanted(accelerators=(("H100", 1.0),), strategy=Strategy.CHEAPEST)
A100 = Wanted(accelerators=(("A100-80GB", 1.0),), strategy=Strategy.CHEAPEST)


def plan_for(
    offers: list[Offer],
    wanted: list[Wanted],
    *,
    is_ordered: bool = True,
    hours: Hours | None = ten_hours,
    runnable: tuple[str, ...] = ("lambda", "vast", "runpod", "aws"),
    whys: tuple[Any, ...] = (),
) -> MarketPlan:
    asks = [
        Ask(wanted=each, terms=RunTerms(), title=f"alternative {number}")
        for number, each in enumerate(wanted, 1)
    ]
    asks = [replace(ask, why=why) for ask, why in zip(asks, whys, strict=True)] if whys else asks
    return plan_any(
        OfferTable.of(offers),
        asks,
        Surroundings(runnable=frozenset(runnable), now=NOW),
        is_ordered=is_ordered,
        hours=hours,
    )


def key(one: Offer) -> tuple[Any, ...]:
    return one.provider, one.region, one.zone, one.instance_type, one.accelerator, one.market, one.rate


def test_the_first_that_can_be_had_is_taken_whatever_the_next_costs() -> None:
    dear, cheap = offer(accelerator="H100-SXM", price=9.0), offer(accelerator="A100-SXM-80GB", price=1.0)
    first = plan_for([dear, cheap], [H100, A100])
    assert first.chosen is not None
    assert (first.chosen.offer.accelerator, first.chosen.alternative) == ("H100-SXM", 0)
    assert first.reason.startswith("alternative 1: ")
    second = plan_for([dear, cheap], [A100, H100])
    assert second.chosen is not None
    assert second.chosen.offer.accelerator == "A100-SXM-80GB"


def test_the_next_is_taken_when_the_first_is_not_there_and_the_plan_says_why() -> None:
    plan = plan_for([offer(accelerator="A100-SXM-80GB", price=1.0)], [H100, A100])
    assert plan.chosen is not None
    assert plan.chosen.alternative == 1
    assert plan.reason.startswith("alternative 2: ")
    assert "alternative 1: none of 1 offers will do: H100:1 asked for, not there" in plan.reason


def test_what_is_not_connected_is_passed_over_and_shown_beside() -> None:
    offers = [
        offer(provider="lambda", accelerator="H100-SXM", price=2.0),
        offer(provider="vast", accelerator="A100-SXM-80GB", price=1.0),
    ]
    plan = plan_for(offers, [H100, A100], runnable=("vast",))
    assert plan.chosen is not None
    assert plan.best_anywhere is not None
    assert (plan.chosen.offer.provider, plan.best_anywhere.offer.provider) == ("vast", "lambda")
    assert "alternative 1: what fits is not connected" in plan.reason


def test_without_an_order_the_best_deal_is_taken() -> None:
    dear, cheap = offer(accelerator="H100-SXM", price=9.0), offer(accelerator="A100-SXM-80GB", price=1.0)
    plan = plan_for([dear, cheap], [H100, A100], is_ordered=False)
    assert plan.chosen is not None
    assert (plan.chosen.offer.accelerator, plan.chosen.alternative) == ("A100-SXM-80GB", 1)
    assert [each.offer.accelerator for each in plan.runners_up] == ["H100-SXM"]


def test_runners_up_go_down_the_list() -> None:
    offers = [
        offer(provider="lambda", accelerator="H100-SXM", price=9.0),
        offer(provider="vast", accelerator="H100-SXM", price=10.0),
        offer(provider="lambda", accelerator="A100-SXM-80GB", price=1.0),
    ]
    plan = plan_for(offers, [H100, A100])
    assert [each.alternative for each in plan.runners_up] == [0, 1]


def test_an_offer_that_fits_both_counts_once() -> None:
    plan = plan_for([offer(accelerator="H100-SXM", price=2.0)], [H100, replace(H100, cpus=1.0)])
    assert (plan.offers_seen, plan.offers_fitting) == (1, 1)


def test_when_nothing_fits_every_alternative_says_why() -> None:
    plan = plan_for([offer(accelerator="T4", price=1.0)], [H100, A100])
    assert plan.chosen is None
    assert "alternative 1: none of 1 offers will do: H100:1 asked for, not there" in plan.reason
    assert "alternative 2: none of 1 offers will do: A100-80GB:1 asked for, not there" in plan.reason
    assert {each.explanation.split(":")[0] for each in plan.exclusions} == {"alternative 1", "alternative 2"}


def test_what_is_known_of_places_that_are_full_is_said_instead() -> None:
    plan = plan_for(
        [offer(accelerator="A100-SXM-80GB")],
        [H100, A100],
        whys=(lambda: "said no a short while ago", lambda: None),
    )
    assert "alternative 1: said no a short while ago" in plan.reason


def test_each_holds_as_many_accelerators_as_it_asks_for() -> None:
    several = [
        replace(A100, accelerators=(("A100-80GB", 8.0),)),
        replace(A100, accelerators=(("A100-80GB", 4.0),)),
    ]
    held: list[float] = []

    def hours(accelerator: str | None, count: float, nodes: int, /) -> Any:
        held.append(count)
        return ten_hours(accelerator, count, nodes)

    machine = offer(accelerator="A100-SXM-80GB", accelerator_count=8.0)
    plan = plan_for([machine], several, hours=hours)
    assert plan.chosen is not None
    assert plan.chosen.alternative == 0
    assert sorted(held) == [4.0, 8.0]


any_strategy = st.sampled_from([Strategy.CHEAPEST, Strategy.FASTEST, Strategy.BALANCED, Strategy.RELIABLE])


@settings(deadline=None)
@given(
    offers=st.lists(some_offers, max_size=8),
    wanted=st.lists(some_wanted, min_size=1, max_size=4),
    strategy=any_strategy,
    is_ordered=st.booleans(),
    runnable=st.sampled_from([("lambda",), ("vast", "aws"), ("lambda", "vast", "runpod", "aws")]),
)
def test_it_never_goes_outside_of_the_alternatives_and_keeps_their_order(
    offers: list[Offer],
    wanted: list[Wanted],
    strategy: Strategy,
    is_ordered: bool,
    runnable: tuple[str, ...],
) -> None:
    wanted = [replace(each, strategy=strategy, tasks=1) for each in wanted]
    plan = plan_for(offers, wanted, is_ordered=is_ordered, runnable=runnable)
    table, around = OfferTable.of(offers), Surroundings(runnable=frozenset(runnable), now=NOW)
    alone = [plan_market(table, each, RunTerms(), around, hours=ten_hours) for each in wanted]
    able = [place for place, each in enumerate(alone) if each.chosen is not None]
    assert (plan.chosen is None) is (not able)
    for pick in (*plan.shares, *plan.runners_up):
        one = wanted[pick.alternative]
        names = {name for name, _ in one.accelerators}
        assert not one.providers or pick.offer.provider in one.providers
        assert not one.regions or pick.offer.region.startswith("us-")
        assert one.spot is Spot.AUTO or (pick.offer.market == Market.SPOT) is (one.spot is Spot.ONLY)
        assert not names or any(name.split("-")[0] in (pick.offer.accelerator or "") for name in names)
    if plan.chosen is None:
        return
    mine = alone[plan.chosen.alternative].chosen
    assert mine is not None
    if is_ordered:
        assert plan.chosen.alternative == able[0]
        assert key(plan.chosen.offer) == key(mine.offer)
        order = [each.alternative for each in plan.runners_up if each.is_runnable]
        assert order == sorted(order)
    elif strategy is Strategy.CHEAPEST:
        costs = [each.chosen.measures.cost_p50_micro for each in alone if each.chosen is not None]
        assert plan.chosen.measures.cost_p50_micro == min(cost for cost in costs if cost is not None)
