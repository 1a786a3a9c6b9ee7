"""The optimum is what trying out every sequence of places finds, and no policy beats it."""

from __future__ import annotations

from itertools import product
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.placement.spot.spot_for_tests import Erratic, market_of, trace_of
from tradewind.placement.spot.always_on_demand import AlwaysOnDemand
from tradewind.placement.spot.greedy import Greedy
from tradewind.placement.spot.optimum import optimal_costs
from tradewind.placement.spot.planned import Planned
from tradewind.placement.spot.replay import replay
from tradewind.placement.spot.uniform_progress import UniformProgress
from tradewind.placement.spot.values import Bools, Market


def brute_force(market: Market, trace: Bools, ticks: int, work_s: int) -> float:
    """The least cost over every sequence of places: -1 is nowhere, the last is on-demand."""
    prices = [*market.spot_prices, market.on_demand_price]
    best = inf
    for sequence in product(range(-1, len(prices)), repeat=ticks):
        cost, left_s, here, ready_s = 0.0, float(work_s), -1, 0.0
        for look, place in enumerate(sequence):
            if 0 <= place < len(prices) - 1 and not trace[look, place]:
                break
            if place != here:
                here, ready_s = place, market.changeover_s
            if place == -1:
                continue
            used_s = min(market.tick_s, ready_s + left_s)
            cost += prices[place] * used_s / 3600
            if ready_s + left_s <= market.tick_s:
                best = min(best, cost)
                break
            left_s -= max(0.0, market.tick_s - ready_s)
            ready_s = max(0.0, ready_s - market.tick_s)
    return best


@given(
    data=st.data(),
    zones=st.integers(1, 2),
    ticks=st.integers(1, 5),
    changeover_s=st.sampled_from((0, 120, 600, 900)),
    work_s=st.sampled_from((300, 1200, 1500, 2040)),
)
@settings(max_examples=60)
def test_it_is_the_best_of_all_sequences(
    data: st.DataObject, zones: int, ticks: int, changeover_s: int, work_s: int
) -> None:
    row = st.lists(st.booleans(), min_size=zones, max_size=zones)
    trace = np.array(data.draw(st.lists(row, min_size=ticks, max_size=ticks)), dtype=np.bool_)
    market = market_of((0.3, 0.5)[:zones], changeover_s=changeover_s, tick_s=600)
    found = optimal_costs(market, trace, start=0, ticks=range(1, ticks + 1), work_s=work_s)
    for deadline in range(1, ticks + 1):
        assert found[deadline] == pytest.approx(brute_force(market, trace, deadline, work_s))


@given(
    letters=st.lists(st.sampled_from("#."), min_size=60, max_size=60),
    changeover_s=st.sampled_from((180, 720)),
    seed=st.integers(0, 99),
)
@settings(max_examples=25)
def test_no_policy_beats_it(letters: list[str], changeover_s: int, seed: int) -> None:
    trace = trace_of("".join(letters))
    market = market_of(changeover_s=changeover_s)
    least = optimal_costs(market, trace, start=10, ticks=[50], work_s=5 * 3600)[50]
    for policy in (AlwaysOnDemand(), Greedy(), UniformProgress(), Planned(), Erratic(seed)):
        result = replay(policy, market, trace, start=10, ticks=50, work_s=5 * 3600)
        assert result.cost >= least - 1e-9


def test_the_past_costs_nothing_and_the_last_look_is_paid_in_part() -> None:
    trace = trace_of("....######")
    market = market_of(changeover_s=300, tick_s=600)
    found = optimal_costs(market, trace, start=4, ticks=[2, 3], work_s=1200)
    # 300 s to get ready and 1200 s of work: 1500 s of spot; two looks are too few even for on-demand.
    assert found == {2: inf, 3: pytest.approx(0.3 * 1500 / 3600)}


def test_parts_of_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        optimal_costs(market_of(tick_s=0.5), trace_of("#"), start=0, ticks=[1], work_s=1)
