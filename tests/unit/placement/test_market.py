"""Holding a market against a job: columns say what a row by row reading says, and every row is accounted for."""

from __future__ import annotations

import math
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.placement.offers_for_tests import GIB, offer, plan, some_offers, some_wanted, ten_hours
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.hardware.names import fulfils
from tradewind.placement.choose import reliability_of
from tradewind.placement.kinds import Hours, kinds_of, look_at_kinds
from tradewind.placement.market import Constraint, Screen, screen
from tradewind.placement.wanted import Wanted, needed_gbit_per_s
from tradewind.spec.resources import Spot


def screened(offers: list[Offer], wanted: Wanted, hours: Hours | None = ten_hours) -> Screen:
    table = OfferTable.of(offers)
    return screen(table, wanted, look_at_kinds(kinds_of(table), wanted, hours, None))


def first_failure(each: Offer, wanted: Wanted) -> Constraint | None:
    """The reading of one offer by itself, in the order that is promised."""
    asked = [
        count for name, count in wanted.accelerators if each.accelerator and fulfils(name, each.accelerator)
    ]
    held = min(asked) if wanted.accelerators and asked else each.accelerator_count
    band = ten_hours(each.accelerator, held or 1.0)
    is_asked = not wanted.accelerators or bool(asked and each.accelerator_count >= min(asked))
    hourly = each.rate.micro_per_unit
    hours = math.inf if band is None else band.p50
    checks = [
        (Constraint.PROVIDERS, bool(wanted.providers) and each.provider not in wanted.providers),
        (Constraint.REGIONS, bool(wanted.regions) and not any(fnmatchcase(each.region, p) for p in wanted.regions)),
        (
            Constraint.SPOT,
            (wanted.spot is Spot.ONLY and each.market != Market.SPOT)
            or (wanted.spot is Spot.NEVER and each.market == Market.SPOT),
        ),
        (Constraint.ACCELERATORS, not is_asked),
        (Constraint.CPUS, 0 < each.cpus < wanted.cpus),
        (Constraint.MEMORY, 0 < each.memory_bytes < wanted.memory_gib * GIB),
        (Constraint.LENGTH, band is None),
        (Constraint.RELIABILITY, wanted.min_reliability is not None and reliability_of(each) < wanted.min_reliability),
        (Constraint.PRICE_KNOWN, hourly == 0 or not {"placeholder", "no_price"}.isdisjoint(each.flags)),
        (Constraint.AVAILABILITY, each.availability is Availability.UNAVAILABLE or not each.is_available),
        (Constraint.MAX_DURATION, wanted.max_duration_h is not None and hours > wanted.max_duration_h),
        (Constraint.DEADLINE, wanted.deadline_h is not None and hours > wanted.deadline_h),
        (Constraint.MAX_PRICE, wanted.max_price_micro is not None and hourly > wanted.max_price_micro),
        (Constraint.BUDGET, wanted.budget_micro is not None and hourly * hours > wanted.budget_micro),
    ]  # fmt: skip
    return next((constraint for constraint, fails in checks if fails), None)


@given(offers=st.lists(some_offers, min_size=1, max_size=25), wanted=some_wanted)
def test_columns_say_what_rows_say(offers: list[Offer], wanted: Wanted) -> None:
    found = screened(offers, wanted)
    expected = [first_failure(each, wanted) for each in offers]
    assert found.rows.tolist() == [row for row, failure in enumerate(expected) if failure is None]
    for constraint in Constraint:
        rows = [row for row, failure in enumerate(expected) if failure is constraint]
        assert found.charged_to(constraint).tolist() == rows
        assert found.counts.get(constraint, 0) == len(rows)


@given(offers=st.lists(some_offers, min_size=1, max_size=25), wanted=some_wanted)
def test_what_was_ruled_out_and_what_fits_are_everything(offers: list[Offer], wanted: Wanted) -> None:
    found = screened(offers, wanted)
    assert sum(found.counts.values()) + len(found.rows) == len(offers)
    made = plan(offers, wanted)
    assert (
        sum(group.count for group in made.exclusions) + made.offers_fitting == len(offers) == made.offers_seen
    )
    assert made.reason


@given(
    offers=st.lists(some_offers, min_size=1, max_size=25),
    wanted=some_wanted,
    dropped=st.sampled_from(
        [
            {"cpus": 0.0}, {"memory_gib": 0.0}, {"providers": ()}, {"regions": ()}, {"spot": Spot.AUTO},
            {"max_price_micro": None}, {"budget_micro": None}, {"deadline_h": None}, {"max_duration_h": None},
            {"min_reliability": None},
        ]
    ),
)  # fmt: skip
def test_loosening_a_constraint_never_removes_anything(
    offers: list[Offer], wanted: Wanted, dropped: dict[str, object]
) -> None:
    tight = set(screened(offers, wanted).rows.tolist())
    assert tight <= set(screened(offers, replace(wanted, **dropped)).rows.tolist())  # type: ignore[arg-type]


def test_what_nobody_knows_rules_nothing_out() -> None:
    found = screened([offer(cpus=0, memory_bytes=0)], Wanted(cpus=64, memory_gib=512))
    assert found.rows.tolist() == [0]


def test_without_an_estimate_everything_is_compared_by_the_hour() -> None:
    found = screened([offer(accelerator=None), offer(accelerator="Odd-9000")], Wanted(), hours=None)
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    ("nodes_max", "count", "nodes"), [(1, 8.0, 1), (1, 4.0, 0), (8, 1.0, 8), (8, 4.0, 2), (4, 1.0, 0)]
)
def test_fewer_accelerators_on_more_nodes_only_where_the_job_allows_it(
    nodes_max: int, count: float, nodes: int
) -> None:
    wanted = Wanted(accelerators=(("H100", 8),), nodes_max=nodes_max)
    found = screened([offer(accelerator_count=count, network_gbit_per_s=400)], wanted)
    assert found.facts.nodes.tolist() == [nodes]
    assert len(found.rows) == (1 if nodes else 0)


def test_a_slow_network_rules_out_clusters_only() -> None:
    slow = offer(accelerator_count=4, network_gbit_per_s=1)
    wanted = Wanted(accelerators=(("H100", 8),), nodes_max=2)
    assert list(screened([slow], wanted).counts) == [Constraint.NETWORK]
    assert screened([replace(slow, network_gbit_per_s=None)], wanted).rows.tolist() == [0]
    assert screened([replace(slow, accelerator_count=8)], wanted).rows.tolist() == [0]


def test_the_network_that_gradients_need() -> None:
    assert needed_gbit_per_s(16e9, 1.0, 2) == pytest.approx(128.0)
    assert needed_gbit_per_s(16e9, 1.0, 1) == 0.0
