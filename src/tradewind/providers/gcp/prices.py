"""Google's list prices: accelerators, processors, memory and local disks have prices of their own, added up here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import Field

from tradewind.domain.offers import Market, Offer
from tradewind.providers.asking import (
    MAX_PAGES,
    Row,
    Sieve,
    ask,
    base_url,
    credential,
    rows_of,
    too_many_pages,
)
from tradewind.providers.normalising import (
    GIB,
    HOST_INCLUDED,
    Machine,
    make_offer,
    mark_odd_spot,
    read_amount,
)
from tradewind.providers.prices import Wire
from tradewind.providers.sizes import Size, known_sizes

#: Compute Engine, in Google's catalogue of services.
_SERVICE: Final = "6F81-5844-456A"
_PER_PAGE: Final = 5000
#: Local disks are listed per GiB and month of this many hours.
_HOURS_A_MONTH: Final = 730
_USAGE: Final = {"OnDemand": Market.ON_DEMAND, "Preemptible": Market.SPOT}
#: Descriptions that hold one of these are other terms than renting a machine by the hour.
_OTHER_TERMS: Final = ("Sole Tenancy", "Reserved", "Premium", "Custom", "suspended", "DWS", "Commitment")
_PART: Final = re.compile(r"(?:spot preemptible )?(.+?) (gpu|ram|core)\b.*", re.IGNORECASE)
_SLICE: Final = re.compile(r"(?:spot preemptible )?(.+?) \(1 gpu slice\).*", re.IGNORECASE)
_DISK: Final = re.compile(r"ssd backed local storage.*", re.IGNORECASE)
#: How the list names the accelerator of each family of machines; the parts of a machine are priced by family.
_ACCELERATORS: Final = {
    "a2-highgpu": "nvidia tesla a100",
    "a2-megagpu": "nvidia tesla a100",
    "a2-ultragpu": "nvidia tesla a100 80gb",
    "a3-highgpu": "nvidia h100 80gb",
    "a3-megagpu": "nvidia h100 80gb plus",
    "a3-ultragpu": "nvidia h200 141gb",
    "g2-standard": "nvidia l4",
}
#: Families of which one accelerator is sold with its share of the machine, at one price.
_SLICES: Final = {"a4-highgpu": "a4 nvidia b200"}
_ATTACHED: Final = {
    "T4": "nvidia tesla t4",
    "V100": "nvidia tesla v100",
    "P100": "nvidia tesla p100",
    "P4": "nvidia tesla p4",
}
_SAME_ACCELERATOR: Final = {"nvidia h100 80gb mega": "nvidia h100 80gb plus"}
#: Families whose processors and memory are listed under another name.
_HOSTS: Final = {"a3-megagpu": "a3plus", "a3-ultragpu": "a3ultra"}
#: GiB of local disk that come with one accelerator of a machine, and are charged.
_DISK_PER_ACCELERATOR_GIB: Final = {"a2-ultragpu": 375, "a3-highgpu": 750, "a3-megagpu": 750}

#: Region and market.
_Place = tuple[str, Market]


class _Money(Row):
    currency: str = Field(default="USD", alias="currencyCode")
    units: Any = 0
    nanos: int = Field(default=0, ge=-999_999_999, le=999_999_999)


class _Tier(Row):
    unit_price: _Money = Field(alias="unitPrice")


class _Expression(Row):
    tiers: list[_Tier] = Field(alias="tieredRates", min_length=1)


class _Pricing(Row):
    expression: _Expression = Field(alias="pricingExpression")


class _Category(Row):
    family: str = Field(alias="resourceFamily")
    usage: str = Field(alias="usageType")


class _Sku(Row):
    description: str
    category: _Category
    regions: list[str] = Field(alias="serviceRegions")
    pricing: list[_Pricing] = Field(alias="pricingInfo", min_length=1)


class _Parts:
    """Dollars per hour of each part, by its name, region and market."""

    def __init__(self) -> None:
        self.gpu: dict[str, dict[_Place, Decimal]] = {}
        self.core: dict[str, dict[_Place, Decimal]] = {}
        self.ram: dict[str, dict[_Place, Decimal]] = {}
        self.slice: dict[str, dict[_Place, Decimal]] = {}
        self.disk: dict[_Place, Decimal] = {}

    def add(self, sku: _Sku) -> None:
        """Takes in one position of the list, if it is a part of the machines known here."""
        market = _USAGE.get(sku.category.usage)
        amount = _amount(sku)
        if market is None or amount is None or any(word in sku.description for word in _OTHER_TERMS):
            return
        places = [(region, market) for region in sku.regions]
        if sku.category.family == "Storage" and _DISK.fullmatch(sku.description):
            self.disk.update(dict.fromkeys(places, amount / _HOURS_A_MONTH))
            return
        whole = _SLICE.fullmatch(sku.description)
        if whole is not None:
            self.slice.setdefault(whole[1].lower(), {}).update(dict.fromkeys(places, amount))
            return
        said = _PART.fullmatch(sku.description)
        if sku.category.family != "Compute" or said is None:
            return
        name, kind = said[1].lower().removesuffix(" predefined").removesuffix(" instance"), said[2].lower()
        name = name.removesuffix(" predefined")
        if kind == "gpu":
            self.gpu.setdefault(_SAME_ACCELERATOR.get(name, name), {}).update(dict.fromkeys(places, amount))
        else:
            prices = self.core if kind == "core" else self.ram
            prices.setdefault(name, {}).update(dict.fromkeys(places, amount))


class GcpSkus:
    """Accelerator machines per region, with the machine around them in the price (`host_included`)."""

    id = "gcp-skus"
    title = "Google Cloud price list"
    providers: tuple[str, ...] = ("gcp",)
    credentials: tuple[str, ...] = ("GOOGLE_API_KEY",)
    max_age = timedelta(hours=12)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Raises ProviderError."""
        key = credential(wire, "GOOGLE_API_KEY")
        url = f"{base_url(wire, 'https://cloudbilling.googleapis.com')}/v1/services/{_SERVICE}/skus"
        params: dict[str, str | int] = {"pageSize": _PER_PAGE, "currencyCode": "USD"}
        sieve, parts = Sieve(self.title), _Parts()
        for _ in range(MAX_PAGES):
            # The key travels in a header: addresses end up in logs.
            answer = await ask(wire, "GET", url, params=params, headers={"x-goog-api-key": key})
            for raw in rows_of(answer, "skus", self.title):
                sku = sieve.read(_Sku, raw)
                if sku is not None:
                    parts.add(sku)
            token = answer.get("nextPageToken")
            if not token:
                sieve.finish()
                return mark_odd_spot(self._offers(parts, wire.clock.now()))
            params["pageToken"] = str(token)
        raise too_many_pages(self.title)

    def _offers(self, parts: _Parts, now: datetime) -> Iterator[Offer]:
        for instance_type, size in known_sizes("gcp").items():
            family = "-".join(instance_type.split("-")[:2])
            for place, dollars in _prices(parts, instance_type, family, size):
                region, market = place
                machine = Machine(
                    provider="gcp",
                    region=region,
                    instance_type=instance_type,
                    label=size.label,
                    count=size.count,
                    accelerator_memory_gb=size.accelerator_memory_gb,
                    cpus=size.cpus,
                    memory_bytes=size.memory_bytes,
                    flags=(HOST_INCLUDED,),
                )
                yield make_offer(machine, dollars=dollars, market=market, source=self.id, seen_at=now)


