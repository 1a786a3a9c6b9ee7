"""The deadline holds whenever on-demand could have met it from the start, whatever spot and the policy do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.placement.spot.spot_for_tests import Erratic, market_of, state_of, trace_of
from tradewind.placement.spot.greedy import Greedy
from tradewind.placement.spot.planned import Planned
from tradewind.placement.spot.replay import replay
from tradewind.placement.spot.safety import hold_deadline, keeps_deadline, latest_on_demand_s
from tradewind.placement.spot.uniform_progress import UniformProgress
from tradewind.placement.spot.values import Decision, Policy, Where


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, float, float, float, int, int]:
    """A trace with some past, tick, changeover, work, the looks to the deadline, the start."""
    zones = draw(st.integers(1, 3))
    ticks = draw(st.integers(1, 40))
    past = draw(st.integers(0, 10))
    rows = draw(
        st.lists(
            st.lists(st.booleans(), min_size=zones, max_size=zones),
            min_size=past + ticks,
            max_size=past + ticks,
        )
    )
    tick_s = draw(st.sampled_from((60.0, 195.0, 600.0)))
    changeover_s = draw(st.sampled_from((0.0, 30.0, 180.0, 720.0)))
    most_s = ticks * tick_s - changeover_s
    share = draw(st.floats(0.01, 1.0))
    return np.array(rows, dtype=np.bool_), tick_s, changeover_s, most_s * share, ticks, past


@pytest.mark.parametrize("name", ["erratic", "greedy", "uniform progress", "planned"])
@given(case=cases(), seed=st.integers(0, 1000), moves=st.booleans())
@settings(max_examples=60)
def test_no_deadline_is_missed(
    name: str, case: tuple[np.ndarray, float, float, float, int, int], seed: int, moves: bool
) -> None:
    trace, tick_s, changeover_s, work_s, ticks, past = case
    if work_s <= 0:
        return
    made: dict[str, Policy] = {
        "erratic": Erratic(seed),
        "greedy": Greedy(),
        "uniform progress": UniformProgress(moves=moves),
        "planned": Planned(),
    }
    policy = made[name]
    market = market_of((0.3, 0.4, 0.9)[: trace.shape[1]], changeover_s=changeover_s, tick_s=tick_s)
    result = replay(policy, market, trace, start=past, ticks=ticks, work_s=work_s)
    assert result.is_finished


def test_waiting_ends_at_the_last_look_that_leaves_time() -> None:
    market = market_of(changeover_s=300.0, tick_s=600.0)
    seen = trace_of(".")
    wait = Decision(Where.WAIT, None, "")
    enough = state_of(market, seen, left_h=1.0, time_h=1.25)
    assert latest_on_demand_s(left_s=3600, changeover_s=300, time_s=4500) == 600
    assert keeps_deadline(enough, wait)
    short = state_of(market, seen, left_h=1.0, time_h=1.24)
    assert not keeps_deadline(short, wait)
    held = hold_deadline(short, wait)
    assert held.where is Where.ON_DEMAND
    assert "1.0 h of work and 5 min" in held.reason


def test_spot_that_works_needs_no_slack_but_to_enter_it_does() -> None:
    market = market_of(changeover_s=300.0, tick_s=600.0)
    seen = trace_of("#")
    spot = Decision(Where.SPOT, 0, "")
    on_it = state_of(market, seen, left_h=1.0, time_h=1.0 + 300 / 3600, where=Where.SPOT, zone=0)
    assert keeps_deadline(on_it, spot)
    assert not keeps_deadline(state_of(market, seen, left_h=1.0, time_h=1.0 + 300 / 3600), spot)
    assert keeps_deadline(state_of(market, seen, left_h=1.0, time_h=1.0 + 600 / 3600), spot)


def test_spot_that_is_gone_becomes_waiting() -> None:
    state = state_of(market_of(), trace_of("#."), left_h=1.0, time_h=9.0)
    assert hold_deadline(state, Decision(Where.SPOT, 0, "")).where is Where.WAIT


def test_a_deadline_that_on_demand_cannot_meet_is_missed_on_on_demand() -> None:
    result = replay(Greedy(), market_of(), trace_of("." * 12), start=0, ticks=6, work_s=3600)
    assert not result.is_finished
    assert result.on_demand_h == pytest.approx(1.0)
