"""One meaning for every price list: dollars per machine hour, bytes, one name per accelerator, and what is odd, said.

Price lists speak in cents, in dollars per second or per accelerator, in text, in GB or GiB, and some of them hold
numbers that are no prices. Sources read their own list and build offers here, so that each of these is settled once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

from tradewind.domain.money import MICRO, SECONDS_PER_HOUR, Quantity, Rate
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.domain.units import MAX_SIZE_BYTES
from tradewind.hardware.names import Identified, identify

GIB: Final = 1 << 30
GB: Final = 10**9
#: Flags. `no_price`: the list has the offer and no price that can be believed.
NO_PRICE: Final = "no_price"
#: A number that is there because something has to be; always together with `no_price`.
PLACEHOLDER: Final = "placeholder"
SPOT_EQUALS_ON_DEMAND: Final = "spot_equals_on_demand"
#: The price includes the machine around the accelerator, although the list prices them apart.
HOST_INCLUDED: Final = "host_included"
#: What the tables of price changes have room for.
_LONGEST_PROVIDER: Final = 32
_LONGEST_ACCELERATOR: Final = 64
_LONGEST_NAME: Final = 128
#: More than anyone asks for an hour of one accelerator: a price above is taken for a placeholder.
_MOST_PER_ACCELERATOR: Final = Decimal(1000)
#: What one list writes for TPUs whose price it does not know.
_TPU_PLACEHOLDER: Final = Decimal(700)


def read_amount(value: object) -> Decimal | None:
    """A number as exact decimal: from JSON numbers and from text such as `$1,234.50`. None where there is none."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip().replace(",", "").removeprefix("$")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < 10**9 else None


def per_hour(
    value: object, *, cents: bool = False, seconds: int = SECONDS_PER_HOUR, count: float = 1
) -> Decimal | None:
    """Dollars per hour of the whole machine.

    `value` is charged per `seconds` seconds (3600 where the list is hourly, 1 where it is per second) and per one of
    `count` things (accelerators, where the list prices one of them).
    """
    amount = read_amount(value)
    if amount is None:
        return None
    if cents:
        amount = amount.scaleb(-2)
    return amount * SECONDS_PER_HOUR / seconds * Decimal(str(count))


def micro_of(dollars: Decimal) -> int:
    """Micro-dollars, rounded half to even."""
    return int((dollars * MICRO).to_integral_value(rounding=ROUND_HALF_EVEN))


