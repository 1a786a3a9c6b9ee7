"""Markets and traces for tests of spot, made up."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from tradewind.placement.spot.values import Bools, Decision, Market, State, Where


def market_of(
    prices: Sequence[float] = (0.3,),
    *,
    on_demand: float = 1.0,
    changeover_s: float = 300.0,
    tick_s: float = 600.0,
) -> Market:
    """Zones named a, b, …"""
    return Market(
        zones=tuple(chr(ord("a") + number) for number in range(len(prices))),
        spot_prices=tuple(prices),
        on_demand_prices=(on_demand,) * len(prices),
        changeover_s=changeover_s,
        tick_s=tick_s,
    )


def trace_of(*zones: str) -> Bools:
    """Looks x zones from one string per zone: `#` is up."""
    return np.array([[letter == "#" for letter in zone] for zone in zones], dtype=np.bool_).T


def state_of(
    market: Market,
    seen: Bools,
    *,
    left_h: float,
    time_h: float,
    where: Where = Where.WAIT,
    zone: int | None = None,
) -> State:
    """A job that is ready where it is."""
    return State(market, round(left_h * 3600, 3), round(time_h * 3600, 3), where, zone, 0.0, seen)


class Erratic:
    """Does anything at all, at random; seeded."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def decide(self, state: State) -> Decision:
        where = self._dice.choice(tuple(Where))
        if where is Where.WAIT:
            return Decision(where, None, "at random")
        if where is Where.ON_DEMAND:
            return Decision(where, state.market.cheapest_on_demand, "at random")
        return Decision(where, self._dice.randrange(len(state.market.zones)), "at random")
