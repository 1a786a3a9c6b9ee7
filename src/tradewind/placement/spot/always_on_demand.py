"""On-demand from the first moment to the last: what spot is held against."""

from __future__ import annotations

from tradewind.placement.spot.values import Decision, State, on_demand


class AlwaysOnDemand:
    """Never interrupted, never late, dearest."""

    def decide(self, state: State) -> Decision:
        """On-demand."""
        return on_demand(state, "spot is not used")
