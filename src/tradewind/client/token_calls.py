"""API tokens and browser sessions: the part of the client that speaks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange
    from tradewind.domain import schemas_settings as schemas

_API: Final = "/api/v1/tokens"


class TokenCalls:
    """Methods of `AsyncClient`."""

    _exchange: Exchange

    async def tokens(self) -> schemas.TokenPage:
        """The caller's API tokens and browser sessions, without their secrets."""
        response = await self._exchange.request("GET", _API)
        from tradewind.domain.schemas_settings import TokenPage

        return TokenPage.model_validate_json(response.content)

    async def create_token(self, request: schemas.TokenRequest) -> schemas.NewToken:
        """A new API token. Its secret is in this answer, and never given out again."""
        body = request.model_dump(mode="json", exclude_none=True)
        response = await self._exchange.request("POST", _API, json=body)
        from tradewind.domain.schemas_settings import NewToken

        return NewToken.model_validate_json(response.content)

    async def revoke_token(self, token_id: str) -> None:
        """Makes a token or a session worthless."""
        await self._exchange.request("DELETE", f"{_API}/{quote(token_id, safe='')}")
