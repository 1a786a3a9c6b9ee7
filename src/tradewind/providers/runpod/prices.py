"""RunPod's catalogue of accelerators: with a key its REST API with stock by data centre, without one its public list.

Both price one accelerator; a pod has one to `maxCount` of them, on one machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import Field

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.providers.asking import (
    Quantity,
    Row,
    Sieve,
    ask,
    base_url,
    optional_credential,
    rows_of,
)
from tradewind.providers.normalising import Machine, make_offer, mark_odd_spot, per_hour
from tradewind.providers.prices import Wire

#: Pod sizes whose stock is asked for; other sizes have that of the next larger one.
_SIZES_ASKED: Final = (1, 2, 4, 8)
_CLOUDS: Final = ("secure", "community")
_COMMUNITY: Final = "community"
#: Tells a pod of the community cloud by its type.
COMMUNITY_SUFFIX: Final = " (community)"
_STOCK: Final = {
    "NONE": Availability.UNAVAILABLE,
    "LOW": Availability.LOW,
    "MEDIUM": Availability.MEDIUM,
    "HIGH": Availability.HIGH,
}
_QUERY: Final = """query { gpuTypes { id displayName memoryInGb secureCloud communityCloud securePrice communityPrice
maxGpuCountSecureCloud maxGpuCountCommunityCloud
lowestPrice(input: {gpuCount: 1}) { minimumBidPrice stockStatus } } }"""


class _PerCloud(Row):
    secure: Any = None
    community: Any = None


class _MaxCount(Row):
    secure: int = Field(default=1, ge=0, le=64)
    community: int = Field(default=1, ge=0, le=64)


class _DataCenter(Row):
    id: str
    availability: str


class _GpuType(Row):
    id: str
    memory: Quantity
    secure: bool
    community: bool
    price: _PerCloud
    max_count: _MaxCount = Field(alias="maxCount")
    availability: str | None = None
    data_centers: list[_DataCenter] = Field(default=[], alias="dataCenters")


class _Lowest(Row):
    minimum_bid: Any = Field(default=None, alias="minimumBidPrice")
    stock: str | None = Field(default=None, alias="stockStatus")


class _PublicType(Row):
    id: str
    memory: Quantity = Field(alias="memoryInGb")
    secure: bool | None = Field(default=None, alias="secureCloud")
    community: bool | None = Field(default=None, alias="communityCloud")
    secure_price: Any = Field(default=None, alias="securePrice")
    community_price: Any = Field(default=None, alias="communityPrice")
    most_secure: int | None = Field(default=None, alias="maxGpuCountSecureCloud", ge=0, le=64)
    most_community: int | None = Field(default=None, alias="maxGpuCountCommunityCloud", ge=0, le=64)
    lowest: _Lowest | None = Field(default=None, alias="lowestPrice")


@dataclass(frozen=True, slots=True)
class _Pod:
    """A pod of one size, of one cloud, in one place."""

    gpu_id: str
    memory_gb: float
    count: int
    cloud: str
    region: str
    availability: Availability


class RunpodCatalog:
    """Pods by accelerator, number and cloud. `RUNPOD_API_KEY` is used where it is there, and not needed."""

    id = "runpod-catalog"
    title = "RunPod catalogue"
    providers: tuple[str, ...] = ("runpod",)
    credentials: tuple[str, ...] = ()
    optional_credentials: tuple[str, ...] = ("RUNPOD_API_KEY",)
    max_age = timedelta(minutes=15)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Raises ProviderError."""
        key = optional_credential(wire, "RUNPOD_API_KEY")
        if key:
            return await self._fetch_with_key(wire, key)
        return await self._fetch_public(wire)

    async def _fetch_with_key(self, wire: Wire, key: str) -> list[Offer]:
        url = f"{base_url(wire, 'https://api.runpod.io')}/v2/catalog/gpus"
        sieve, now = Sieve(self.title), wire.clock.now()
        offers: list[Offer] = []
        for cloud in _CLOUDS:
            by_size: dict[int, dict[str, _GpuType]] = {}
            for size in _SIZES_ASKED:
                answer = await ask(
                    wire, "GET", url, headers={"authorization": f"Bearer {key}"},
                    params={"include": "AVAILABILITY", "product": "POD", "count": size, "cloud": cloud.upper()},
                )  # fmt: skip
                rows = [sieve.read(_GpuType, raw) for raw in rows_of(answer, "gpus", self.title)]
                by_size[size] = {kind.id: kind for kind in rows if kind is not None}
            for kind in {name: kind for types in by_size.values() for name, kind in types.items()}.values():
                for pod in _pods(kind, cloud, by_size):
                    dollars = per_hour(getattr(kind.price, cloud), count=pod.count)
                    offers.append(
                        make_offer(
                            _machine(pod),
                            dollars=dollars,
                            market=Market.ON_DEMAND,
                            source=self.id,
                            seen_at=now,
                        )
                    )
        sieve.finish()
        return offers

    async def _fetch_public(self, wire: Wire) -> list[Offer]:
        url = f"{base_url(wire, 'https://api.runpod.io')}/graphql"
        answer = await ask(wire, "POST", url, body={"query": _QUERY})
        data = answer.get("data")
        if not isinstance(data, dict):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{self.title} came without data")
        sieve, now = Sieve(self.title), wire.clock.now()
        offers = [
            offer
            for raw in rows_of(data, "gpuTypes", self.title)
            if (kind := sieve.read(_PublicType, raw))
            for offer in self._public_offers(kind, now)
        ]
        sieve.finish()
        return mark_odd_spot(offers)

    def _public_offers(self, kind: _PublicType, now: datetime) -> Iterator[Offer]:
        # The list tells the stock of single accelerators in the secure cloud only.
        stock = (kind.lowest.stock or "").upper() if kind.lowest else ""
        for cloud, is_there, price, most in (
            ("secure", kind.secure, kind.secure_price, kind.most_secure),
            (_COMMUNITY, kind.community, kind.community_price, kind.most_community),
        ):
            for count in range(1, (most or 1) + 1) if is_there else ():
                level = _STOCK.get(stock, Availability.UNKNOWN) if (cloud, count) == ("secure", 1) else None
                pod = _Pod(kind.id, kind.memory, count, cloud, "", level or Availability.UNKNOWN)
                dollars = per_hour(price, count=count)
                yield make_offer(
                    _machine(pod), dollars=dollars, market=Market.ON_DEMAND, source=self.id, seen_at=now
                )
                bid = per_hour(kind.lowest.minimum_bid, count=count) if kind.lowest else None
                if bid and cloud == "secure":
                    yield make_offer(
                        _machine(pod), dollars=bid, market=Market.SPOT, source=self.id, seen_at=now
                    )


