"""The replay by example, with figures worked out by hand."""

from __future__ import annotations

import pytest

from tests.unit.placement.replays_for_tests import (
    DOLLAR,
    HOUR,
    job,
    option,
    owned,
    rented,
    up_between,
    world,
)
from tradewind.domain.errors import InvalidInputError
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
from tradewind.placement.replay.policy import Decision, Situation
from tradewind.placement.replay.records import Ending
from tradewind.placement.replay.series import Series
from tradewind.placement.replay.summary import percentile, summarise
from tradewind.placement.replay.world import Option, Place, Room

FOUR = Room(milli_accelerators=4000)
EIGHT = Room(milli_accelerators=8000)


def test_a_job_on_demand_pays_set_up_and_running_by_the_second() -> None:
    here = world([rented()], job("a", 100, option(0, 2, lead_s=60, wait_s=40, setup_s=120)))
    outcome = replay(here, on_demand_only())
    record = outcome.records[0]
    # 7200 s of training and 120 s of set-up at 3 dollars an hour.
    assert record.cost_micro == outcome.cost_micro == 7320 * 3 * DOLLAR // HOUR == 6_100_000
    assert record.ended_s == 100 + 60 + 120 + 7200
    assert (record.waiting_s, record.setup_s, record.run_s) == (40, 140, 7200)


def test_the_billing_rule_raises_to_its_minimum_and_rounds_up_to_whole_hours() -> None:
    hourly = rented(rule={"granularity": 3600})
    minimum = rented(rule={"minimum": 600, "minimum_micro": 800_000})
    outcome = replay(world([hourly], job("a", 0, option(0, 1.5))), on_demand_only())
    assert outcome.cost_micro == 6 * DOLLAR
    outcome = replay(world([minimum], job("a", 0, option(0, 0.1))), on_demand_only())
    assert outcome.cost_micro == 800_000  # 600 s are half a dollar, less than the least that is charged


def test_a_price_that_changes_counts_for_the_seconds_it_held() -> None:
    price = Series.of([(0, 3 * DOLLAR), (HOUR, 6 * DOLLAR)])
    outcome = replay(world([rented(price=price)], job("a", 0, option(0, 3))), on_demand_only())
    assert outcome.cost_micro == (3 + 6 + 6) * DOLLAR


def test_own_machines_cost_their_electricity_and_one_job_waits_for_the_other() -> None:
    here = world(
        [owned()],
        job("a", 0, option(0, 2, room=EIGHT, watts=500.0)),
        job("b", 600, option(0, 1, room=EIGHT, watts=500.0)),
    )
    outcome = replay(here, owned_only())
    first, second = outcome.records
    assert first.cost_micro == DOLLAR
    assert second.cost_micro == DOLLAR // 2
    assert (second.waiting_s, second.ended_s) == (2 * HOUR - 600, 3 * HOUR)
    found = summarise(here, outcome)
    assert found.owned_use == pytest.approx(1.0)
    assert found.energy_kwh == pytest.approx(1.5)
    assert found.owned_micro == found.cost_micro
    assert (found.waiting_mean_s, found.waiting_p50_s, found.waiting_p95_s) == (3300.0, 0, 6600)


def test_owned_first_rents_what_own_machines_have_no_room_for() -> None:
    places = [owned(), rented()]
    options = (option(0, 1, room=FOUR, watts=100.0), option(1, 1))
    here = world(places, *(job(name, 0, *options) for name in "abc"))
    outcome = replay(here, owned_first())
    assert [record.stays[0].place for record in outcome.records] == [0, 0, 1]
    assert [record.waiting_s for record in outcome.records] == [0, 0, 0]


def test_a_strict_queue_holds_up_whoever_stands_behind() -> None:
    jobs = (
        job("half", 0, option(0, 4, room=FOUR)),
        job("whole", 1, option(0, 1, room=EIGHT)),
        job("other-half", 2, option(0, 1, room=FOUR)),
    )
    strict = replay(world([owned()], *jobs, is_strict_queue=True), owned_only()).records
    assert [record.stays[0].asked_s for record in strict] == [0, 4 * HOUR, 5 * HOUR]
    filling = replay(world([owned()], *jobs), owned_only()).records
    assert [record.stays[0].asked_s for record in filling] == [0, 4 * HOUR, 2]


