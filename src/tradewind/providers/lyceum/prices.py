"""Lyceum's price list (`{on-demand|spot}.{profile}.{n}x`, text, per second) and which sizes it has now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import ProviderError
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.providers.asking import Row, Sieve, ask, base_url, credential, rows_of
from tradewind.providers.normalising import Machine, make_offer, mark_odd_spot, per_hour
from tradewind.providers.prices import Wire
from tradewind.providers.sizes import known_sizes

_PROFILE: Final = re.compile(r"(on-demand|spot)\.([a-z0-9_-]+)\.(\d{1,2})x")
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
_MARKETS: Final = {"on-demand": Market.ON_DEMAND, "spot": Market.SPOT}


class _AppliesTo(Row):
    hardware_profile: str


class _Price(Row):
    meter_slug: str
    applies_to: _AppliesTo
    unit: str
    unit_price: Any


class _Variant(Row):
    hardware_profile: str
    instance_type: str
    available_gpus_per_instance: list[int]


class LyceumPricing:
    """Virtual machines on demand and spot."""

    id = "lyceum-pricing"
    title = "Lyceum pricing"
    providers: tuple[str, ...] = ("lyceum",)
    credentials: tuple[str, ...] = ("LYCEUM_API_KEY",)
    max_age = timedelta(minutes=30)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. Without an answer on availability that is unknown. Raises ProviderError."""
        headers = {"authorization": f"Bearer {credential(wire, 'LYCEUM_API_KEY')}"}
        url = f"{base_url(wire, 'https://api.lyceum.technology')}/api/v2/external"
        answer = await ask(wire, "GET", f"{url}/pricing", headers=headers)
        try:
            free = _read_free(await ask(wire, "GET", f"{url}/vms/availability", headers=headers))
        except ProviderError:
            free = None
        sieve, now = Sieve(self.title), wire.clock.now()
        offers = []
        for raw in rows_of(answer, "prices", self.title):
            if not isinstance(raw, dict) or raw.get("meter_slug") != "vm_running":
                continue
            price = sieve.read(_Price, raw)
            offer = None if price is None else self._offer(price, free, now)
            if offer is not None:
                offers.append(offer)
            elif price is not None:
                sieve.skip()
        sieve.finish()
        return mark_odd_spot(offers)

    def _offer(
        self, price: _Price, free: Mapping[tuple[str, str], list[int]] | None, now: datetime
    ) -> Offer | None:
        said = _PROFILE.fullmatch(price.applies_to.hardware_profile)
        seconds = _SECONDS.get(price.unit)
        if said is None or seconds is None:
            return None
        market, profile, count = said[1], said[2], int(said[3])
        availability = Availability.UNKNOWN
        if free is not None:
            has_it = count in free.get((market, profile), ())
            availability = Availability.HIGH if has_it else Availability.UNAVAILABLE
        name = f"{profile}.{count}x"
        size = known_sizes("lyceum").get(name)
        machine = Machine(
            provider="lyceum",
            region="lyceum",
            instance_type=name,
            label=size.label if size else profile,
            count=count,
            accelerator_memory_gb=size.accelerator_memory_gb if size else None,
            cpus=size.cpus if size else 0.0,
            memory_bytes=size.memory_bytes if size else 0,
            availability=availability,
        )
        dollars = per_hour(price.unit_price, seconds=seconds)
        return make_offer(machine, dollars=dollars, market=_MARKETS[market], source=self.id, seen_at=now)


def _read_free(answer: Mapping[str, Any]) -> dict[tuple[str, str], list[int]] | None:
    """How many accelerators one machine can have now, by market and profile; None where it cannot be read."""
    sieve = Sieve("Lyceum availability")
    rows = rows_of(answer, "available_instance_variants", sieve.title)
    variants = [variant for raw in rows if (variant := sieve.read(_Variant, raw))]
    sieve.finish()
    return {
        (each.instance_type, each.hardware_profile): each.available_gpus_per_instance for each in variants
    }
