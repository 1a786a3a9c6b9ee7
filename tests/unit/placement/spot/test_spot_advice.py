"""Advice in continuous time: what it says, and that whoever follows it is never late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Market, Offer
from tradewind.placement.spot.advice import Action, Candidate, Situation, advise
from tradewind.placement.spot.observed import Observation, prior_rates, rows_of

NOW: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


def candidate(
    market: Market,
    price: float,
    *,
    hours_left: float = 10.0,
    is_up: bool = True,
    zone: str = "a",
    minutes: float = 6.0,
    observations: Sequence[tuple[float, bool]] = (),
    interruptions_per_hour: float | None = None,
    per: Quantity = Quantity.HOUR,
    currency: str = "USD",
) -> Candidate:
    """Observations are (hours ago, whether it was there)."""
    return Candidate(
        offer=Offer(
            provider="aws",
            region="us-east-1",
            zone=zone,
            instance_type="p3.2xlarge",
            cpus=8,
            memory_bytes=1,
            disk_bytes=1,
            market=market.value,
            rate=Rate(micro_per_unit=round(price * 1e6), per=per, currency=currency),
            is_available=is_up,
        ),
        hours_left=hours_left,
        changeover=timedelta(minutes=minutes),
        observations=tuple(Observation(NOW - ago * HOUR, was_up) for ago, was_up in observations),
        interruptions_per_hour=interruptions_per_hour,
    )


def spot(price: float = 0.9, **more: object) -> Candidate:
    return candidate(Market.SPOT, price, **more)  # type: ignore[arg-type]


def lasting(price: float = 3.0, **more: object) -> Candidate:
    return candidate(Market.ON_DEMAND, price, **more)  # type: ignore[arg-type]


def situation(*candidates: Candidate, hours: float, **more: object) -> Situation:
    return Situation(now=NOW, deadline=NOW + hours * HOUR, candidates=candidates, **more)  # type: ignore[arg-type]


ALTERNATING: Final = [(48 - 2 * number, number % 2 == 0) for number in range(24)]


def test_spot_that_is_up_is_taken_and_the_reason_has_the_sum() -> None:
    found = advise(situation(lasting(), spot(observations=[(40, True)]), hours=14))
    assert (found.action, found.candidate, found.is_guaranteed) == (Action.GO, 1, True)
    assert found.next_look_at == NOW + timedelta(hours=14 - 10, minutes=-6)
    assert "70% less than on-demand" in found.reason
    assert "on-demand has to start by 2026-11-26 15:54: 10.0 h of work + 6 min to get ready" in found.reason


def test_it_waits_while_there_is_slack_and_stops_when_there_is_not() -> None:
    gone = spot(is_up=False, observations=ALTERNATING)
    loose = advise(situation(lasting(), gone, hours=30))
    assert (loose.action, loose.candidate) == (Action.WAIT, None)
    assert loose.next_look_at == NOW + timedelta(hours=20, minutes=-6)
    tight = advise(situation(lasting(), gone, hours=10.15))
    assert (tight.action, tight.candidate, tight.is_guaranteed) == (Action.GO, 0, True)
    assert "no time to look again" in tight.reason


def test_spot_without_time_to_look_again_is_left() -> None:
    up = spot(observations=[(40, True)])
    stays = advise(situation(lasting(), up, hours=10.5, place=1))
    assert (stays.action, stays.candidate) == (Action.STAY, 1)
    # The work since the last checkpoint would have to be done again.
    leaves = advise(situation(lasting(), up, hours=10.5, place=1, at_risk=timedelta(minutes=30)))
    assert (leaves.action, leaves.candidate) == (Action.GO, 0)
    assert "+ 0.5 h since the last checkpoint" in leaves.reason


def test_a_deadline_out_of_reach_is_said() -> None:
    found = advise(situation(lasting(), spot(), hours=9))
    assert (found.action, found.candidate, found.is_guaranteed) == (Action.GO, 0, False)


def test_without_on_demand_there_is_no_promise() -> None:
    two = (spot(0.9), spot(0.8, zone="b"))
    assert advise(situation(*two, hours=20)).candidate == 1
    stays = advise(situation(*two, hours=20, place=0))
    assert (stays.action, stays.candidate, stays.is_guaranteed) == (Action.STAY, 0, False)
    gone = advise(situation(spot(is_up=False), hours=20))
    assert (gone.action, gone.next_look_at) == (Action.WAIT, NOW + timedelta(minutes=5))
    assert "nothing holds the deadline" in gone.reason


def test_the_cheapest_on_demand_that_is_in_time_counts() -> None:
    slow, fast, dear = lasting(1.0, hours_left=20), lasting(3.0), lasting(9.0, hours_left=9)
    gone = spot(is_up=False)
    assert advise(situation(slow, fast, dear, hours=11)).candidate in (None, 1)
    assert advise(situation(slow, fast, dear, hours=9.2)).candidate == 2
    # Where it is on-demand already, it stays, unless that is too slow.
    assert advise(situation(slow, fast, gone, hours=10.15, place=1)).action is Action.STAY
    assert advise(situation(slow, fast, gone, hours=10.15, place=0)).candidate == 1


def test_no_spot_leaves_nothing_to_wait_for() -> None:
    found = advise(situation(lasting(), hours=100))
    assert (found.action, found.candidate) == (Action.GO, 0)
    assert "no spot is offered" in found.reason


def test_zones_are_told_apart_by_what_tables_say_of_them() -> None:
    fragile = spot(0.85, zone="a", minutes=30, interruptions_per_hour=6.0)
    robust = spot(0.9, zone="b", minutes=30, interruptions_per_hour=0.001)
    assert advise(situation(lasting(), fragile, robust, hours=14)).candidate == 2
    assert advise(situation(lasting(), robust, replace(fragile), hours=14)).candidate == 1


def test_offers_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="no candidate"):
        advise(situation(hours=1))
    with pytest.raises(ValueError, match="one currency"):
        advise(situation(lasting(), spot(currency="EUR"), hours=20))
    with pytest.raises(ValueError, match="per hour"):
        advise(situation(lasting(), spot(per=Quantity.KWH), hours=20))


def test_observations_become_even_looks() -> None:
    seen = [
        [Observation(NOW - timedelta(minutes=25), True), Observation(NOW - timedelta(minutes=12), False)],
        [Observation(NOW - timedelta(minutes=5), True), Observation(NOW - timedelta(days=99), False)],
        [],
    ]
    rows, known_from = rows_of(seen, [True, False, True], NOW, 300.0)
    assert rows[:, 0].tolist() == [True, True, True, False, False, True]
    assert rows[:, 1].tolist() == [True, True, True, True, True, False]
    assert rows[:, 2].tolist() == [True] * 6
    assert known_from == [0, 4, 5]
    assert prior_rates(None) is None


@given(
    work_h=st.floats(0.2, 3.0),
    spare_h=st.floats(0.0, 3.0),
    changeover_min=st.floats(0.0, 20.0),
    slower=st.floats(0.7, 2.0),
    checkpoint_min=st.floats(1.0, 60.0),
    gaps=st.lists(st.floats(0.02, 1.0), min_size=1, max_size=8),
    ups=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=8),
    lost_at=st.lists(st.floats(0.0, 1.5), min_size=1, max_size=8),
)
@settings(max_examples=80)
def test_whoever_follows_it_is_in_time(
    work_h: float,
    spare_h: float,
    changeover_min: float,
    slower: float,
    checkpoint_min: float,
    gaps: list[float],
    ups: list[tuple[bool, bool]],
    lost_at: list[float],
) -> None:
    """Looks come as late as they may, spot is lost at any moment between them, with all that no checkpoint holds."""
    changeover = timedelta(minutes=changeover_min)
    deadline = NOW + work_h * HOUR + changeover + spare_h * HOUR
    now, saved_h, live_h = NOW, 0.0, 0.0
    place: int | None = None
    ready_in = timedelta(0)
    speeds = (1.0, 1 / slower, 1.0)
    for look in range(4000):
        up = ups[look % len(ups)]
        left_h = work_h - saved_h - live_h
        offered = [
            replace(lasting(minutes=0), hours_left=left_h, changeover=changeover),
            replace(spot(0.9, is_up=up[0]), hours_left=left_h * slower, changeover=changeover),
            replace(spot(1.1, is_up=up[1], zone="b"), hours_left=left_h, changeover=changeover),
        ]
        advice = advise(
            Situation(
                now=now,
                deadline=deadline,
                candidates=tuple(offered),
                place=place,
                ready_in=ready_in,
                at_risk=timedelta(hours=live_h / speeds[place] if place else 0.0),
            )
        )
        assert advice.is_guaranteed
        if advice.candidate != place:
            live_h, place, ready_in = 0.0, advice.candidate, changeover
        gap = min(advice.next_look_at - now, HOUR * 24) * gaps[look % len(gaps)]
        gap = max(gap, timedelta(seconds=30))
        if place == 0:
            gap = min(gap, timedelta(minutes=40))
        works = max(timedelta(0), gap - ready_in)
        is_lost = bool(place) and lost_at[look % len(lost_at)] < 1.0
        if place is not None:
            if is_lost:
                works = max(timedelta(0), gap * lost_at[look % len(lost_at)] - ready_in)
            done_h = works / HOUR * speeds[place]
            if saved_h + live_h + done_h >= work_h - 1e-9:
                needed = (work_h - saved_h - live_h) / speeds[place] * HOUR
                assert now + ready_in + needed <= deadline + timedelta(milliseconds=1)
                return
            live_h += done_h
            every_h = checkpoint_min / 60 * speeds[place]
            if place == 0:
                saved_h, live_h = saved_h + live_h, 0.0
            else:
                saved_h, live_h = saved_h + live_h // every_h * every_h, live_h % every_h
            ready_in = max(timedelta(0), ready_in - gap)
        if is_lost:
            place, live_h, ready_in = None, 0.0, timedelta(0)
        now += gap
    pytest.fail("it never ended")


def test_later_deadlines_never_make_it_start_on_demand_sooner() -> None:
    gone = spot(is_up=False, observations=ALTERNATING)
    actions = [advise(situation(lasting(), gone, hours=10.2 + step)).action for step in range(12)]
    assert all(not (one is Action.WAIT and two is Action.GO) for one, two in pairwise(actions))
