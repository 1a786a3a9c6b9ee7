"""Plans as users get them: a machine at hand alone, and beside a market."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tests.unit.placement.offers_for_tests import offer
from tests.unit.placement.test_choose import HERE
from tradewind.cli.plan_text import show_plan
from tradewind.control.planning import make_plan
from tradewind.control.predicting import PastRun
from tradewind.db.store import SqlStore
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Market, Offer
from tradewind.domain.schemas_plan import PlanView
from tradewind.spec.models import JobSpec

MARKET = [
    offer("lambda", price=2.49, region="us-west-1"),
    offer("vast", price=1.61, region="eu-nl", market=Market.SPOT),
    offer("aws", price=6.88, region="us-east-1"),
    offer("runpod", accelerator="RTX-4090", price=0.69, region="us-tx"),
]


async def planned(store: SqlStore, here: list[Offer], market: list[Offer] | None, **keys: Any) -> PlanView:
    spec = JobSpec.model_validate({"version": 1, "name": "a", "run": "true", **keys})
    table = None if market is None else OfferTable.of(market)
    return await store.read(lambda tx: make_plan(tx, spec, here, table))


async def test_without_a_market_the_machine_at_hand_is_all_there_is(store: SqlStore) -> None:
    plan = await planned(store, [HERE], None, estimate={"hours": 10}, resources={"accelerators": "RTX 4090"})
    assert plan.chosen is not None
    assert plan.chosen.instance_type == "desk"
    assert (plan.hours, plan.hours_source) == (10, "the job file's estimate")
    assert plan.cost_estimate is not None
    assert (plan.place, plan.runners_up, plan.exclusions) == (None, [], [])


async def test_a_market_is_shown_beside_the_machine_at_hand(store: SqlStore) -> None:
    keys: dict[str, Any] = {
        "estimate": {"hours": 10, "on": "RTX 4090"},
        "resources": {"accelerators": ["H100", "RTX 4090"]},
        "strategy": "fastest",
    }
    plan = await planned(store, [HERE], MARKET, **keys)
    assert plan.chosen is not None
    assert plan.place is not None
    assert (plan.chosen.provider, plan.place.is_runnable) == ("local", True)
    assert plan.place.hours is not None
    assert plan.place.hours.layer == "stated"
    assert plan.best_anywhere is not None
    assert plan.best_anywhere.offer.provider in {"lambda", "aws", "vast"}
    assert plan.best_anywhere.hours is not None
    assert plan.best_anywhere.hours.p50 < 10
    assert plan.best_anywhere.how_to_connect
    assert plan.best_anywhere.energy_kwh is not None
    assert plan.best_anywhere.carbon_grams is not None
    assert plan.best_anywhere.cost_parts is not None
    parts = plan.best_anywhere.cost_parts
    total = sum(
        each.micro for each in (parts.compute, parts.setup, parts.storage, parts.egress, parts.interruptions)
    )
    assert plan.best_anywhere.cost is not None
    assert total == plan.best_anywhere.cost.micro
    assert (plan.offers_seen, plan.offers_fitting) == (5, 5)
    text = show_plan(plan.model_dump(mode="json"))
    assert "best anywhere" in text
    assert "also fit  5 of 5 offers" in text


async def test_nothing_that_fits_is_explained_with_counts(store: SqlStore) -> None:
    keys = {
        "resources": {"accelerators": "H100"},
        "constraints": {"max_price": "$1/h"},
        "estimate": {"hours": 2},
    }
    plan = await planned(store, [HERE], MARKET, **keys)
    assert plan.chosen is None
    assert "3 of 4 offers have H100:1, but all above your $1.00/h; $1.61/h would do" in plan.reason
    assert plan.what_would_change[0].price_per_hour.text == "$1.61"
    assert sum(group.count for group in plan.exclusions) == plan.offers_seen == 5
    assert "ruled out" in show_plan(plan.model_dump(mode="json"))


async def test_a_deadline_that_cannot_be_met_is_a_warning_and_no_reason_to_wait(store: SqlStore) -> None:
    keys: dict[str, Any] = {
        "estimate": {"hours": 10, "on": "RTX 4090"},
        "resources": {"accelerators": "RTX 4090"},
        "constraints": {"deadline": "2020-01-01T00:00Z"},
    }
    for market in (None, MARKET):
        plan = await planned(store, [HERE], market, **keys)
        assert plan.chosen is not None
        assert plan.chosen.provider == "local"
        assert any("after its deadline" in each for each in plan.warnings)


async def test_live_offers_replace_those_of_price_lists(store: SqlStore) -> None:
    listed = offer("local", accelerator="RTX-4090", price=0.0001, market=Market.OWNED)
    plan = await planned(store, [HERE], [listed, *MARKET], estimate={"hours": 1})
    assert plan.offers_seen == 5


async def test_a_model_nobody_knows_is_a_warning(store: SqlStore) -> None:
    plan = await planned(store, [HERE], MARKET, estimate={"model": "no-such-model", "tokens": "5M"})
    assert any("no-such-model" in warning for warning in plan.warnings)
    assert plan.chosen is not None


async def test_a_model_is_worked_out_and_held_against_memory(store: SqlStore) -> None:
    keys = {
        "estimate": {"model": "llama-3.1-8b", "method": "full", "tokens": "5M"},
        "resources": {"accelerators": ["H100", "RTX 4090"]},
    }
    plan = await planned(store, [], MARKET, **keys)
    assert plan.best_anywhere is None or plan.best_anywhere.hours is not None
    assert {group.constraint for group in plan.exclusions} <= {"estimate.model"}
    assert "RTX 4090" in str([group.examples for group in plan.exclusions])


async def test_earlier_runs_count_more_than_what_is_worked_out(store: SqlStore) -> None:
    runs = [
        PastRun(hours=3.0, accelerator="RTX-4090", accelerator_count=1.0, provider="local", is_complete=True)
        for _ in range(3)
    ]
    spec = JobSpec.model_validate(
        {"version": 1, "name": "a", "run": "true", "resources": {"accelerators": "RTX 4090"}}
    )
    alone = await store.read(lambda tx: make_plan(tx, spec, [HERE], None, runs))
    assert alone.hours == 3.0
    plan = await store.read(lambda tx: make_plan(tx, spec, [HERE], OfferTable.of(MARKET), runs))
    assert plan.place is not None
    assert plan.place.hours is not None
    assert (plan.place.hours.p50, plan.place.hours.layer) == (3.0, "history")


async def test_reliability_is_asked_of_machines_at_hand_too(store: SqlStore) -> None:
    keys = {"constraints": {"min_reliability": 0.999}}
    plan = await planned(store, [HERE], None, **keys)
    assert plan.excluded[0].constraint == "constraints.min_reliability"


def test_a_server_without_a_market_does_not_load_numpy() -> None:
    code = "import sys, tradewind.control.planning; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


async def test_what_a_connected_provider_rents_can_be_chosen(store: SqlStore) -> None:
    spec = JobSpec.model_validate(
        {
            "version": 1, "name": "a", "run": "true", "resources": {"accelerators": "H100"},
            "estimate": {"hours": 2, "on": "H100"},
        }
    )  # fmt: skip
    table = OfferTable.of(MARKET)
    plan = await store.read(lambda tx: make_plan(tx, spec, [HERE], table, (), frozenset({"lambda", "vast"})))
    assert plan.place is not None
    assert plan.place.is_runnable
    assert plan.place.how_to_connect is None
    assert plan.place.offer.provider in ("lambda", "vast")
    text = show_plan(plan.model_dump(mode="json"))
    assert plan.place.offer.provider in text
