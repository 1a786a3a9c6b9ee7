"""Durations are counted as they were, plans do what the market makes sensible, and reasons say why."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.placement.spot.spot_for_tests import market_of, state_of, trace_of
from tradewind.placement.spot.durations import (
    DOWN,
    PHASES,
    PRIOR_RATES,
    UP,
    ages_of,
    durations_of,
    phase_of,
    remaining_up_s,
    transitions,
)
from tradewind.placement.spot.greedy import Greedy
from tradewind.placement.spot.outlook import look_out
from tradewind.placement.spot.planned import Planned
from tradewind.placement.spot.programme import Grid
from tradewind.placement.spot.replay import replay
from tradewind.placement.spot.uniform_progress import UniformProgress
from tradewind.placement.spot.values import Where


def test_stretches_are_counted_by_age() -> None:
    # Down 600 s (ends in its second phase), up 200 s (ends in its first), down 400 s and not over.
    found = durations_of(trace_of("...#..")[:, 0], 200.0)
    assert found.ends[DOWN].tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert found.ends[UP].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert found.spent_s[DOWN].tolist() == [800, 200, 0, 0, 0, 0, 0]
    assert found.spent_s[UP].tolist() == [200, 0, 0, 0, 0, 0, 0]


def test_what_was_seen_outweighs_the_prior() -> None:
    flips = np.arange(2000) % 2 == 0
    rates = durations_of(flips, 200.0).rates()
    assert rates[UP, 0] == pytest.approx(1 / 200, rel=0.05)
    assert rates[UP, 3] == pytest.approx(PRIOR_RATES[3])


def test_ages_are_looks_in_a_row() -> None:
    assert ages_of(trace_of("##..", "...#", "####")).tolist() == [2, 1, 4]
    assert [phase_of(age) for age in (0, 400, 401, 3600, 1e9)] == [0, 0, 1, 2, PHASES - 1]


def test_chains_keep_all_chance_and_old_spot_lasts_longer() -> None:
    rates = durations_of(trace_of("#" * 50 + ".#" * 20)[:, 0], 600.0).rates()
    assert transitions(rates, 900.0).sum(axis=1) == pytest.approx(np.ones(2 * PHASES))
    remaining = remaining_up_s(rates, 600.0)
    assert remaining[-1] > remaining[0]


def test_grids_stay_within_their_bounds() -> None:
    for time_s, slack_s, changeover_s in ((1e6, 9e5, 180), (2e5, 1e4, 720), (4000, 10, 0), (9e5, 8e5, 7200)):
        grid = Grid.of(
            time_s=time_s, slack_s=slack_s, changeover_s=changeover_s, least_step_s=600, most=(250, 250)
        )
        assert grid.step_s / grid.cell_s == pytest.approx(round(grid.step_s / grid.cell_s))
        assert grid.steps <= 2 * 250 + 2
        assert grid.cells <= 250 + 2


def test_it_waits_with_slack_and_pays_without() -> None:
    market = market_of()
    seen = trace_of("####..####..####.." * 10)
    loose = Planned().decide(state_of(market, seen, left_h=10, time_h=30))
    assert loose.where is Where.WAIT
    assert "20.0 h of slack" in loose.reason
    assert "70%" in loose.reason
    tight = Planned().decide(state_of(market, seen, left_h=10, time_h=10.2))
    assert tight.where is Where.ON_DEMAND


def test_it_uses_spot_that_is_there_and_does_not_wait_for_what_never_comes() -> None:
    market = market_of()
    there = Planned().decide(state_of(market, trace_of("." * 20 + "#" * 200), left_h=10, time_h=12))
    assert (there.where, there.zone) == (Where.SPOT, 0)
    never = trace_of("." * 1100)
    result = replay(Planned(), market, never, start=900, ticks=150, work_s=20 * 3600)
    assert result.is_finished
    assert 20 < result.on_demand_h < 20.5


def test_on_demand_is_left_for_spot_only_when_that_lasts() -> None:
    market = market_of(changeover_s=1200)
    blips = trace_of(".....#" * 200)
    lasting = trace_of(("." * 60 + "#" * 60) * 10)
    for seen, expected in ((blips, Where.ON_DEMAND), (lasting[: 60 * 19 + 3], Where.SPOT)):
        state = state_of(market, seen, left_h=20, time_h=24, where=Where.ON_DEMAND, zone=0)
        assert Planned().decide(state).where is expected


def test_it_takes_the_cheaper_zone_unless_that_is_always_lost() -> None:
    market = market_of((0.2, 0.3), changeover_s=1200)
    calm = trace_of("#" * 300, "#" * 300)
    assert Planned().decide(state_of(market, calm, left_h=10, time_h=20)).zone == 0
    flaky = trace_of("..#" * 100, "#" * 300)
    assert Planned().decide(state_of(market, flaky, left_h=10, time_h=20)).zone == 1
    here = state_of(market, flaky, left_h=10, time_h=20, where=Where.SPOT, zone=1)
    assert "no move would pay" in Planned().decide(here).reason
    dear = state_of(market_of((0.1, 0.9)), calm, left_h=10, time_h=20, where=Where.SPOT, zone=1)
    moved = Planned().decide(dear)
    assert moved.zone == 0
    assert "moving from b to a" in moved.reason


def test_zones_as_dear_as_on_demand_are_not_waited_for() -> None:
    market = market_of((0.3, 0.31, 2.0))
    outlook = look_out(state_of(market, trace_of("#.#", ".##", "###"), left_h=10, time_h=30))
    assert outlook.zones == (0, 1)


def test_decisions_depend_on_what_was_seen_alone() -> None:
    market, trace = market_of(changeover_s=720), trace_of("###...#..####....##" * 60)
    once = replay(Planned(), market, trace, start=400, ticks=400, work_s=48 * 3600)
    changed = trace.copy()
    changed[700:] = ~changed[700:]
    assert replay(Planned(), market, trace, start=400, ticks=400, work_s=48 * 3600) == once
    seen: list[list[Where]] = []
    for each in (trace, changed):
        policy, places = Planned(), []
        for look in range(600, 700):
            state = state_of(market, each[: look + 1], left_h=20, time_h=20 + (740 - look) / 6)
            places.append(policy.decide(state).where)
        seen.append(places)
    assert seen[0] == seen[1]


def test_it_is_cheaper_than_both_where_each_has_its_weakness() -> None:
    """Spot comes and goes by the hour: greedy runs out of slack, Uniform Progress pays on-demand early."""
    trace = trace_of(("#" * 9 + "." * 6) * 120)
    market = market_of(changeover_s=180)
    costs = {
        kind.__name__: replay(kind(), market, trace, start=900, ticks=360, work_s=48 * 3600).cost
        for kind in (Planned, Greedy, UniformProgress)
    }
    assert costs["Planned"] < min(costs["Greedy"], costs["UniformProgress"])