def clean_region(region: str) -> str:
    """A region's name without the commas and spaces that some lists begin it with."""
    return ", ".join(part for part in (each.strip() for each in region.split(",")) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is offered, before its price: read from a price list, in one set of units.

    `label` is the list's own name for the accelerator and `accelerator_memory_gb` the memory of one of them, in GB;
    None where the list does not say. Zero `cpus`, `memory_bytes` or `disk_bytes`: not known.
    """

    provider: str
    region: str
    instance_type: str
    zone: str | None = None
    label: str | None = None
    count: float = 0.0
    accelerator_memory_gb: float | None = None
    cpus: float = 0.0
    memory_bytes: int = 0
    disk_bytes: int = 0
    availability: Availability = Availability.UNKNOWN
    reliability: float | None = None
    egress_micro_per_gb: int | None = None
    network_gbit_per_s: float | None = None
    flags: tuple[str, ...] = ()


def make_offer(
    machine: Machine, *, dollars: Decimal | None, market: Market, source: str, seen_at: datetime | None
) -> Offer:
    """The offer of a machine at a price per hour of the whole machine, on the terms of one market.

    A price that is absent, not above zero, or beyond belief is left out, and the offer marked with the reason: such an
    offer is shown and never chosen.
    """
    found = recognise(machine.label, machine.instance_type, machine.accelerator_memory_gb)
    flags = list(dict.fromkeys(machine.flags))
    if dollars is not None and _is_placeholder(dollars, machine, found):
        flags.append(PLACEHOLDER)
        dollars = None
    if dollars is None or dollars <= 0 or not micro_of(dollars):
        flags.append(NO_PRICE)
        dollars = None
    memory_gb = machine.accelerator_memory_gb
    if found is not None and found.model is not None:
        memory_gb = found.model.memory_gb
    return Offer(
        provider=_clean(machine.provider, _LONGEST_PROVIDER),
        region=_clean(clean_region(machine.region)),
        zone=_clean(machine.zone or "") or None,
        instance_type=_clean(machine.instance_type),
        cpus=max(machine.cpus, 0.0),
        memory_bytes=_within_a_machine(machine.memory_bytes),
        disk_bytes=_within_a_machine(machine.disk_bytes),
        accelerator=_clean(found.key, _LONGEST_ACCELERATOR) if found else None,
        accelerator_count=max(machine.count, 0.0) if found else 0.0,
        accelerator_memory_gb=memory_gb,
        accelerator_label=_clean(machine.label or "") or None,
        market=market.value,
        rate=Rate(micro_per_unit=0 if dollars is None else micro_of(dollars), per=Quantity.HOUR),
        is_available=machine.availability is not Availability.UNAVAILABLE,
        availability=machine.availability,
        source=source,
        seen_at=seen_at,
        reliability=machine.reliability,
        egress_micro_per_gb=machine.egress_micro_per_gb,
        network_gbit_per_s=machine.network_gbit_per_s,
        flags=tuple(dict.fromkeys(flags)),
    )


def recognise(label: str | None, instance_type: str, memory_gb: float | None = None) -> Identified | None:
    """The accelerator behind a label; the machine type decides where the label leaves a choice. None: no label.

    So `H100` in an `a3-highgpu-8g` is the SXM module, and in a `gpu_1x_h100_pcie` the card.
    """
    if not label or not label.strip():
        return None
    found = identify(label, memory_gb)
    if found.model is not None and not found.is_guess:
        return found
    by_type = identify(instance_type)
    if by_type.model is None or by_type.is_guess:
        return found
    is_same_family = by_type.key.partition("-")[0] == found.key.partition("-")[0]
    return by_type if found.model is None or is_same_family else found


def mark_odd_spot(offers: Iterable[Offer]) -> list[Offer]:
    """The same offers; spot ones that cost no less than the same machine on demand carry a flag that says so."""
    known = list(offers)
    on_demand = {
        _place(offer): offer.rate.micro_per_unit
        for offer in known
        if offer.market == Market.ON_DEMAND and NO_PRICE not in offer.flags
    }
    return [
        replace(offer, flags=(*offer.flags, SPOT_EQUALS_ON_DEMAND))
        if offer.market == Market.SPOT
        and NO_PRICE not in offer.flags
        and SPOT_EQUALS_ON_DEMAND not in offer.flags
        and offer.rate.micro_per_unit >= on_demand.get(_place(offer), offer.rate.micro_per_unit + 1)
        else offer
        for offer in known
    ]


def keep_cheapest_of_each(offers: Iterable[Offer]) -> list[Offer]:
    """One offer per provider, place, machine type and market: the cheapest that has a price. Order is kept."""
    best: dict[tuple[object, ...], Offer] = {}
    for offer in offers:
        key = (*_place(offer), offer.market)
        have = best.get(key)
        if have is None or _rank(offer) < _rank(have):
            best[key] = offer
    return list(best.values())


def _clean(text: str, most: int = _LONGEST_NAME) -> str:
    """Somebody else's text, so that it can be stored and printed."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text.strip()[:most]


def _within_a_machine(size: int) -> int:
    """A size, or 0, which is not known, where no machine has it."""
    return size if 0 <= size <= MAX_SIZE_BYTES else 0


def _rank(offer: Offer) -> tuple[bool, bool, int]:
    return (not offer.is_available, NO_PRICE in offer.flags, offer.rate.micro_per_unit)


def _place(offer: Offer) -> tuple[object, ...]:
    return (offer.provider, offer.region, offer.zone, offer.instance_type)


def _is_placeholder(dollars: Decimal, machine: Machine, found: Identified | None) -> bool:
    if dollars > _MOST_PER_ACCELERATOR * max(Decimal(1), Decimal(str(machine.count))):
        return True
    is_tpu = any("tpu" in name.lower() for name in (machine.label or "", found.key if found else ""))
    return is_tpu and dollars == _TPU_PLACEHOLDER
