"""Machines of the user's own over SSH: the part of the client that adds, lists and removes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange
    from tradewind.domain import schemas_hosts as schemas

_API: Final = "/api/v1"
#: A machine that is slow to answer, and the agent's way there.
_PATIENCE_S: Final = 150.0


class HostCalls:
    """Methods of `AsyncClient`."""

    _exchange: Exchange

    async def hosts(self) -> schemas.HostList:
        """Every machine that was added, and the public key that lets this installation in."""
        response = await self._exchange.request("GET", f"{_API}/hosts")
        from tradewind.domain.schemas_hosts import HostList

        return HostList.model_validate_json(response.content)

    async def probe_host(self, probe: schemas.HostProbe) -> schemas.HostKeyView:
        """The host key that answers at an address now. Whether it is the right one is the user's to say."""
        response = await self._exchange.request(
            "POST", f"{_API}/hosts/probe", json=probe.model_dump(mode="json"), timeout_s=_PATIENCE_S
        )
        from tradewind.domain.schemas_hosts import HostKeyView

        return HostKeyView.model_validate_json(response.content)

    async def add_host(self, spec: schemas.HostSpec) -> schemas.HostView:
        """Adds a machine that answers with this host key, lets the server in and runs the agent; or changes it."""
        response = await self._exchange.request(
            "POST", f"{_API}/hosts", json=spec.model_dump(mode="json"), timeout_s=_PATIENCE_S
        )
        from tradewind.domain.schemas_hosts import HostView

        return HostView.model_validate_json(response.content)

    async def remove_host(self, name: str, *, is_lost: bool = False) -> None:
        """Lets a machine go. `is_lost`: the caller knows that nothing runs there any more."""
        await self._exchange.request(
            "DELETE", f"{_API}/hosts/{quote(name, safe='')}", parameters={"lost": str(is_lost).lower()}
        )
