"""What a job would take on each accelerator: which lines there are, and what each says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.catalog.offers_for_tests import offer
from tests.unit.placement.test_choose import HERE
from tradewind.control.estimating import accuracy, estimate_job
from tradewind.control.predicting import Outcome, PastRun
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Market
from tradewind.domain.schemas_estimate import EstimateLine, EstimateView
from tradewind.spec.models import JobSpec

MARKET = OfferTable.of(
    [
        offer(2_500_000),
        offer(2_000_000, provider="akash"),
        offer(1_000_000, provider="spotty", market=Market.SPOT),
        offer(20_000_000, instance_type="8x", accelerator_count=8.0),
        offer(700_000, accelerator="L4", instance_type="l4"),
        offer(400_000, accelerator="RTX-4090", instance_type="4090"),
    ]
)
RESNET = {"model": "resnet-50", "samples": "1.28M", "epochs": 90}
LAPTOP = replace(HERE, accelerators=(), accelerator=None, accelerator_count=0)


def estimated(
    asked: list[str] | None = None, *, own: Any = (), runs: Any = (), outcomes: Any = (), **keys: Any
) -> EstimateView:
    spec = JobSpec.model_validate({"version": 1, "name": "a", "run": "true", **keys})
    return estimate_job(spec, asked, MARKET, list(own), list(runs), list(outcomes))


def names(view: EstimateView) -> list[tuple[str, float]]:
    return [(line.accelerator, line.count) for line in view.lines]


def line_of(view: EstimateView, accelerator: str) -> EstimateLine:
    return next(line for line in view.lines if line.accelerator == accelerator)


def past(hours: float, *, accelerator: str = "H100-SXM", is_complete: bool = True) -> PastRun:
    return PastRun(
        hours=hours, accelerator=accelerator, accelerator_count=1, provider="local", is_complete=is_complete
    )


def test_all_that_is_offered_is_looked_at_where_the_job_names_nothing() -> None:
    view = estimated(estimate=RESNET)
    assert set(names(view)) == {("H100 SXM", 1), ("L4", 1), ("RTX 4090", 1)}
    costs = [line.cost.micro for line in view.lines if line.cost is not None]
    assert len(costs) == 3
    assert costs == sorted(costs)
    assert view.workload.startswith("resnet50, pretrain, 115,200,000 images")


def test_the_cheapest_steady_offer_stands_beside_each() -> None:
    line = line_of(estimated(estimate={"hours": 10, "on": "H100"}), "H100 SXM")
    assert (line.provider, line.market) == ("akash", "on_demand")
    assert line.price_per_hour is not None
    assert line.cost is not None
    assert line.price_per_hour.micro == 2_000_000
    assert line.hours is not None
    assert (line.hours.p50, line.hours.layer) == (10, "stated")
    assert line.cost.micro == pytest.approx(20_000_000, rel=0.05)
    assert line.energy_kwh is not None
    assert line.carbon_grams is not None


def test_several_kinds_and_numbers_are_each_estimated() -> None:
    view = estimated(resources={"accelerators": ["H100:8", "L4"]}, estimate=RESNET)
    assert set(names(view)) == {("H100 SXM", 8), ("L4", 1)}
    eight, one = line_of(view, "H100 SXM").hours, line_of(view, "L4").hours
    assert eight is not None
    assert one is not None
    assert eight.p50 * 8 < one.p50


def test_hours_that_were_measured_on_eight_are_compared_with_eight() -> None:
    view = estimated(estimate={"hours": 10, "on": "H100:8"})
    assert {line.count for line in view.lines} == {8}


def test_those_that_are_asked_for_are_the_only_ones() -> None:
    view = estimated(["H100:2", "4090"], estimate=RESNET, resources={"accelerators": "L4"})
    assert set(names(view)) == {("H100 SXM", 2), ("RTX 4090", 1)}
    assert line_of(view, "H100 SXM").provider is None


@pytest.mark.parametrize("asked", ["XPU9000", "H100:0", "H100:0.0", "H100:-1", ":", " "])
def test_what_nobody_knows_is_refused(asked: str) -> None:
    with pytest.raises(InvalidInputError):
        estimated([asked], estimate=RESNET)


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.text(max_size=64), st.builds("{}:{}".format, st.sampled_from(["H100", "L4"]), st.floats())),
    st.sampled_from([RESNET, {"hours": 1}, {"hours": 1e5, "on": "V100:3"}, None]),
)
def test_whatever_is_asked_for_is_answered_or_refused(asked: str, estimate: Any) -> None:
    try:
        view = estimated([asked], **({} if estimate is None else {"estimate": estimate}))
    except InvalidInputError:
        return
    assert len(view.lines) == 1


def test_an_accelerator_that_nobody_knows_is_named() -> None:
    view = estimated(resources={"accelerators": ["XPU9000:2", "L4"]}, estimate=RESNET)
    assert names(view) == [("L4", 1)]
    assert view.warnings == [
        "nothing is known of an accelerator called 'XPU9000'; `tradewind gpus` lists what is"
    ]


def test_a_model_that_nobody_knows_is_told_with_those_that_are_near() -> None:
    view = estimated(estimate={"model": "lama-3.1-8b", "tokens": "5M"})
    assert "did you mean llama-3.1-8b" in view.warnings[0]
    assert all(line.hours is None for line in view.lines)


def test_memory_is_itemised_and_what_would_make_it_fit_is_told() -> None:
    view = estimated(
        resources={"accelerators": "L4"},
        estimate={"model": "llama-3.1-8b", "method": "full", "tokens": "5M"},
    )
    assert [line.verdict for line in view.lines] == ["does_not_fit"]
    assert view.memory is not None
    assert view.memory.accelerator == "L4"
    assert sum(item.gb for item in view.memory.items) == pytest.approx(view.memory.total_gb.p50, rel=0.05)
    assert any(switch.makes_it_fit for switch in view.memory.switches)


def test_a_job_of_which_nothing_is_known_says_what_to_add() -> None:
    view = estimated(resources={"accelerators": "H100"})
    assert [line.hours for line in view.lines] == [None]
    assert "add `estimate: {hours: 10, on: RTX 4090}`" in view.warnings[-1]


def test_earlier_runs_count_more_than_what_the_job_file_says() -> None:
    view = estimated(runs=[past(3), past(3.2)], estimate={"hours": 10, "on": "H100"})
    hours = line_of(view, "H100 SXM").hours
    assert hours is not None
    assert hours.layer == "history"
    assert hours.p50 == pytest.approx(3.1)
    assert view.earlier_runs == 2
    elsewhere = line_of(view, "L4").hours
    assert elsewhere is not None
    assert elsewhere.layer == "history"
    assert elsewhere.p50 > 3.1


def test_a_pace_seen_here_counts_more_than_a_run_elsewhere_and_less_than_one_here() -> None:
    here, there = past(4, is_complete=False), past(2, accelerator="RTX-4090")
    hours = line_of(estimated(runs=[here, there]), "H100 SXM").hours
    assert hours is not None
    assert hours.layer == "probe"
    assert hours.p50 == pytest.approx(4)
    assert "stopped early" in hours.basis
    both = line_of(estimated(runs=[here, there, past(5)]), "H100 SXM").hours
    assert both is not None
    assert both.layer == "history"
    assert both.p50 == pytest.approx(5)
    assert hours.p90 / hours.p10 > both.p90 / both.p10


def test_the_machine_at_hand_is_shown_for_the_share_that_the_job_would_hold() -> None:
    keys: dict[str, Any] = {"estimate": {"hours": 10}, "resources": {"cpus": 4}}
    view = estimated(own=[LAPTOP], **keys)
    line = next(line for line in view.lines if line.is_here)
    assert line.accelerator == "16 processors"
    assert line.cost is not None
    # A quarter of what is above 200 W idle, three quarters busy; 10 h at $0.20.
    watts = (200 + 0.75 * 800) * 4 / 16
    assert line.cost.micro == pytest.approx(watts / 1000 * 10 * 200_000, rel=0.3)
    whole = estimated(own=[LAPTOP], estimate={"hours": 10}, resources={"cpus": 16}).lines
    cost = next(line.cost for line in whole if line.is_here)
    assert cost is not None
    assert cost.micro > 2 * line.cost.micro


def test_a_machine_at_hand_that_cannot_run_it_is_no_answer() -> None:
    view = estimated(own=[LAPTOP], resources={"accelerators": "H100"}, estimate={"hours": 10})
    assert not any(line.is_here for line in view.lines)


def test_work_without_accelerators_is_not_priced_on_those_of_others() -> None:
    view = estimated(own=[LAPTOP], runs=[past(2, accelerator="")])
    assert [(line.is_here, line.hours is not None) for line in view.lines] == [(True, True)]


def outcome(p50: float, actual: float) -> Outcome:
    return Outcome(job_id="j", layer="stated", p10=p50 * 0.9, p50=p50, p90=p50 * 1.1, actual_hours=actual)


def test_accuracy_is_told_in_words() -> None:
    assert accuracy([]).text.startswith("no estimate to check yet")
    assert accuracy([outcome(1.0, 1.25)]).text == "the last estimate was 20 % off"
    several = accuracy([outcome(1.0, 1.0), outcome(1.0, 1.25), outcome(1.0, 2.0)])
    assert (several.text, several.runs) == ("the last 3 estimates were 20 % off", 3)
    assert several.within_band == pytest.approx(1 / 3)


def test_accelerators_of_all_alternatives_are_looked_at_each_once() -> None:
    some = [{"accelerators": "H100:1"}, {"accelerators": "RTX4090:1"}]
    resources = {"any_of": [*some, {"accelerators": "H100:1", "providers": ["akash"]}]}
    view = estimated(estimate={"hours": 10, "on": "H100"}, resources=resources)
    assert sorted(names(view)) == [("H100 SXM", 1), ("RTX 4090", 1)]


def test_an_alternative_without_accelerators_leaves_all_of_them_open() -> None:
    resources = {"any_of": [{"accelerators": "H100:1"}, {"cpus": 4}]}
    view = estimated(estimate=RESNET, resources=resources)
    assert set(names(view)) == {("H100 SXM", 1), ("L4", 1), ("RTX 4090", 1)}


def test_a_machine_at_hand_that_fits_two_alternatives_is_one_line() -> None:
    alone = estimated(estimate={"hours": 10, "on": "RTX 4090"}, own=[HERE])
    both = estimated(
        estimate={"hours": 10, "on": "RTX 4090"},
        own=[HERE],
        resources={"any_of": [{"spot": "never"}, {"spot": "auto"}]},
    )
    at_hand = [[line for line in view.lines if line.provider == HERE.provider] for view in (alone, both)]
    assert at_hand[0] == at_hand[1] != []
