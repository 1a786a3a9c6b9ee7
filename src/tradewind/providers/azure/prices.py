"""Azure's public retail prices of machines with accelerators: on demand, spot, and reserved."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import Field

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market, Offer
from tradewind.providers.asking import MAX_PAGES, Row, Sieve, ask, base_url, rows_of, too_many_pages
from tradewind.providers.normalising import (
    Machine,
    keep_cheapest_of_each,
    make_offer,
    mark_odd_spot,
    read_amount,
)
from tradewind.providers.prices import Wire
from tradewind.providers.sizes import find_size

_API_VERSION: Final = "2023-01-01-preview"
#: NC, ND, NG and NV are the families with accelerators; NP has other boards, and is left out below.
_FILTER: Final = (
    "serviceName eq 'Virtual Machines' and contains(armSkuName, 'Standard_N')"
    " and contains(productName, 'Windows') eq false and contains(meterName, 'Low Priority') eq false"
)
_FAMILIES: Final = ("Standard_NC", "Standard_ND", "Standard_NG", "Standard_NV")
#: Hours that a reservation is paid for, by its term. The listed price is for the whole term.
_TERM_HOURS: Final = {"1 Year": 8760, "3 Years": 26280, "5 Years": 43800}


class _Price(Row):
    currency: str = Field(alias="currencyCode")
    region: str = Field(alias="armRegionName")
    sku: str = Field(alias="armSkuName")
    meter: str = Field(alias="meterName")
    product: str = Field(alias="productName")
    kind: str = Field(alias="type")
    unit: str = Field(alias="unitOfMeasure")
    retail_price: Any = Field(alias="retailPrice")
    term: str | None = Field(default=None, alias="reservationTerm")


class AzureRetail:
    """List prices per region. Of several reservations of a machine the shortest is taken, and marked with its term."""

    id = "azure-retail"
    title = "Azure retail prices"
    providers: tuple[str, ...] = ("azure",)
    credentials: tuple[str, ...] = ()
    max_age = timedelta(hours=12)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Raises ProviderError."""
        base = base_url(wire, "https://prices.azure.com")
        url: str = f"{base}/api/retail/prices"
        params: dict[str, str | int] | None = {"api-version": _API_VERSION, "$filter": _FILTER}
        sieve, now = Sieve(self.title), wire.clock.now()
        offers: list[Offer] = []
        reserved: dict[tuple[str, str], tuple[int, Offer]] = {}
        for _ in range(MAX_PAGES):
            answer = await ask(wire, "GET", url, params=params)
            for raw in rows_of(answer, "Items", self.title):
                price = sieve.read(_Price, raw)
                if price is None or not _is_wanted(price):
                    continue
                if price.kind == "Reservation":
                    _keep_shortest(reserved, price, self._reserved(price, now))
                else:
                    offers.append(self._offer(price, now))
            following = answer.get("NextPageLink")
            if not following:
                sieve.finish()
                kept = keep_cheapest_of_each(offers) + [offer for _, offer in reserved.values()]
                return mark_odd_spot(kept)
            url, params = _checked_link(following, base, self.title), None
        raise too_many_pages(self.title)

    def _offer(self, price: _Price, now: datetime) -> Offer:
        market = Market.SPOT if price.meter.endswith(" Spot") else Market.ON_DEMAND
        return make_offer(
            _machine(price),
            dollars=read_amount(price.retail_price),
            market=market,
            source=self.id,
            seen_at=now,
        )

    def _reserved(self, price: _Price, now: datetime) -> Offer:
        hours = _TERM_HOURS.get(price.term or "")
        amount = read_amount(price.retail_price)
        dollars = None if hours is None or amount is None else amount / Decimal(hours)
        flag = f"term_{(price.term or 'unknown').split()[0].lower()}y"
        return make_offer(
            _machine(price, flag), dollars=dollars, market=Market.RESERVED, source=self.id, seen_at=now
        )


def _is_wanted(price: _Price) -> bool:
    return (
        price.sku.startswith(_FAMILIES)
        and price.kind in {"Consumption", "Reservation"}
        and price.currency == "USD"
        and price.unit == "1 Hour"
        and "Windows" not in price.product
        and "Low Priority" not in price.meter
        and "Dedicated" not in price.product
        and (price.kind != "Reservation" or price.term in _TERM_HOURS)
    )


def _machine(price: _Price, *flags: str) -> Machine:
    size = find_size("azure", price.sku)
    return Machine(
        provider="azure",
        region=price.region,
        instance_type=price.sku,
        label=size.label if size else price.sku.removeprefix("Standard_"),
        count=size.count if size else 1.0,
        accelerator_memory_gb=size.accelerator_memory_gb if size else None,
        cpus=size.cpus if size else 0.0,
        memory_bytes=size.memory_bytes if size else 0,
        flags=flags,
    )


def _keep_shortest(reserved: dict[tuple[str, str], tuple[int, Offer]], price: _Price, offer: Offer) -> None:
    key, hours = (price.region, price.sku), _TERM_HOURS[price.term or ""]
    if key not in reserved or hours < reserved[key][0]:
        reserved[key] = (hours, offer)


def _checked_link(link: object, base: str, title: str) -> str:
    """The link to the next page, if it leads to the same server: a list cannot send us elsewhere."""
    try:
        here, there = urlsplit(base), urlsplit(str(link))
        is_same = (here.scheme, here.hostname, here.port or _port(here.scheme)) == (
            there.scheme,
            there.hostname,
            there.port or _port(there.scheme),
        )
    except ValueError:
        is_same = False
    if not is_same:
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{title} continues on another server")
    return str(link)


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
