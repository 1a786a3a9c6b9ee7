"""DigitalOcean's list of Droplet sizes, those with accelerators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tradewind.domain.offers import Availability, Market, Offer
from tradewind.providers.asking import (
    MAX_PAGES,
    Count,
    Quantity,
    Row,
    Sieve,
    ask,
    base_url,
    credential,
    rows_of,
    too_many_pages,
)
from tradewind.providers.normalising import GIB, Machine, make_offer, per_hour
from tradewind.providers.prices import Wire

_PER_PAGE: Final = 200
_MIB: Final = 1 << 20
#: The list's prices are single-precision numbers (0.00743999984115362): what is behind is meant to this many places.
_STEP: Final = Decimal("0.00001")


class _Memory(Row):
    amount: Quantity
    unit: str = "gib"


class _Gpu(Row):
    count: Count
    model: str
    vram: _Memory | None = None


class _Size(Row):
    slug: str
    memory: Quantity
    vcpus: Quantity
    disk: Quantity
    price_hourly: Any
    regions: list[str]
    available: bool
    gpu_info: _Gpu | None = None


class DigitalOceanSizes:
    """GPU Droplets per region; a size without regions stays listed as unavailable."""

    id = "digitalocean-sizes"
    title = "DigitalOcean Droplet sizes"
    providers: tuple[str, ...] = ("digitalocean",)
    credentials: tuple[str, ...] = ("DIGITALOCEAN_ACCESS_TOKEN",)
    max_age = timedelta(hours=1)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Raises ProviderError."""
        token = credential(wire, "DIGITALOCEAN_ACCESS_TOKEN")
        url = f"{base_url(wire, 'https://api.digitalocean.com')}/v2/sizes"
        sieve, now = Sieve(self.title), wire.clock.now()
        offers: list[Offer] = []
        for page in range(1, MAX_PAGES + 1):
            answer = await ask(
                wire,
                "GET",
                url,
                params={"per_page": _PER_PAGE, "page": page},
                headers={"authorization": f"Bearer {token}"},
            )
            for raw in rows_of(answer, "sizes", self.title):
                size = sieve.read(_Size, raw)
                if size is not None and size.gpu_info is not None:
                    offers += self._offers(size, size.gpu_info, now)
            if not _has_next(answer):
                sieve.finish()
                return offers
        raise too_many_pages(self.title)

    def _offers(self, size: _Size, gpu: _Gpu, now: datetime) -> Iterator[Offer]:
        can_be_had = size.available and bool(size.regions)
        dollars = per_hour(size.price_hourly)
        for region in size.regions or [""]:
            machine = Machine(
                provider="digitalocean",
                region=region,
                instance_type=size.slug,
                label=gpu.model,
                count=gpu.count,
                # The unit says GiB, the amount is the vendor's size in GB.
                accelerator_memory_gb=gpu.vram.amount if gpu.vram else None,
                cpus=size.vcpus,
                memory_bytes=int(size.memory * _MIB),
                disk_bytes=int(size.disk * GIB),
                availability=Availability.HIGH if can_be_had else Availability.UNAVAILABLE,
            )
            yield make_offer(
                machine,
                dollars=None if dollars is None else dollars.quantize(_STEP),
                market=Market.ON_DEMAND,
                source=self.id,
                seen_at=now,
            )


def _has_next(answer: dict[str, Any]) -> bool:
    links = answer.get("links")
    pages = links.get("pages") if isinstance(links, dict) else None
    return isinstance(pages, dict) and bool(pages.get("next"))