def test_a_higher_priority_goes_first() -> None:
    jobs = (
        job("a", 0, option(0, 1, room=EIGHT)),
        job("b", 1, option(0, 1, room=EIGHT)),
        job("c", 2, option(0, 1, room=EIGHT), priority=1),
    )
    records = replay(world([owned()], *jobs), owned_only()).records
    assert [record.ended_s for record in records] == [HOUR, 3 * HOUR, 2 * HOUR]


def test_a_gang_needs_as_many_machines_and_gaps_are_filled_tightly() -> None:
    places = [owned(EIGHT, EIGHT)]
    jobs = (
        job("small", 0, option(0, 1, room=FOUR)),
        job("small-too", 0, option(0, 1, room=FOUR)),
        job("one", 0, option(0, 2, room=EIGHT)),
        job("gang", 0, option(0, 1, room=EIGHT, nodes=2)),
    )
    records = replay(world(places, *jobs), owned_only()).records
    # Both small ones share a machine, so that the next finds a whole one; the gang waits for two.
    assert [record.stays[0].asked_s for record in records] == [0, 0, 0, 2 * HOUR]


def test_an_interruption_costs_the_work_since_the_last_checkpoint() -> None:
    spot = rented(Market.SPOT, price=DOLLAR, up=up_between((0, 5000), (8000, 10**6)))
    here = world([spot], job("a", 0, option(0, 2, setup_s=100), checkpoint_every_s=1000))
    record = replay(here, SpotGreedy()).records[0]
    first, second = record.stays
    assert (first.ending, first.run_s, first.lost_s) == (Ending.INTERRUPTED, 4900, 900)
    assert (second.asked_s, second.run_s, second.ended_s) == (8000, 3200, 8000 + 100 + 3200)
    assert record.waiting_s == 3000
    assert record.lost_s == 900
    assert record.interruptions == 1
    assert record.cost_micro == round(5000 * DOLLAR / HOUR) + round(3300 * DOLLAR / HOUR)


def test_without_checkpoints_an_interruption_starts_from_zero() -> None:
    spot = rented(Market.SPOT, up=up_between((0, 5000), (8000, 10**6)))
    record = replay(world([spot], job("a", 0, option(0, 2))), SpotGreedy()).records[0]
    assert [stay.run_s for stay in record.stays] == [5000, 7200]
    assert record.lost_s == 5000


def test_traffic_is_paid_once_and_again_after_an_interruption() -> None:
    spot = rented(Market.SPOT, price=0, up=up_between((0, 5000), (8000, 10**6)))
    here = world(
        [spot], job("a", 0, option(0, 2, traffic_micro=70, again_micro=50, disk_micro_per_hour=3600))
    )
    record = replay(here, SpotGreedy()).records[0]
    assert [stay.traffic_micro for stay in record.stays] == [70, 50]
    assert [stay.disk_micro for stay in record.stays] == [5000, 7200]


def test_who_came_last_loses_its_machine_when_a_zone_has_fewer() -> None:
    zone = rented(Market.SPOT, up=Series.of([(0, 3), (1000, 2), (2000, 3)]))
    here = world(
        [zone], *(job(name, start, option(0, 1), checkpoint_every_s=10) for start, name in enumerate("abc"))
    )
    records = replay(here, SpotGreedy()).records
    assert [record.interruptions for record in records] == [0, 0, 1]
    assert records[2].stays[1].asked_s == 2000


