"""Replays over a market: they agree with plans, and strategies rank as plans do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.offers_for_tests import an_offer
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Accelerator, Availability, Offer
from tradewind.estimate.cost import estimate_cost
from tradewind.placement.estimates import JobEstimates, terms_of
from tradewind.placement.replay import building
from tradewind.placement.replay.building import OwnedMachines, build_world
from tradewind.placement.replay.courses import Course
from tradewind.placement.replay.engine import replay
from tradewind.placement.replay.ranking import POLICIES, make_policy
from tradewind.placement.replay.series import Series
from tradewind.placement.replay.shapes import Arrival, HoursByKind, Shape
from tradewind.spec.models import JobSpec

HOUR, DOLLAR = 3600, 1_000_000
SPEC: dict[str, Any] = {
    "version": 1,
    "name": "train",
    "run": "python train.py",
    "resources": {"accelerators": "A100-80GB"},
    "estimate": {"hours": 10, "on": "A100-80GB"},
    "checkpoints": {"path": "ckpt", "every": "10m"},
}


def a_shape(**keys: Any) -> Shape:
    spec = JobSpec.model_validate({**SPEC, **keys})
    return Shape(spec=spec, lengths=JobEstimates(spec), group=str(sorted(keys)))


def arrivals(count: int = 1, **more: Any) -> list[Arrival]:
    return [Arrival(shape=0, name=f"j{n}", arrival_s=n * HOUR, **more) for n in range(count)]


def own_machine(watts: float = 500.0) -> OwnedMachines:
    held = Accelerator(
        name="NVIDIA A100 80GB PCIe", memory_bytes=80 << 30, index=0, uuid="u", tdp_watts=watts
    )
    offer = Offer(
        provider="local", region="here", zone=None, instance_type="bench", cpus=1, memory_bytes=64 << 30,
        disk_bytes=1 << 40, accelerators=(held,), accelerator="A100-80GB-PCIe", accelerator_count=1.0,
        rate=Rate(micro_per_unit=200_000, per=Quantity.KWH), watts_low=watts, watts_high=watts,
        grams_co2e_per_kwh=400.0,
    )  # fmt: skip
    return OwnedMachines(offer=offer)


def run(name: str, offers: Sequence[Offer], shapes: list[Shape], jobs: list[Arrival], **more: Any) -> Any:
    built = build_world(shapes, jobs, table=OfferTable.of(offers), **more)
    outcome = replay(built.world, make_policy(name, built))
    return built, outcome


@pytest.mark.parametrize(
    ("provider", "terms"),
    [
        ("lambda", {}),
        ("aws", {"resources": {"accelerators": "A100-80GB", "disk": "2TB"}}),
        (
            "gcp",
            {"estimate": {"hours": 3.3, "on": "A100-80GB", "dataset_gb": 700, "dataset_in": "aws/us-east-1"}},
        ),
        ("modal", {"estimate": {"hours": 0.01, "on": "A100-80GB"}}),
    ],
)
def test_an_undisturbed_job_costs_and_lasts_what_a_plan_says(provider: str, terms: dict[str, Any]) -> None:
    shape = a_shape(**terms)
    offer = an_offer(
        1.99, provider=provider, region="us-east-1", disk_bytes=3 << 40, availability=Availability.LOW
    )
    built, outcome = run("cheapest", [offer], [shape], arrivals())
    band = shape.lengths.hours(offer.accelerator, 1.0)
    assert band is not None
    planned = estimate_cost(built.table.offer(0), band, terms_of(shape.spec))
    record = outcome.records[0]
    assert record.cost_micro == planned.p50_micro
    assert record.turnaround_s == round(planned.wall_hours.p50 * HOUR)
    assert record.waiting_s == round(planned.wait_min * 60) == 45 * 60


def test_strategies_rank_as_they_do_in_plans() -> None:
    offers = [
        an_offer(1.0, instance_type="cheap", availability=Availability.LOW),
        an_offer(3.0, instance_type="quick", availability=Availability.HIGH),
    ]
    taken = {}
    for name in ("cheapest", "fastest"):
        built, outcome = run(name, offers, [a_shape()], arrivals())
        taken[name] = built.world.places[outcome.records[0].stays[0].place].name.split()[-1]
    assert taken == {"cheapest": "cheap", "fastest": "quick"}


def test_a_price_that_falls_changes_where_the_next_job_goes() -> None:
    offers = [an_offer(2.0, instance_type="steady"), an_offer(3.0, instance_type="falling")]
    falls = Course(price=Series.of([(0, 3 * DOLLAR), (HOUR, DOLLAR)]))
    built, outcome = run("cheapest", offers, [a_shape()], arrivals(2), courses={1: falls})
    names = [built.world.places[record.stays[0].place].name.split()[-1] for record in outcome.records]
    assert names == ["steady", "falling"]


def test_own_machines_go_first_where_they_are_cheaper_and_their_watts_are_paid() -> None:
    built, outcome = run("balanced", [an_offer(2.0)], [a_shape()], arrivals(2), owned=[own_machine()])
    first, second = outcome.records
    assert first.stays[0].place == 0
    # Ten hours at 500 W are 5 kWh, at 0.20 dollars each; the machine is taken when the second comes.
    assert first.cost_micro == DOLLAR
    assert first.energy_kwh == pytest.approx(5.0)
    assert first.carbon_g == pytest.approx(2000.0)
    assert second.stays[0].place == built.first_rented


def test_the_cheapest_strategy_waits_for_an_own_machine_as_long_as_the_deadline_allows() -> None:
    jobs = [
        *arrivals(1),
        Arrival(shape=0, name="patient", arrival_s=1),
        Arrival(shape=0, name="pressed", arrival_s=2, deadline_s=13 * HOUR),
    ]
    built, outcome = run("cheapest", [an_offer(2.0)], [a_shape()], jobs, owned=[own_machine()])
    _, patient, pressed = outcome.records
    assert (patient.stays[0].place, patient.stays[0].asked_s) == (0, 10 * HOUR)
    # Ten hours before its deadline, less one second, the own machine would be too late.
    assert (pressed.stays[0].place, pressed.stays[0].asked_s) == (built.first_rented, 3 * HOUR + 1)


def test_spot_of_a_market_is_interrupted_by_its_rate_and_an_observed_zone_by_what_was_seen() -> None:
    spot = an_offer(0.5, market="spot", provider="aws", accelerator="V100", zone="us-east-1a")
    shape = a_shape(resources={"accelerators": "V100", "spot": "only"}, estimate={"hours": 48, "on": "V100"})
    built, outcome = run("spot-greedy", [spot], [shape], arrivals())
    assert built.world.places[0].interruptions_per_hour == pytest.approx(0.31)
    assert outcome.records[0].interruptions > 0
    seen = Course(
        price=Series.constant(DOLLAR // 2), up=Series.of([(0, 1), (HOUR, 0), (2 * HOUR, 1)]), is_observed=True
    )
    built, outcome = run("spot-greedy", [spot], [shape], arrivals(), courses={0: seen})
    record = outcome.records[0]
    assert record.interruptions == 1
    assert [stay.asked_s for stay in record.stays] == [0, 2 * HOUR]
    assert record.stays[0].wait_s == 0


def test_who_fits_nowhere_is_told_why() -> None:
    _, outcome = run("cheapest", [an_offer(2.0)], [a_shape(resources={"accelerators": "H100:8"})], arrivals())
    assert outcome.records[0].why == "none of 1 offers will do: H100:8 asked for, not there"


def test_hours_by_kind_are_those_of_the_trace_and_of_nothing_else() -> None:
    lengths = HoursByKind({"V100": 2.0, "K80": 11.0})
    spec = JobSpec.model_validate({**SPEC, "resources": {"accelerators": ["V100:2", "K80:2", "A100:2"]}})
    offers = [
        an_offer(1.0, accelerator="V100", count=2, instance_type="v"),
        an_offer(1.0, accelerator="A100-80GB-SXM", count=2, instance_type="a"),
    ]
    built, outcome = run("cheapest", offers, [Shape(spec=spec, lengths=lengths, group="")], arrivals())
    assert [place.name.split()[-1] for place in built.world.places] == ["v"]
    assert outcome.records[0].run_s == 2 * HOUR


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "MOST_PAIRS", 1)
    with pytest.raises(InvalidInputError, match="2 places to rent"):
        run("cheapest", [an_offer(2.0)], [a_shape(), a_shape()], arrivals())


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_ends_every_job_of_a_mixed_world(name: str) -> None:
    offers = [
        an_offer(2.0),
        an_offer(0.7, market="spot", zone="z"),
        an_offer(2.5, provider="runpod", region="eu-1", availability=Availability.MEDIUM),
    ]
    _, outcome = run(
        name, offers, [a_shape()], arrivals(5, deadline_s=40 * HOUR), owned=[own_machine()], seed=3
    )
    assert all(record.ended_s is not None for record in outcome.records)
    assert outcome.policy == name
