"""What holds of every replay, whatever the jobs, the places and the policy."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tests.unit.placement.replays_for_tests import DOLLAR, HOUR, job, option, owned, rented, world
from tradewind.domain.offers import Market
from tradewind.placement.replay.engine import replay
from tradewind.placement.replay.policies import (
    Patient,
    SpotGreedy,
    UniformProgress,
    on_demand_only,
    owned_first,
    owned_only,
)
from tradewind.placement.replay.records import Ending, JobRecord
from tradewind.placement.replay.series import Series
from tradewind.placement.replay.world import MANY, Room, World

POLICIES = [owned_only(), owned_first(), on_demand_only(), Patient(), SpotGreedy(), UniformProgress()]

_changes = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)), max_size=6)


def _series(points: list[tuple[int, int]], first: int, unit: int) -> Series:
    return Series.of([(0, first), *((time * HOUR, value * unit) for time, value in points)])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    machines = draw(st.lists(st.sampled_from([4000, 8000]), min_size=1, max_size=3))
    places = [
        owned(*(Room(milli_accelerators=each) for each in machines)),
        rented(price=_series(draw(_changes), 3 * DOLLAR, DOLLAR)),
        rented(
            Market.SPOT,
            price=_series(draw(_changes), DOLLAR, DOLLAR // 2),
            up=_series(draw(_changes), 2, 1),
            interruptions_per_hour=draw(st.sampled_from([0.0, 0.3])),
            rule={"minimum": 60},
        ),
    ]
    jobs = []
    for number in range(draw(st.integers(1, 8))):
        hours = draw(st.integers(1, 12)) / 2
        arrival = draw(st.integers(0, 20)) * 900
        setup = draw(st.sampled_from([0, 240]))
        chosen = draw(st.sets(st.integers(0, 2), min_size=1))
        held = draw(st.sampled_from([1000, 4000, 8000]))
        options = [
            option(
                place,
                hours * (1 + place / 2),
                setup_s=setup,
                lead_s=setup // 2,
                watts=300.0,
                room=Room(milli_accelerators=held) if place == 0 else Room(),
            )
            for place in sorted(chosen)
            if place or held <= max(machines)
        ]
        deadline = draw(st.none() | st.integers(1, 30))
        jobs.append(
            job(
                f"j{number}",
                arrival,
                *options,
                deadline_s=None if deadline is None else arrival + deadline * HOUR,
                checkpoint_every_s=draw(st.sampled_from([None, 600, 1800])),
                priority=draw(st.integers(0, 1)),
            )
        )
    return world(places, *jobs, seed=draw(st.integers(0, 3)), is_strict_queue=draw(st.booleans()))


def _records(of: World) -> list[tuple[str, JobRecord]]:
    return [(policy.name, record) for policy in POLICIES for record in replay(of, policy).records]


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_costs_are_never_negative_and_the_total_is_the_sum_of_the_jobs(of: World) -> None:
    for policy in POLICIES:
        outcome = replay(of, policy)
        assert all(stay.cost_micro >= 0 for record in outcome.records for stay in record.stays)
        assert outcome.cost_micro == sum(
            stay.machine_micro + stay.traffic_micro + stay.disk_micro
            for record in outcome.records
            for stay in record.stays
        )


@settings(max_examples=30, deadline=None)
@given(worlds())
def test_the_same_world_has_the_same_outcome(of: World) -> None:
    for policy in POLICIES:
        assert replay(of, policy) == replay(of, policy)


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_a_job_is_in_one_place_at_a_time_and_its_time_adds_up(of: World) -> None:
    for _, record in _records(of):
        for before, after in zip(record.stays, record.stays[1:], strict=False):
            assert before.ended_s <= after.asked_s
        if record.ended_s is not None:
            assert record.stays[-1].ended_s == record.ended_s
            assert record.waiting_s is not None
            assert record.waiting_s >= 0
            assert record.setup_s >= 0
            assert record.turnaround_s == record.waiting_s + record.setup_s + record.run_s
            assert record.job.arrival_s <= record.stays[0].asked_s


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_every_hour_of_work_is_done_once_beside_what_was_lost(of: World) -> None:
    for _, record in _records(of):
        if record.ended_s is None:
            continue
        runs = {each.place: each.run_s for each in record.job.options}
        done = sum(
            (Fraction(stay.run_s - stay.lost_s, runs[stay.place]) for stay in record.stays), Fraction(0)
        )
        # Each stay rounds what is left up to a whole second.
        assert 1 <= done <= 1 + Fraction(len(record.stays), min(runs.values()))
        assert [stay.ending for stay in record.stays].count(Ending.FINISHED) == 1


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_no_place_ever_holds_more_than_it_has(of: World) -> None:
    for policy in POLICIES:
        records = replay(of, policy).records
        by_place = defaultdict(list)
        for record in records:
            for stay in record.stays:
                by_place[stay.place].append(stay)
        for number, place in enumerate(of.places):
            for moment in {stay.asked_s for stay in by_place[number]}:
                here = [stay for stay in by_place[number] if stay.asked_s <= moment < stay.ended_s]
                if place.machines:
                    whole = sum(each.milli_accelerators for each in place.machines)
                    assert sum(stay.milli_accelerators for stay in here) <= whole
                elif place.up is not None:
                    assert len(here) <= place.up.at(moment)


@settings(max_examples=60, deadline=None)
@given(worlds(), st.sampled_from(POLICIES[:3]))
def test_a_cheaper_constant_price_never_costs_more(of: World, policy: object) -> None:
    def priced(micro: int) -> World:
        places = tuple(replace(each, price=Series.constant(micro)) for each in of.places)
        return replace(of, places=places)

    # Prices that are all alike leave the choice of place as it is.
    costs = [replay(priced(micro), policy).cost_micro for micro in (DOLLAR, 2 * DOLLAR)]  # type: ignore[arg-type]
    assert costs[0] <= costs[1]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from([0, MANY])), max_size=10),
    st.integers(1, 24),
    st.integers(0, 30),
)
@pytest.mark.parametrize("policy", [SpotGreedy(), UniformProgress(), Patient()])
def test_spot_policies_keep_every_deadline_that_on_demand_alone_could_keep(
    policy: object, ups: list[tuple[int, int]], hours: int, more: int
) -> None:
    spot = rented(
        Market.SPOT, price=DOLLAR, up=Series.of([(0, 0), *((time * 1800, value) for time, value in ups)])
    )
    options = (option(0, hours, setup_s=300), option(1, hours, setup_s=300))
    deadline = hours * HOUR + 300 + more * 600
    of = world([spot, rented()], job("a", 0, *options, deadline_s=deadline, checkpoint_every_s=600))
    record = replay(of, policy).records[0]  # type: ignore[arg-type]
    assert not record.is_late
