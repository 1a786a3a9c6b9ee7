"""Spot whenever it is there, waiting whenever it is not, until the safety net ends it."""

from __future__ import annotations

from tradewind.placement.spot.values import Decision, State, Where, cheapest_up, on_demand


class Greedy:
    """Uses up all its slack first; then it is on on-demand to the end."""

    def decide(self, state: State) -> Decision:
        """The cheapest spot, or wait."""
        if state.where is Where.ON_DEMAND:
            return on_demand(state, "there is no time for another changeover")
        zone = state.zone if state.where is Where.SPOT else cheapest_up(state)
        if zone is None:
            return Decision(Where.WAIT, None, "no spot now, and there is time")
        return Decision(Where.SPOT, zone, "spot is there")
