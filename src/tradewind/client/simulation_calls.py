"""Simulations: the part of the client that speaks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange
    from tradewind.domain.schemas_simulation import SimulationRequest, SimulationView

_PATH: Final = "/api/v1/simulations"
#: A minute of the server's time, and one more while others wait.
_LONGEST_S: Final = 300.0


class SimulationCalls:
    """Methods of `AsyncClient`."""

    _exchange: Exchange

    async def simulate(self, order: SimulationRequest) -> SimulationView:
        """What would come of a mix, a trace or past jobs under several policies. Nothing is started."""
        from tradewind.domain.schemas_simulation import SimulationView

        body = order.model_dump(mode="json", exclude_none=True)
        response = await self._exchange.request("POST", _PATH, json=body, timeout_s=_LONGEST_S)
        return SimulationView.model_validate_json(response.content)
