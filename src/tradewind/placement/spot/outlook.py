"""What lies ahead: which zones are worth waiting for, the plan over them, how long each stays up.

Which zones is tried out, from the cheapest alone to all: the time in which any zone of a set is up is a chain of its
own, and the set whose plan expects the least cost is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tradewind.placement.spot import durations
from tradewind.placement.spot.durations import PHASES, ages_of, durations_of, phase_of
from tradewind.placement.spot.programme import Grid, Model, Plan, solve
from tradewind.placement.spot.values import Bools, Floats, Market, State

#: A plan has steps at least this long; a finer one follows the model further than the model is right.
_LEAST_STEP_S: Final = 900.0
#: At most so many steps of time and cells of slack, with one zone and with several.
_MOST_ONE: Final = (250, 250)
_MOST_MANY: Final = (200, 160)
#: Zones whose prices are within this factor are tried out together.
_SAME_PRICE: Final = 1.1
#: How many looks, moves and hours the first guess of a price and of a rate of moves counts for.
_GUESSED_LOOKS: Final = 5.0
_GUESSED_MOVES: Final = 2.0
_HOURS_PER_GUESSED_MOVE: Final = 3.0
#: Beyond this age no later phase begins.
_OLDEST_S: Final = float(durations.PHASE_STARTS_S[-1]) + 1.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """A plan over a set of zones; for every zone, how long it stays up, by phase of how long it has been up."""

    zones: tuple[int, ...]
    plan: Plan
    remaining_up_s: tuple[Floats, ...]

    def phase(self, state: State) -> int:
        """The plan's phase now: since when any of its zones is up, or none."""
        return _phase_of_set(state, self.zones)

    def expected_cost(self, state: State) -> float:
        """What the rest is expected to cost, from nowhere."""
        slack_s = state.time_s - state.left_s
        return self.plan.cost(phase=self.phase(state), time_s=state.time_s, slack_s=slack_s)

    def up_s(self, state: State) -> list[float]:
        """How long each zone is expected to stay up if it is up now."""
        tick_s = state.market.tick_s
        ages = ages_of(_recent(state)).tolist()
        return [
            float(each[phase_of(age * tick_s)]) for each, age in zip(self.remaining_up_s, ages, strict=True)
        ]


def look_out(
    state: State, *, priors: Sequence[Floats | None] = (), known_from: Sequence[int] = ()
) -> Outlook:
    """Plans the rest of the job.

    `priors`, if any, has for each zone what is known beyond what was seen, or None: ends per second by (down, up) x
    phase. `known_from`, if any, is the first look that counts of each zone.
    """
    market, seen = state.market, state.seen
    zones = len(market.zones)
    known_from = known_from or [0] * zones
    counted = [durations_of(seen[first:, zone], market.tick_s) for zone, first in enumerate(known_from)]
    # What all zones did is where each one starts from.
    common = sum(counted[1:], counted[0]).rates() if zones > 1 else durations.PRIOR_RATES
    rates = [
        each.rates(common if known is None else known)
        for each, known in zip(counted, priors or [None] * zones, strict=True)
    ]
    slack_s = state.time_s - state.left_s
    grid = Grid.of(
        time_s=state.time_s,
        slack_s=slack_s,
        changeover_s=market.changeover_s,
        least_step_s=max(market.tick_s, _LEAST_STEP_S),
        most=_MOST_ONE if zones == 1 else _MOST_MANY,
    )
    best: tuple[float, tuple[int, ...], Plan] | None = None
    for chosen in _sets(market):
        first = max(known_from[zone] for zone in chosen)
        model = _model_of(
            chosen, market, seen[first:], rates[chosen[0]] if len(chosen) == 1 else None, grid.step_s
        )
        plan = solve(model, grid, changeover_s=market.changeover_s, on_demand_price=market.on_demand_price)
        cost = plan.cost(phase=_phase_of_set(state, chosen), time_s=state.time_s, slack_s=slack_s)
        if best is None or cost < best[0]:
            best = (cost, chosen, plan)
    assert best is not None
    remaining = tuple(durations.remaining_up_s(each, market.tick_s) for each in rates)
    return Outlook(best[1], best[2], remaining)


def _sets(market: Market) -> list[tuple[int, ...]]:
    """The cheapest zones; those and the next cheapest; and so on. None that is as dear as on-demand."""
    order = sorted(range(len(market.zones)), key=market.spot_prices.__getitem__)
    found: list[tuple[int, ...]] = []
    first = market.spot_prices[order[0]]
    for rank, zone in enumerate(order):
        price = market.spot_prices[zone]
        if rank and price >= market.on_demand_price:
            break
        if found and price <= _SAME_PRICE * first:
            found[-1] = tuple(order[: rank + 1])
        else:
            found.append(tuple(order[: rank + 1]))
            first = price
    return found


def _model_of(
    zones: tuple[int, ...], market: Market, seen: Bools, rates: Floats | None, step_s: float
) -> Model:
    prices = np.array([market.spot_prices[zone] for zone in zones])
    if rates is not None:
        return Model(durations.transitions(rates, step_s), float(prices[0]))
    inside = _of(seen, zones)
    up = np.asarray(inside.any(axis=1))
    paid = prices[inside.argmax(axis=1)][up]
    price = (paid.sum() + _GUESSED_LOOKS * prices.mean()) / (len(paid) + _GUESSED_LOOKS)
    # A job has to move when its zone goes while another is there; each zone's own rate stands in for the job's.
    gone = int((inside[:-1] & ~inside[1:]).sum()) + _GUESSED_MOVES
    spent_s = int(inside[:-1].sum()) * market.tick_s + _GUESSED_MOVES * _HOURS_PER_GUESSED_MOVE * 3600
    chain = durations.transitions(durations_of(up, market.tick_s).rates(), step_s)
    return Model(chain, float(price), gone / spent_s)


def _phase_of_set(state: State, zones: tuple[int, ...]) -> int:
    up = _of(_recent(state), zones).any(axis=1).reshape(-1, 1)
    age_s = int(ages_of(up)[0]) * state.market.tick_s
    return phase_of(age_s) + (PHASES if up[-1, 0] else 0)


def _of(seen: Bools, zones: tuple[int, ...]) -> Bools:
    return seen if len(zones) == seen.shape[1] == 1 else seen[:, list(zones)]


def _recent(state: State) -> Bools:
    return state.seen[-(int(_OLDEST_S / state.market.tick_s) + 2) :]
