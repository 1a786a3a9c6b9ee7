"""Providers and connections: the part of the client that speaks of them.

Their types are loaded when a method needs them: most commands never do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange
    from tradewind.domain import schemas_check
    from tradewind.domain import schemas_connections as schemas
    from tradewind.domain.secrets import Secret

_API: Final = "/api/v1"
#: The server asks the provider, which may take its time.
_EXAMINATION_TIMEOUT_S: Final = 150.0
#: Several questions one after the other, some to every region.
_CHECK_S: Final = 600.0


class ConnectionCalls:
    """Methods of `AsyncClient`. Providers are named by any of their names."""

    _exchange: Exchange

    async def providers(self) -> schemas.ProviderPage:
        """Every provider that is known."""
        from tradewind.domain import schemas_connections as schemas

        response = await self._exchange.request("GET", f"{_API}/providers")
        return schemas.ProviderPage.model_validate_json(response.content)

    async def provider(self, provider: str) -> schemas.ProviderView:
        """One provider."""
        from tradewind.domain import schemas_connections as schemas

        response = await self._exchange.request("GET", f"{_API}/providers/{_quote(provider)}")
        return schemas.ProviderView.model_validate_json(response.content)

    async def check_provider(self, provider: str) -> schemas_check.ProviderCheck:
        """Asks a connected provider everything that costs nothing."""
        from tradewind.domain.schemas_check import ProviderCheck

        path = f"{_API}/providers/{_quote(provider)}/check"
        response = await self._exchange.request("POST", path, timeout_s=_CHECK_S)
        return ProviderCheck.model_validate_json(response.content)

    async def connections(self) -> schemas.ConnectionPage:
        """The project's connections, without their credentials."""
        from tradewind.domain import schemas_connections as schemas

        response = await self._exchange.request("GET", f"{_API}/connections")
        return schemas.ConnectionPage.model_validate_json(response.content)

    async def connection(self, provider: str) -> schemas.ConnectionView:
        """One connection."""
        return await self._connection("GET", provider)

    async def connect(
        self,
        provider: str,
        credentials: Mapping[str, Secret] | None = None,
        *,
        source: str = "stored",
        settings: Mapping[str, str] | None = None,
    ) -> schemas.ConnectionView:
        """Connects a provider, or replaces its connection. Credentials are sealed by the server and never given out.

        `source` may be `environment` or `config_file` instead: those of the server's machine.
        """
        given = {name: value.reveal() for name, value in (credentials or {}).items()}
        body = {"source": source, "credentials": given, "settings": dict(settings or {})}
        return await self._connection("PUT", provider, body=body)

    async def validate_connection(self, provider: str) -> schemas.ConnectionView:
        """Has the provider asked once more whose the credentials are; what is wrong is in `error`."""
        return await self._connection("POST", provider, "/validate")

    async def disconnect(self, provider: str) -> None:
        """Forgets a connection and its credentials."""
        await self._exchange.request("DELETE", f"{_API}/connections/{_quote(provider)}")

    async def _connection(
        self, method: str, provider: str, action: str = "", body: object = None
    ) -> schemas.ConnectionView:
        from tradewind.domain import schemas_connections as schemas

        response = await self._exchange.request(
            method,
            f"{_API}/connections/{_quote(provider)}{action}",
            json=body,
            timeout_s=None if method == "GET" else _EXAMINATION_TIMEOUT_S,
        )
        return schemas.ConnectionView.model_validate_json(response.content)


def _quote(reference: str) -> str:
    return quote(reference, safe="")