def test_spot_greedy_goes_on_demand_at_the_last_moment_that_keeps_the_deadline() -> None:
    places = [rented(Market.SPOT, price=DOLLAR, up=up_between((0, HOUR))), rented()]
    options = (option(0, 4, setup_s=300), option(1, 4, setup_s=300))
    here = world(places, job("a", 0, *options, deadline_s=8 * HOUR, checkpoint_every_s=600))
    record = replay(here, SpotGreedy()).records[0]
    # An hour of spot: 3300 s of training, of which 3000 s are kept; 11400 s are left, and 300 s of set-up.
    assert record.stays[0].lost_s == 300
    assert record.stays[1].place == 1
    assert record.stays[1].asked_s == 8 * HOUR - 11400 - 300
    assert record.ended_s == 8 * HOUR
    assert not record.is_late


def test_uniform_progress_buys_what_is_missing_and_comes_back_to_spot() -> None:
    places = [rented(Market.SPOT, price=DOLLAR, up=up_between((6 * HOUR, 40 * HOUR))), rented()]
    options = (option(0, 10, setup_s=180), option(1, 10, setup_s=180))
    here = world(places, job("a", 0, *options, deadline_s=20 * HOUR, checkpoint_every_s=600))
    record = replay(here, UniformProgress()).records[0]
    assert {stay.place for stay in record.stays} == {0, 1}
    assert record.stays[-1].place == 0
    assert not record.is_late
    assert record.moves >= 1
    assert record.cost_micro < replay(here, on_demand_only()).records[0].cost_micro
    # Leaving by its own will loses nothing.
    assert record.lost_s == 0


def test_the_patient_wait_for_the_cheap_place_until_the_deadline_asks_for_another() -> None:
    places = [owned(), rented()]

    def options(hours: float) -> tuple[Option, ...]:
        return option(0, hours, room=EIGHT, expected_micro=1), option(1, hours)

    jobs = (
        job("a", 0, *options(5)),
        job("b", 0, *options(1), deadline_s=3 * HOUR),
        job("c", 0, *options(1), deadline_s=20 * HOUR),
    )
    records = replay(world(places, *jobs), Patient()).records
    assert [record.stays[0].place for record in records] == [0, 1, 0]
    assert records[1].stays[0].asked_s == 2 * HOUR
    assert records[1].ended_s == 3 * HOUR
    assert records[2].stays[0].asked_s == 5 * HOUR


def test_a_job_without_a_place_and_one_that_is_never_served_say_why() -> None:
    down = rented(Market.SPOT, up=Series.constant(0))
    here = world([down], job("a", 0, why_nowhere="nothing fits"), job("b", 0, option(0), deadline_s=5))
    outcome = replay(here, SpotGreedy())
    assert [record.why for record in outcome.records] == ["nothing fits", "no place was ever open to it"]
    assert outcome.records[1].is_late
    assert outcome.records[0].turnaround_s is None
    found = summarise(here, outcome)
    assert (found.ended, found.missed, found.cost_micro) == (0, 1, 0)


def test_drawn_interruptions_follow_the_seed_alone() -> None:
    spot = rented(Market.SPOT, interruptions_per_hour=0.5)
    jobs = [job(f"j{number}", number, option(0, 5), checkpoint_every_s=600) for number in range(20)]
    counts = [
        [record.interruptions for record in replay(world([spot], *jobs, seed=seed), SpotGreedy()).records]
        for seed in (1, 1, 2)
    ]
    assert counts[0] == counts[1] != counts[2]
    # Two and a half each are expected, and a little more for the work done twice.
    assert 25 < sum(counts[0]) < 90


def test_what_takes_too_many_steps_is_refused() -> None:
    class Restless:
        name = "restless"

        def watches(self, _here: Place) -> bool:
            return False

        def decide(self, seen: Situation) -> Decision:
            return Decision(None, again_at_s=seen.now_s + 1)

    with pytest.raises(InvalidInputError, match="more than 500 steps"):
        replay(world([rented()], job("a", 0, option(0))), Restless(), most_looks=500)


def test_percentiles_are_values_that_occurred() -> None:
    assert [percentile(range(1, 101), share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert percentile([], 0.5) == 0
    assert percentile([7], 0.95) == 7
