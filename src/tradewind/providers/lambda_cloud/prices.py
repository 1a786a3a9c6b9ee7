"""Lambda's own list of machine types: list prices in cents, and where there is capacity at this moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.providers.asking import (
    Count,
    Quantity,
    Row,
    Sieve,
    ask,
    base_url,
    credential,
)
from tradewind.providers.normalising import GIB, Machine, make_offer, per_hour
from tradewind.providers.prices import Wire


class _Specs(Row):
    vcpus: Quantity
    memory_gib: Quantity
    storage_gib: Quantity
    gpus: Count


class _Type(Row):
    name: str
    gpu_description: str = ""
    price_cents_per_hour: Any
    specs: _Specs


class _Region(Row):
    name: str


class _Item(Row):
    instance_type: _Type
    regions_with_capacity_available: list[_Region]


class LambdaTypes:
    """Every type in the regions that have it now; a type that no region has stays listed as unavailable."""

    id = "lambda-types"
    title = "Lambda Cloud instance types"
    providers: tuple[str, ...] = ("lambda",)
    credentials: tuple[str, ...] = ("LAMBDA_API_KEY",)
    max_age = timedelta(minutes=10)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Raises ProviderError."""
        key = credential(wire, "LAMBDA_API_KEY")
        url = f"{base_url(wire, 'https://cloud.lambda.ai')}/api/v1/instance-types"
        answer = await ask(wire, "GET", url, headers={"authorization": f"Bearer {key}"})
        items = answer.get("data")
        if not isinstance(items, dict):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{self.title} came without data")
        sieve, now = Sieve(self.title), wire.clock.now()
        offers = [
            offer
            for raw in items.values()
            if (item := sieve.read(_Item, raw))
            for offer in self._offers(item, now)
        ]
        sieve.finish()
        return offers

    def _offers(self, item: _Item, now: datetime) -> Iterator[Offer]:
        kind = item.instance_type
        regions = [region.name for region in item.regions_with_capacity_available]
        for region in regions or [""]:
            machine = Machine(
                provider="lambda",
                region=region,
                instance_type=kind.name,
                label=(kind.gpu_description or kind.name) if kind.specs.gpus else None,
                count=kind.specs.gpus,
                cpus=kind.specs.vcpus,
                memory_bytes=int(kind.specs.memory_gib * GIB),
                disk_bytes=int(kind.specs.storage_gib * GIB),
                availability=Availability.HIGH if regions else Availability.UNAVAILABLE,
            )
            dollars = per_hour(kind.price_cents_per_hour, cents=True)
            yield make_offer(machine, dollars=dollars, market=Market.ON_DEMAND, source=self.id, seen_at=now)