def _pods(kind: _GpuType, cloud: str, by_size: dict[int, dict[str, _GpuType]]) -> Iterator[_Pod]:
    """Every size in every data centre that lists it; where none does, once without a place."""
    if not getattr(kind, cloud):
        return
    for count in range(1, getattr(kind.max_count, cloud) + 1):
        asked = next((size for size in _SIZES_ASKED if size >= count), None)
        seen = by_size[asked].get(kind.id) if asked else None
        places = seen.data_centers if seen else []
        for place in places:
            level = _STOCK.get(place.availability, Availability.UNKNOWN)
            yield _Pod(kind.id, kind.memory, count, cloud, place.id, level)
        if not places:
            level = _STOCK.get((seen.availability if seen else None) or "", Availability.UNKNOWN)
            yield _Pod(kind.id, kind.memory, count, cloud, "", level)


def _machine(pod: _Pod) -> Machine:
    is_community = pod.cloud == _COMMUNITY
    return Machine(
        provider="runpod",
        region=pod.region,
        instance_type=f"{pod.count}x {pod.gpu_id}{COMMUNITY_SUFFIX if is_community else ''}",
        label=pod.gpu_id,
        count=pod.count,
        accelerator_memory_gb=pod.memory_gb,
        availability=pod.availability,
        flags=(_COMMUNITY,) if is_community else (),
    )
