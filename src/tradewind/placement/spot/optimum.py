"""The least that a run could have cost, for who knows the whole future.

A dynamic programme over looks, places and work done. Time is counted in the largest unit that divides the tick, the
changeover and the work, so nothing is rounded. Same model as `replay`: changeovers are paid, spot lasts from look to
look, the last look is paid for the part that is used.
"""

from __future__ import annotations

from collections.abc import Collection
from math import gcd, inf

import numpy as np

from tradewind.placement.spot.values import Bools, Floats, Market


def optimal_costs(
    market: Market, trace: Bools, *, start: int, ticks: Collection[int], work_s: int
) -> dict[int, float]:
    """By deadline (in looks after `start`): the least cost; infinite where even on-demand would be late.

    Tick and changeover have to be whole seconds.
    """
    tick_s, changeover_s = _whole(market.tick_s), _whole(market.changeover_s)
    unit = gcd(gcd(tick_s, changeover_s), work_s)
    tick, changeover, work = tick_s // unit, changeover_s // unit, work_s // unit
    # A place is known by how many looks it has been held; from `phases` on it is ready.
    phases = max(1, -(-changeover // tick))
    ready = [max(0, changeover - held * tick) for held in range(phases + 1)]
    prices = np.array([*market.spot_prices, market.on_demand_price]) * (tick_s / 3600)
    places = len(prices)
    rest = np.arange(work, -1, -1) / tick  # ticks of work left, by work done
    idle = np.full(work + 1, inf)
    idle[0] = 0.0
    held = np.full((places, phases, work + 1), inf)
    finished, wanted, found = inf, set(ticks), {}

    def work_on(costs: Floats, out: Floats, price: float, late: int) -> None:
        nonlocal finished
        gain = tick - late
        if gain <= 0:
            np.minimum(out, costs + price, out=out)
            return
        first = max(0, work - gain)
        ends = costs[first:work] + price * (late / tick + rest[first:work])
        finished = min(finished, float(ends.min()))
        if gain <= work:
            np.minimum(out[gain:], costs[: work + 1 - gain] + price, out=out[gain:])

    for look in range(max(wanted, default=0)):
        anywhere = np.minimum(idle, held.reshape(-1, work + 1).min(axis=0))
        after = np.full_like(held, inf)
        for place in range(places):
            if place < places - 1 and not trace[start + look, place]:
                continue
            work_on(anywhere, after[place, 0], prices[place], ready[0])
            for phase in range(phases):
                stays = min(phase + 1, phases - 1)
                work_on(held[place, phase], after[place, stays], prices[place], ready[phase + 1])
        idle, held = anywhere, after
        if look + 1 in wanted:
            found[look + 1] = finished
    return found


def _whole(seconds: float) -> int:
    if seconds != int(seconds):
        raise ValueError(f"the optimum counts in whole seconds, not {seconds}")
    return int(seconds)
