"""Offers and prices: the part of the client that speaks of them.

Their types are loaded when the first answer comes: most commands never speak of prices.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from tradewind.client.exchange import Exchange, Parameters
    from tradewind.domain import schemas_offers as schemas

_API: Final = "/api/v1"
_PIECE_BYTES: Final = 1 << 16


class PriceCalls:
    """Methods of `AsyncClient`. Filters are those of the API (`docs/endpoints.md`), by their names there."""

    _exchange: Exchange

    async def offers(self, /, **filters: Any) -> schemas.OfferPage:
        """A page of offers, for example `offers(gpu=["H100"], max_price=3, sort="price", limit=20)`."""
        response = await self._exchange.request("GET", f"{_API}/offers", parameters=_sent(filters))
        from tradewind.domain.schemas_offers import OfferPage

        return OfferPage.model_validate_json(response.content)

    async def offers_raw(self, /, **filters: Any) -> dict[str, Any]:
        """The same as it travels: the fastest way to thousands of offers."""
        response = await self._exchange.request("GET", f"{_API}/offers", parameters=_sent(filters))
        answer: dict[str, Any] = json.loads(response.content)
        return answer

    async def gpus(self, *, offered: bool = False, source: str | None = None) -> schemas.GpuPage:
        """Models of accelerators with who has them; `offered`: only those that are on offer."""
        response = await self._exchange.request(
            "GET", f"{_API}/gpus", parameters={"offered": offered, "source": source}
        )
        from tradewind.domain.schemas_offers import GpuPage

        return GpuPage.model_validate_json(response.content)

    async def price_sources(self) -> schemas.PriceSourcePage:
        """Every price source and how it is."""
        response = await self._exchange.request("GET", f"{_API}/prices/sources")
        from tradewind.domain.schemas_offers import PriceSourcePage

        return PriceSourcePage.model_validate_json(response.content)

    async def refresh_prices(self, source: str, *, wait_s: float = 30.0) -> schemas.PriceSourceView:
        """The source after it was asked, or as it is after `wait_s` seconds."""
        response = await self._exchange.request(
            "POST",
            f"{_API}/prices/sources/{quote(source, safe='')}/refresh",
            parameters={"wait_s": wait_s},
            timeout_s=wait_s + 30,
        )
        from tradewind.domain.schemas_offers import PriceSourceView

        return PriceSourceView.model_validate_json(response.content)

    async def import_prices(self, order: schemas.PriceImport) -> schemas.PriceImportAnswer:
        """What was read from a file with prices."""
        body = order.model_dump(mode="json", exclude_none=True)
        response = await self._exchange.request("POST", f"{_API}/prices/import", json=body, timeout_s=120)
        from tradewind.domain.schemas_offers import PriceImportAnswer

        return PriceImportAnswer.model_validate_json(response.content)

    async def remove_prices(self, source: str) -> schemas.PriceSourceView:
        """Withdraws imported prices; their history stays."""
        path = f"{_API}/prices/sources/{quote(source, safe='')}"
        response = await self._exchange.request("DELETE", path)
        from tradewind.domain.schemas_offers import PriceSourceView

        return PriceSourceView.model_validate_json(response.content)

    async def price_history(self, /, **filters: Any) -> schemas.PriceHistory:
        """The course of prices, as a band and offer by offer."""
        response = await self._exchange.request("GET", f"{_API}/prices/history", parameters=_sent(filters))
        from tradewind.domain.schemas_offers import PriceHistory

        return PriceHistory.model_validate_json(response.content)

    async def price_changes(self, /, **filters: Any) -> schemas.PriceChangePage:
        """What changed, newest first."""
        response = await self._exchange.request("GET", f"{_API}/prices/changes", parameters=_sent(filters))
        from tradewind.domain.schemas_offers import PriceChangePage

        return PriceChangePage.model_validate_json(response.content)

    async def export_prices(self, /, **filters: Any) -> AsyncIterator[list[bytes]]:
        """Every recorded change as CSV or JSON lines (`format`), in pieces."""
        async with self._exchange.stream(f"{_API}/prices/export", parameters=_sent(filters)) as response:
            async for piece in response.aiter_bytes(_PIECE_BYTES):
                yield [piece]


def _sent(filters: Mapping[str, Any]) -> Parameters:
    """Filters as query parameters; those that are not given are left out."""
    return {
        name: [str(each) for each in value] if isinstance(value, list | tuple) else value
        for name, value in filters.items()
        if value is not None
    }
