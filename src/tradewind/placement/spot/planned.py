"""Ours: plans ahead against what was seen of the zones, and plans anew as more is seen.

The plan says whether to wait, to use spot, or to pay on-demand (`outlook`). Which zone: the cheapest by its price plus
the cost of getting into it spread over the time it is expected to stay up. A zone is left for another when that saves
more than the changeover costs, slack included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tradewind.placement.spot.outlook import Outlook, look_out
from tradewind.placement.spot.values import Decision, State, Where, on_demand

#: A plan is made anew after this time, if by then what was seen has grown by this share.
_PLAN_AGAIN_S: Final = 6 * 3600.0
_GROWN_BY: Final = 0.1
#: An hour of slack is never worth more than so many hours of on-demand.
_DEAREST_SLACK: Final = 5.0


class Planned:
    """Finishes by the deadline for the least expected cost. Knows what was seen before and during the run, no more."""

    def __init__(self) -> None:
        self._outlook: Outlook | None = None
        self._planned_at_s = 0.0
        self._looks = 0

    def decide(self, state: State) -> Decision:
        """Where to be until the next look."""
        looks = len(state.seen)
        has_aged = self._planned_at_s - state.time_s >= _PLAN_AGAIN_S
        if self._outlook is None or (has_aged and looks >= (1 + _GROWN_BY) * self._looks):
            self._outlook = look_out(state)
            self._planned_at_s, self._looks = state.time_s, looks
        return choose(state, self._outlook)


def choose(state: State, outlook: Outlook) -> Decision:
    """The decision of a plan, with its arithmetic. It is not yet held against the safety net."""
    slack_s, market = state.slack_s, state.market
    slack = f"{max(0.0, slack_s) / 3600:.1f} h of slack"
    if slack_s < 0:
        return on_demand(state, "there is no slack left")
    phase = outlook.phase(state)
    action = outlook.plan.action(state.where, phase=phase, time_s=state.time_s, slack_s=slack_s)
    if len(market.zones) == 1:
        if action is Where.SPOT:
            return Decision(
                Where.SPOT, 0, f"spot is there at {_saving(state, 0)} less than on-demand; {slack}"
            )
        if action is Where.ON_DEMAND:
            return on_demand(state, f"{slack} are worth more later than what waiting for spot would save now")
        return Decision(Where.WAIT, None, f"{slack} leave time to wait for spot at {_saving(state, 0)} less")
    zones = _Zones(state, outlook.zones, outlook.up_s(state), _price_of_slack(state, outlook, phase))
    if state.where is Where.SPOT and state.zone is not None:
        return zones.move_or_stay(state.zone)
    if action is Where.SPOT and (best := zones.best(outlook.zones)) is not None:
        return Decision(Where.SPOT, best, f"{market.zones[best]} is the best spot that is up; {slack}")
    if action is Where.WAIT:
        return Decision(Where.WAIT, None, f"none of the cheaper zones is up, and there are {slack}")
    # A zone that is not worth waiting for may still be cheaper than on-demand.
    dear = zones.best(range(len(market.zones)))
    has_time = slack_s > 3 * market.changeover_s + market.tick_s
    if (
        state.where is Where.WAIT
        and dear is not None
        and has_time
        and zones.cost(dear) < market.on_demand_price
    ):
        return Decision(Where.SPOT, dear, f"spot in {market.zones[dear]} is dear, yet less than on-demand")
    return on_demand(state, f"{slack} are worth more later than what waiting for spot would save now")


@dataclass(frozen=True, slots=True)
class _Zones:
    """Compares zones by cost per hour of work."""

    state: State
    worth_waiting_for: tuple[int, ...]
    up_s: list[float]
    price_of_slack: float

    def cost(self, zone: int) -> float:
        """Per hour of work: the price, and getting there spread over the time it stays up."""
        market = self.state.market
        return market.spot_prices[zone] + self._changeover(zone) / (self.up_s[zone] / 3600)

    def best(self, zones: range | tuple[int, ...]) -> int | None:
        """The one with the least cost of those that are up."""
        up = [zone for zone in zones if self.state.is_up(zone)]
        return min(up, key=self.cost) if up else None

    def move_or_stay(self, here: int) -> Decision:
        """The zone that gains most over staying, or this one."""
        names, prices = self.state.market.zones, self.state.market.spot_prices
        up_s = self.up_s
        best, most = here, 0.0
        for zone in self.worth_waiting_for:
            if zone == here or not self.state.is_up(zone):
                continue
            span_s = min(up_s[zone], up_s[here])
            # Over that span the one that lasts less long needs another changeover sooner.
            changeovers = 1 + span_s / up_s[zone] - span_s / up_s[here]
            gain = (prices[here] - prices[zone]) * span_s / 3600 - self._changeover(zone) * changeovers
            if gain > most:
                best, most = zone, gain
        if best == here:
            return Decision(Where.SPOT, here, f"spot in {names[here]} is still there, and no move would pay")
        return Decision(
            Where.SPOT, best, f"moving from {names[here]} to {names[best]} is expected to save {most:.2f}"
        )

    def _changeover(self, zone: int) -> float:
        market = self.state.market
        return (market.spot_prices[zone] + self.price_of_slack) * market.changeover_s / 3600


def _price_of_slack(state: State, outlook: Outlook, phase: int) -> float:
    price = outlook.plan.price_of_slack(phase=phase, time_s=state.time_s, slack_s=state.slack_s)
    return float(np.clip(price, 0.0, _DEAREST_SLACK * state.market.on_demand_price))


def _saving(state: State, zone: int) -> str:
    market = state.market
    return f"{1 - market.spot_prices[zone] / market.on_demand_price:.0%}"
