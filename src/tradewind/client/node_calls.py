"""Nodes: the part of the client that looks at machines and gives them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange
    from tradewind.domain import schemas_access
    from tradewind.domain import schemas_nodes as schemas

_API: Final = "/api/v1"
_ENDED: Final = frozenset({"gone", "refused"})
_BETWEEN_LOOKS_S: Final = 3.0


class NodeCalls:
    """Methods of `AsyncClient`."""

    _exchange: Exchange

    async def nodes(self, *, is_all: bool = False, limit: int = 200) -> list[schemas.NodeView]:
        """Machines at hand, and rented ones, newest first; `is_all` lists those that have ended as well."""
        parameters = {"all": str(is_all).lower(), "limit": str(limit)}
        response = await self._exchange.request("GET", f"{_API}/nodes", parameters=parameters)
        from tradewind.domain.schemas_nodes import NodeList

        return NodeList.model_validate_json(response.content).items

    async def node(self, node: str) -> schemas.NodeView:
        """One node, by its id or name."""
        response = await self._exchange.request("GET", f"{_API}/nodes/{quote(node, safe='')}")
        from tradewind.domain.schemas_nodes import NodeView

        return NodeView.model_validate_json(response.content)

    async def wait_until_given_back(self, job: str, timeout_s: float = 900.0) -> bool:
        """True once no machine that was rented for a job is left; False when that takes longer."""
        clock = self._exchange.clock
        until = clock.monotonic() + timeout_s
        while any(each.job == job and each.status not in _ENDED for each in await self.nodes()):
            if clock.monotonic() >= until:
                return False
            await clock.sleep(_BETWEEN_LOOKS_S)
        return True

    async def access(self, job: str, public_key: str, rank: int = 0) -> schemas_access.AccessView:
        """Where a job runs now, or this rank of it, and how to log in there; on a rented machine this key is let in."""
        response = await self._exchange.request(
            "POST",
            f"{_API}/jobs/{quote(job, safe='')}/access",
            json={"public_key": public_key, "rank": rank},
            timeout_s=90.0,
        )
        from tradewind.domain.schemas_access import AccessView

        return AccessView.model_validate_json(response.content)

    async def stop_node(self, node: str, *, now: bool = False) -> schemas.NodeView:
        """Gives a rented machine back. Its job writes a checkpoint first, unless `now`, and goes on elsewhere."""
        response = await self._exchange.request(
            "POST", f"{_API}/nodes/{quote(node, safe='')}/stop", json={"now": now}
        )
        from tradewind.domain.schemas_nodes import NodeView

        return NodeView.model_validate_json(response.content)
