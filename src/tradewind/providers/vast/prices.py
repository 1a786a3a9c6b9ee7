"""Vast.ai's search: single machines of many hosts, at a fixed price or for the highest bid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
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
_DISK_GB: Final = 50
_HOURS_PER_MONTH: Final = 720
_MIB: Final = 1 << 20
#: Flag of offers whose host Vast.ai has not verified.
UNVERIFIED: Final = "unverified"
_MARKETS: Final = {"ondemand": Market.ON_DEMAND, "bid": Market.SPOT}


class Ask(Row):
    """One machine, or some accelerators of one, that a host offers."""

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
    reliability2: Quantity | None = None
    #: Dollars per GB and month of 30 days, also while the machine is stopped.
    storage_cost: Any = None
    inet_up_cost: Any = None
    verification: str | None = None
    rentable: bool = True


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms machines are priced and rented."""

    disk_gb: int
    bid_factor: Decimal


class VastSearch:
    """Every machine that can be rented now: on demand (`dph_total`), and as spot at the least bid (`min_bid`).

    Prices include the disk, of `disk_gb` (a setting, 50). The setting `bid_factor` (1) times the least bid is what is
    bid for a spot machine, and paid: more than 1 makes it less likely to be outbid. `include_unverified` adds hosts
    that Vast.ai has not verified; their offers are marked.
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
        terms = terms_of(wire)
        for kind, market in _MARKETS.items():
            asks = await self._search(wire, kind, sieve)
            offers += [offer_of(each, market, terms, self.id, now) for each in asks]
        sieve.finish()
        return mark_odd_spot(keep_cheapest_of_each(offers))

    async def _search(self, wire: Wire, kind: str, sieve: Sieve) -> list[Ask]:
        """All asks of one kind, page by page in the order of their ids."""
        url = f"{base_url(wire, 'https://console.vast.ai')}/api/v0/bundles/"
        verified = [True, False] if wire.settings.get("include_unverified") else [True]
        found: dict[int, Ask] = {}
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
                "allocated_storage": terms_of(wire).disk_gb,
            }
            rows = rows_of(await ask(wire, "POST", url, body=body), "offers", self.title)
            page = [each for raw in rows if (each := sieve.read(Ask, raw))]
            fresh = [each for each in page if each.id > last]
            if not fresh:
                return list(found.values())
            found.update({each.id: each for each in fresh})
            last = max(each.id for each in fresh)
        raise too_many_pages(self.title)


def terms_of(wire: Wire) -> Terms:
    """What the settings say. Raises ProviderError where they make no sense."""
    try:
        disk_gb = int(wire.settings.get("disk_gb") or _DISK_GB)
        bid_factor = Decimal(str(wire.settings.get("bid_factor") or 1))
        if not (1 <= disk_gb <= 100_000 and 1 <= bid_factor <= 10):
            raise ValueError
    except (ValueError, ArithmeticError):
        raise ProviderError(
            ProviderFault.INVALID,
            "Vast.ai's settings make no sense: disk_gb is from 1 to 100000, bid_factor from 1 to 10",
        ) from None
    return Terms(disk_gb, bid_factor)


def offer_of(ask: Ask, market: Market, terms: Terms, source: str, now: datetime) -> Offer:
    """The offer that an ask is: the machine with a disk, on demand or for a bid."""
    share = 1.0
    if ask.cpu_cores and ask.cpu_cores_effective:
        share = min(ask.cpu_cores_effective / ask.cpu_cores, 1.0)
    egress = read_amount(ask.inet_up_cost)
    reliability = ask.reliability if ask.reliability is not None else ask.reliability2
    machine = Machine(
        provider="vast",
        region=ask.geolocation or "",
        instance_type=instance_type_of(ask),
        label=ask.gpu_name if ask.num_gpus else None,
        count=ask.num_gpus,
        accelerator_memory_gb=ask.gpu_ram / 1024,
        cpus=ask.cpu_cores_effective or ask.cpu_cores or 0.0,
        memory_bytes=int(ask.cpu_ram * _MIB * share),
        disk_bytes=terms.disk_gb * GIB,
        availability=_availability(ask, terms),
        reliability=None if reliability is None else min(max(reliability, 0.0), 1.0),
        egress_micro_per_gb=None if egress is None or egress < 0 else micro_of(egress),
        flags=() if ask.verification in {None, "verified"} else (UNVERIFIED,),
    )
    dollars = per_hour(ask.dph_total)
    if market is Market.SPOT:
        bid = per_hour(ask.min_bid)
        dollars = bid * terms.bid_factor + storage_per_hour(ask, terms.disk_gb) if bid else None
    return make_offer(machine, dollars=dollars, market=market, source=source, seen_at=now)


def instance_type_of(ask: Ask) -> str:
    """How an offer names it. Asks come and go with new ids; the machine and the number of its accelerators stay."""
    return f"{ask.num_gpus}x {ask.gpu_name} m{ask.machine_id}"


def storage_per_hour(ask: Ask, disk_gb: int) -> Decimal:
    """Dollars per hour for a disk of this size there."""
    monthly = read_amount(ask.storage_cost)
    if monthly is None or monthly < 0:
        return Decimal(0)
    return monthly * disk_gb / _HOURS_PER_MONTH


def _availability(ask: Ask, terms: Terms) -> Availability:
    has_room = not ask.disk_space or ask.disk_space >= terms.disk_gb
    return Availability.HIGH if ask.rentable and has_room else Availability.UNAVAILABLE