def _prices(parts: _Parts, instance_type: str, family: str, size: Size) -> Iterator[tuple[_Place, Decimal]]:
    """Where a machine can be had, and what it costs there. Where a part has no price: nothing; half a price is none."""
    count = Decimal(str(size.count))
    if family in _SLICES:
        for place, price in sorted(parts.slice.get(_SLICES[family], {}).items()):
            yield place, price * count
        return
    accelerator = _ATTACHED.get(size.label) if "+" in instance_type else _ACCELERATORS.get(family)
    host = _HOSTS.get(family, family.split("-")[0])
    disk_gib = _DISK_PER_ACCELERATOR_GIB.get(family, 0) * count
    for place, gpu in sorted(parts.gpu.get(accelerator or "", {}).items()):
        core, ram = parts.core.get(host, {}).get(place), parts.ram.get(host, {}).get(place)
        disk = parts.disk.get(place) if disk_gib else Decimal(0)
        if core is None or ram is None or disk is None:
            continue
        memory_gib = Decimal(size.memory_bytes) / GIB
        yield place, gpu * count + core * Decimal(str(size.cpus)) + ram * memory_gib + disk * disk_gib


def _amount(sku: _Sku) -> Decimal | None:
    """The price of the latest look, after any free amount: the last tier."""
    price = sku.pricing[-1].expression.tiers[-1].unit_price
    units = read_amount(price.units)
    if units is None or price.currency != "USD":
        return None
    return units + Decimal(price.nanos).scaleb(-9)
