"""The whole plan: what is chosen, what else there is, what would change it, and never an empty answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plan_speed import JOBS, hours_on, make_table
from tests.unit.placement.offers_for_tests import NOW, offer, plan, some_offers, some_wanted, ten_hours
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Exclusion, Market, Offer
from tradewind.estimate.cost import estimate_cost
from tradewind.estimate.run_terms import RunTerms
from tradewind.placement import candidates as candidates_module
from tradewind.placement.candidates import Own, Surroundings
from tradewind.placement.plan import MarketPlan, plan_market
from tradewind.placement.wanted import Wanted
from tradewind.spec.parts import Strategy
from tradewind.spec.resources import Spot

H100 = (("H100", 1.0),)
CHEAPEST = Wanted(strategy=Strategy.CHEAPEST)


def desk(hours: bool = True, **more: Any) -> Own:
    machine = offer("local", instance_type="desk", market=Market.OWNED, price=0.05, region="local")
    figures: dict[str, Any] = {
        "hours": ten_hours("H100-SXM", 1) if hours else None, "hourly_micro": 50_000, "cost_p50_micro": 500_000,
        "cost_p90_micro": 600_000, "wall_p50_h": 10.0, "wall_p90_h": 13.0,
    }  # fmt: skip
    return Own(offer=machine, **{**figures, **more})


def chosen(made: MarketPlan) -> Offer:
    assert made.chosen is not None
    return made.chosen.offer


@given(offers=st.lists(some_offers, min_size=1, max_size=20), wanted=some_wanted)
def test_nothing_that_fits_is_cheaper_than_the_cheapest(offers: list[Offer], wanted: Wanted) -> None:
    made = plan(offers, replace(wanted, strategy=Strategy.CHEAPEST))
    if made.chosen is None:
        assert made.offers_fitting == 0
        assert made.reason.startswith("no offer: ")
        return
    cost = made.chosen.measures.cost_p50_micro
    assert cost is not None
    assert all(cost <= (each.measures.cost_p50_micro or 0) for each in made.runners_up)
    assert made.best_anywhere is None
    assert made.chosen.offer.flags not in (("placeholder",), ("no_price",))
    assert made.chosen.offer.rate.micro_per_unit > 0


@given(offers=st.lists(some_offers, min_size=1, max_size=12), wanted=some_wanted)
def test_what_is_shown_in_full_agrees_with_the_columns(offers: list[Offer], wanted: Wanted) -> None:
    made = plan(offers, wanted)
    for pick in (*made.shares, *made.runners_up):
        assert pick.cost is not None
        assert pick.hours is not None
        assert pick.cost.p50_micro == pick.measures.cost_p50_micro
        assert pick.cost == estimate_cost(pick.offer, pick.hours, RunTerms())


def test_an_empty_answer_says_what_would_do() -> None:
    offers = [
        offer(price=2.49, accelerator="H100-SXM"),
        offer(price=3.0),
        *[offer(accelerator="T4", price=0.5)] * 5,
    ]
    made = plan(offers, Wanted(accelerators=H100, max_price_micro=2_000_000))
    assert made.chosen is None
    assert made.reason == (
        "no offer: 2 of 7 offers have H100:1, but all above your $2.00/h; $2.49/h would do"
    )
    assert [(group.constraint, group.count) for group in made.exclusions] == [
        ("resources.accelerators", 5),
        ("constraints.max_price", 2),
    ]
    assert made.exclusions[1].examples[0] == "lambda H100 SXM us-west $2.49/h"
    (change,) = made.changes
    assert change.text.startswith("`max_price: $2.49/h` would do: lambda H100 SXM us-west $2.49/h, about $")


def test_no_market_and_no_machine_is_said() -> None:
    assert plan([]).reason == "no offer: no prices are known"
    refused = Exclusion(offer=desk().offer, constraint="resources.cpus", explanation="64 asked for, 16 there")
    assert "desk: 64 asked for, 16 there" in plan([], own_excluded=[refused]).reason


def test_a_cheaper_place_behind_a_constraint_is_told() -> None:
    spot = offer("vast", price=1.0, market=Market.SPOT)
    made = plan([spot, offer(price=3.0)], replace(CHEAPEST, spot=Spot.NEVER))
    assert chosen(made).provider == "lambda"
    assert [change.text.split(":")[0] for change in made.changes] == ["allow spot"]
    assert plan([replace(spot, market=Market.ON_DEMAND), offer(price=3.0)], CHEAPEST).changes == ()


def test_what_cannot_run_now_is_shown_beside_what_can() -> None:
    made = plan([offer("gcp", price=1.0), offer("lambda", price=3.0)], CHEAPEST)
    assert chosen(made).provider == "lambda"
    assert made.best_anywhere is not None
    assert made.best_anywhere.offer.provider == "gcp"
    assert any("cheaper" in each for each in made.best_anywhere.better)
    nobody = plan([offer("gcp")], CHEAPEST, runnable=())
    assert nobody.chosen is None
    assert nobody.best_anywhere is not None
    assert nobody.reason == "1 offer fits, but its provider is not connected"


def test_a_machine_at_hand_is_one_of_the_places() -> None:
    made = plan([offer(price=3.0)], CHEAPEST, own=[desk()])
    assert chosen(made).instance_type == "desk"
    assert [pick.offer.provider for pick in made.runners_up] == ["lambda"]
    assert (made.offers_seen, made.offers_fitting) == (2, 2)


def test_a_machine_that_nobody_can_time_is_a_last_resort() -> None:
    made = plan([offer(price=3.0)], CHEAPEST, own=[desk(hours=False)])
    assert chosen(made).provider == "lambda"
    alone = plan([offer("gcp", price=3.0)], CHEAPEST, own=[desk(hours=False)])
    assert chosen(alone).instance_type == "desk"
    assert alone.chosen is not None
    assert alone.chosen.measures.cost_p50_micro is None
    assert alone.best_anywhere is not None


def test_runners_up_are_of_different_kinds() -> None:
    regions = [offer("lambda", price=3.0 + number, region=f"r{number}") for number in range(4)]
    made = plan([*regions, offer("vast", price=9.0), offer("vast", price=9.5, market=Market.SPOT)], CHEAPEST)
    assert {(pick.offer.provider, pick.offer.market) for pick in made.runners_up} == {
        ("vast", "on_demand"),
        ("vast", "spot"),
    }


def test_what_it_costs_to_be_wrong() -> None:
    spot = offer("vast", price=1.0, market=Market.SPOT)
    made = plan([spot, offer(price=30.0)], CHEAPEST, terms=RunTerms(checkpoint_every_s=600))
    assert made.regret is not None
    assert made.chosen is not None
    assert made.chosen.cost is not None
    assert made.regret.cost_p90_micro >= made.chosen.cost.p50_micro
    assert made.regret.if_interrupted_micro is not None
    assert plan([offer()], CHEAPEST).regret is not None
    assert any("takes it back" in reason for reason in made.chosen.risk_reasons)


def test_set_up_and_waiting_count_against_a_deadline() -> None:
    made = plan([offer("aws")], replace(CHEAPEST, deadline_h=10.001))
    assert made.chosen is None
    assert [(group.constraint, group.count) for group in made.exclusions] == [("constraints.deadline", 1)]
    assert "end too late" in made.reason


def test_without_an_estimate_places_compare_by_the_hour() -> None:
    made = plan([offer(price=3.0), offer("vast", price=2.0)], CHEAPEST, hours=None)
    assert chosen(made).provider == "vast"
    assert "by the hour" in made.reason
    assert made.regret is None
    assert made.chosen is not None
    assert made.chosen.measures.cost_p50_micro is None


def test_tasks_of_one_job_may_go_to_several_places() -> None:
    made = plan([offer(price=1.0), offer("vast", price=2.0)], replace(CHEAPEST, tasks=12))
    assert [(pick.offer.provider, pick.tasks) for pick in made.shares] == [("lambda", 8), ("vast", 4)]


@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_short_list_gives_the_same_cheapest_as_everything(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table(4_000)
    wanted = replace(JOBS[name], strategy=Strategy.CHEAPEST)

    def find_cost(shortlist: int) -> int | None:
        monkeypatch.setattr(candidates_module, "_SHORTLIST", shortlist)
        around = Surroundings(runnable=frozenset(table.words["provider"]), now=NOW)
        made = plan_market(table, wanted, RunTerms(), around, hours=hours_on)
        return None if made.chosen is None else made.chosen.measures.cost_p50_micro

    assert find_cost(5) == find_cost(len(table))


def test_carbon_counts_where_it_is_known() -> None:
    table = OfferTable.of([offer(region="clean"), offer(region="dirty"), offer("vast", region="nowhere")])
    around = Surroundings(
        runnable=frozenset({"lambda"}),
        kilowatts=lambda _, count: 1.0 * count,
        grams_per_kwh=lambda _, region: {"clean": 20.0, "dirty": 700.0}.get(region),
        now=NOW,
    )
    made = plan_market(table, replace(CHEAPEST), RunTerms(), around, hours=ten_hours)
    assert made.chosen is not None
    assert made.chosen.measures.carbon_g in (pytest.approx(200.0), pytest.approx(7000.0))
