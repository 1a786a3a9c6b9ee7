"""Vast.ai's search: single machines of many hosts, at a fixed price or for the highest bid."""

from __future__ import annotations

from datetime import datetime, timedelta
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
    rows_of,
    too_many_pages,
)
from tradewind.providers.normalising import (
    GIB,
    Machine,
    keep_cheapest_of_each,
    make_offer,
    mark_odd_spot,
    micro_of,
    per_hour,
    read_amount,
)
from tradewind.providers.prices import Wire

_PER_PAGE: Final = 1000
_MIB: Final = 1 << 20
_UNVERIFIED: Final = "unverified"
_MARKETS: Final = {"ondemand": Market.ON_DEMAND, "bid": Market.SPOT}


class _Ask(Row):
    id: int
    machine_id: int
    gpu_name: str
    num_gpus: Count
    #: MiB of one accelerator.
    gpu_ram: Quantity
    #: MiB of the whole machine, of which an offer gets the share of its processors.
    cpu_ram: Quantity = 0
    cpu_cores: Quantity | None = None
    cpu_cores_effective: Quantity | None = None
    disk_space: Quantity = 0
    geolocation: str | None = None
    dph_total: Any = None
    min_bid: Any = None
    reliability: Quantity | None = None
    inet_up_cost: Any = None
    verification: str | None = None
    rentable: bool = True


class VastSearch:
    """Every machine that can be rented now: on demand (`dph_total`), and as spot at the least bid (`min_bid`).

    The setting `include_unverified` adds hosts that Vast.ai has not verified; their offers are marked.
    """

    id = "vast-search"
    title = "Vast.ai offers"
    providers: tuple[str, ...] = ("vast",)
    credentials: tuple[str, ...] = ()
    max_age = timedelta(minutes=10)
    is_opt_in = False

    async def fetch(self, wire: Wire) -> list[Offer]:
        """Its offers, per machine hour. A bid of 0.00 means that nobody knows. Raises ProviderError."""
        sieve, now = Sieve(self.title), wire.clock.now()
        offers: list[Offer] = []
        for kind, market in _MARKETS.items():
            offers += [self._offer(each, market, now) for each in await self._search(wire, kind, sieve)]
        sieve.finish()
        return mark_odd_spot(keep_cheapest_of_each(offers))

    async def _search(self, wire: Wire, kind: str, sieve: Sieve) -> list[_Ask]:
        """All asks of one kind, page by page in the order of their ids."""
        url = f"{base_url(wire, 'https://console.vast.ai')}/api/v0/bundles/"
        verified = [True, False] if wire.settings.get("include_unverified") else [True]
        found: dict[int, _Ask] = {}
        last = 0
        for _ in range(MAX_PAGES):
            body = {
                "type": kind,
                "limit": _PER_PAGE,
                "order": [["id", "asc"]],
                "id": {"gt": last},
                "verified": {"in": verified},
                "rentable": {"eq": True},
                "rented": {"eq": False},
            }
            rows = rows_of(await ask(wire, "POST", url, body=body), "offers", self.title)
            page = [each for raw in rows if (each := sieve.read(_Ask, raw))]
            fresh = [each for each in page if each.id > last]
            if not fresh:
                return list(found.values())
            found.update({each.id: each for each in fresh})
            last = max(each.id for each in fresh)
        raise too_many_pages(self.title)

    def _offer(self, each: _Ask, market: Market, now: datetime) -> Offer:
        share = 1.0
        if each.cpu_cores and each.cpu_cores_effective:
            share = min(each.cpu_cores_effective / each.cpu_cores, 1.0)
        egress = read_amount(each.inet_up_cost)
        machine = Machine(
            provider="vast",
            region=each.geolocation or "",
            # Asks come and go with new ids; the machine and the number of its accelerators stay.
            instance_type=f"{each.num_gpus}x {each.gpu_name} m{each.machine_id}",
            label=each.gpu_name if each.num_gpus else None,
            count=each.num_gpus,
            accelerator_memory_gb=each.gpu_ram / 1024,
            cpus=each.cpu_cores_effective or each.cpu_cores or 0.0,
            memory_bytes=int(each.cpu_ram * _MIB * share),
            disk_bytes=int(each.disk_space * GIB),
            availability=Availability.HIGH if each.rentable else Availability.UNAVAILABLE,
            reliability=None if each.reliability is None else min(max(each.reliability, 0.0), 1.0),
            egress_micro_per_gb=None if egress is None or egress < 0 else micro_of(egress),
            flags=() if each.verification in {None, "verified"} else (_UNVERIFIED,),
        )
        dollars = per_hour(each.min_bid if market is Market.SPOT else each.dph_total)
        return make_offer(machine, dollars=dollars, market=market, source=self.id, seen_at=now)
