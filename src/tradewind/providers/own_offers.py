"""What a machine of the user's own offers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tradewind.domain.money import Rate
from tradewind.domain.offers import Accelerator, Availability, Offer
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.hardware.names import Identified, identify
from tradewind.providers.base import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTerms:
    """What a machine at hand costs and emits now: the rate of its electricity, grams CO2e per kilowatt-hour.

    `watts_idle` and `watts_max` stand for what its parts are thought to draw, where its owner knows better.
    """

    rate: Rate
    grams_co2e_per_kwh: float
    watts_idle: float | None = None
    watts_max: float | None = None


def with_own_power(found: Inventory, terms: OwnTerms) -> Inventory:
    """The inventory with the owner's figures of power in the place of those that were worked out."""
    if terms.watts_idle is None and terms.watts_max is None:
        return found
    most = found.watts_max if terms.watts_max is None else terms.watts_max
    idle = found.watts_idle if terms.watts_idle is None else terms.watts_idle
    return replace(
        found, watts_idle=min(idle, most), watts_max=most, power_source="what its owner has set for it"
    )


def offer_of(
    here: Inventory, provider: str, rate: Rate, grams_co2e_per_kwh: float, *, region: str = "local"
) -> Offer:
    """A machine of the user's own as an offer at the price of its electricity, or at its own.

    A machine with several kinds of accelerators is shown under the kind it has most of, the larger where it has as
    many; `accelerators` lists them all.
    """
    kinds: dict[str, list[Accelerator]] = {}
    for each in here.accelerators:
        kinds.setdefault(_identify(each).key, []).append(each)
    main = max(kinds.values(), key=lambda group: (len(group), group[0].memory_bytes), default=[])
    known = _identify(main[0]) if main else None
    return Offer(
        provider=provider,
        region=region,
        zone=None,
        instance_type=here.name,
        cpus=here.cpus,
        memory_bytes=here.memory_bytes,
        disk_bytes=here.disk_free_bytes,
        accelerators=here.accelerators,
        accelerator=known.key if known else None,
        accelerator_count=float(len(main)),
        accelerator_memory_gb=_memory_gb(main[0], known) if known else None,
        accelerator_label=main[0].name if main else None,
        availability=Availability.HIGH,
        rate=rate,
        watts_low=here.watts_idle,
        watts_high=here.watts_max,
        grams_co2e_per_kwh=grams_co2e_per_kwh,
    )


def _identify(accelerator: Accelerator) -> Identified:
    return identify(accelerator.name, accelerator.memory_bytes / BYTES_PER_GIB)


def _memory_gb(accelerator: Accelerator, known: Identified) -> float:
    """The data sheet's where the model is beyond doubt; drivers keep some of it for themselves."""
    if known.model is not None and not known.is_guess:
        return known.model.memory_gb
    return round(accelerator.memory_bytes / BYTES_PER_GIB, 1)
