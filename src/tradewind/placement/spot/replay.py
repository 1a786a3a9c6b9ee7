"""Runs a policy through a trace in the tick model: what it costs, whether it is late, how often it changes places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tradewind.placement.spot.safety import hold_deadline
from tradewind.placement.spot.values import Bools, Market, Policy, State, Where


@dataclass(frozen=True, slots=True)
class Replay:
    """How a run went. A run that is late has `is_finished` False and the cost until its deadline."""

    cost: float
    is_finished: bool
    changeovers: int
    on_demand_h: float
    waited_h: float


def replay(policy: Policy, market: Market, trace: Bools, *, start: int, ticks: int, work_s: float) -> Replay:
    """Starts at look `start` of the trace (looks x zones), with the deadline `ticks` looks later.

    The policy sees the trace up to now. The last look is paid for the part that is used.
    """
    tick_s, changeover_s = market.tick_s, market.changeover_s
    left_s, ready_s = float(work_s), 0.0
    where, zone = Where.WAIT, None
    cost, changeovers, on_demand_s, waited_s = 0.0, 0, 0.0, 0.0
    if start + ticks > len(trace):
        raise ValueError(f"the trace has {len(trace)} looks, {start + ticks} are needed")
    for now in range(start, start + ticks):
        if where is Where.SPOT and not trace[now, zone]:
            where, zone, ready_s = Where.WAIT, None, 0.0
        time_s = (start + ticks - now) * tick_s
        state = State(market, left_s, time_s, where, zone, ready_s, trace[: now + 1])
        decision = hold_deadline(state, policy.decide(state))
        if (decision.where, decision.zone) != (where, zone):
            where, zone = decision.where, decision.zone
            ready_s = 0.0 if where is Where.WAIT else changeover_s
            changeovers += where is not Where.WAIT
        if where is Where.WAIT:
            waited_s += tick_s
            continue
        paid_s = min(tick_s, ready_s + left_s)
        is_finished = ready_s + left_s <= tick_s
        if where is Where.ON_DEMAND:
            cost += market.on_demand_price * paid_s / 3600
            on_demand_s += paid_s
        else:
            assert zone is not None
            cost += market.spot_prices[zone] * paid_s / 3600
        if is_finished:
            return Replay(cost, True, changeovers, on_demand_s / 3600, waited_s / 3600)
        left_s -= max(0.0, tick_s - ready_s)
        ready_s = max(0.0, ready_s - tick_s)
    return Replay(cost, False, changeovers, on_demand_s / 3600, waited_s / 3600)


def one_zone(trace: Bools) -> Bools:
    """A trace of one zone in the shape of many."""
    return np.asarray(trace, dtype=np.bool_).reshape(-1, 1)
