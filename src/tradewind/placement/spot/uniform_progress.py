"""Uniform Progress of "Can't Be Late" (NSDI'24), by the rule that its authors released.

The line is the progress of a job that works evenly from start to deadline. Behind it without spot: on-demand. On
on-demand: back to spot only when two changeovers ahead of the line, and never to waiting.
"""

from __future__ import annotations

from tradewind.placement.spot.values import Decision, State, Where, cheapest_up, on_demand

#: Leave a zone for one that is cheaper by more than this.
_CHEAPER_BY = 0.15


class UniformProgress:
    """The best published policy for one zone. With several zones: the cheapest that is up; with `moves` also
    leaves a zone for one that is more than 15 % cheaper."""

    def __init__(self, *, moves: bool = False) -> None:
        self._moves = moves
        self._start: State | None = None

    def decide(self, state: State) -> Decision:
        """Where to be by the line."""
        start = self._start or state
        self._start = start
        done_s = start.left_s - state.left_s
        ahead_s = done_s - (start.time_s - state.time_s) * start.left_s / start.time_s
        best = cheapest_up(state)
        if state.where is Where.ON_DEMAND:
            if best is not None and ahead_s >= 2 * state.market.changeover_s:
                return Decision(Where.SPOT, best, "two changeovers ahead of the line")
            return on_demand(state, "not far enough ahead of the line to leave on-demand")
        if state.where is Where.SPOT and state.zone is not None:
            prices = state.market.spot_prices
            if self._moves and best is not None and prices[best] < (1 - _CHEAPER_BY) * prices[state.zone]:
                return Decision(Where.SPOT, best, "a zone is cheaper by more than 15 %")
            return Decision(Where.SPOT, state.zone, "spot is still there")
        if best is not None:
            return Decision(Where.SPOT, best, "spot is there")
        if ahead_s < 0:
            return on_demand(state, "behind the line without spot")
        return Decision(Where.WAIT, None, "ahead of the line without spot")
