"""The safety net: no policy may do what on-demand capacity could not make good for.

At each look a job that is not on on-demand must still have time for one changeover and all of its work. A decision is
let through only if that will hold at the next look too, whatever spot does until then. So the deadline holds whenever
on-demand capacity does: by induction from a start at which it could have been met on on-demand alone.
"""

from __future__ import annotations

from tradewind.placement.spot.values import Decision, State, Where, on_demand


def latest_on_demand_s(*, left_s: float, changeover_s: float, time_s: float) -> float:
    """In how many seconds from now on-demand has to be started at the latest; negative if that time has passed."""
    return time_s - left_s - changeover_s


def keeps_deadline(state: State, decision: Decision) -> bool:
    """Whether on-demand could still meet the deadline from the next look on, if this is done until then."""
    if decision.where is Where.ON_DEMAND:
        return True
    market = state.market
    left_s = state.left_s
    if decision.where is Where.SPOT:
        stays = state.where is Where.SPOT and state.zone == decision.zone
        ready_s = state.ready_s if stays else market.changeover_s
        left_s -= max(0.0, market.tick_s - ready_s)
        if left_s <= 0.0:
            return ready_s + state.left_s <= state.time_s
    after_s = state.time_s - market.tick_s
    return latest_on_demand_s(left_s=left_s, changeover_s=market.changeover_s, time_s=after_s) >= 0.0


def hold_deadline(state: State, decision: Decision) -> Decision:
    """The decision, or on-demand if that is the last moment for it. Spot that is not there becomes waiting."""
    if decision.where is Where.SPOT and (decision.zone is None or not state.is_up(decision.zone)):
        decision = Decision(Where.WAIT, None, "spot is gone")
    if keeps_deadline(state, decision):
        return decision
    return on_demand(
        state,
        f"{_hours(state.left_s)} of work and {state.market.changeover_s / 60:.0f} min to get ready leave no time to "
        f"look again before the deadline in {_hours(state.time_s)}",
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
