"""Machines that somebody only thinks of, to see what they would be good for."""

from __future__ import annotations

import re
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Accelerator, Market, Offer
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.estimate.energy import node_watts
from tradewind.estimate.tariff import Tariff
from tradewind.hardware.local import ACCELERATOR_IDLE_SHARE
from tradewind.hardware.names import identify, short_name
from tradewind.placement.replay.building import OwnedMachines

#: Per accelerator; assumed.
CPUS_EACH: Final = 16
MEMORY_GIB_EACH: Final = 128
_OWN: Final = re.compile(r"(?:([0-9]{1,6})\s*x\s+)?(.+?)(?::([0-9]{1,3}))?", re.IGNORECASE)


def imagined_machines(text: str, tariff: Tariff) -> OwnedMachines:
    """`4x RTX 4090:2`: four machines with two each, at the price and carbon of this electricity.

    Raises:
        InvalidInputError: nobody knows the accelerator, or there are none.
    """
    match = _OWN.fullmatch(text.strip())
    said = identify(match[2]) if match else None
    if match is None or said is None or said.model is None:
        raise InvalidInputError(
            f"own machines {text!r}: no accelerator is known by this name",
            hint="write for example `4x RTX 4090:2`, four machines with two each; `tradewind gpus` lists names",
        )
    machines, count, model = int(match[1] or 1), int(match[3] or 1), said.model
    if not machines or not count:
        raise InvalidInputError(f"own machines {text!r}: there are none", hint="write for example V100:8")
    # What such a machine draws on average while it trains is known; this is the most that belongs to it.
    busy = node_watts(model, float(count)).p50 / (
        ACCELERATOR_IDLE_SHARE + 0.75 * (1 - ACCELERATOR_IDLE_SHARE)
    )
    held = tuple(
        Accelerator(
            name=model.key,
            memory_bytes=int(model.memory_gb * BYTES_PER_GIB),
            index=index,
            uuid=f"imagined-{index}",
            vendor=model.vendor,
            tdp_watts=busy / count,
        )
        for index in range(count)
    )
    offer = Offer(
        provider="local",
        region="local",
        zone=None,
        instance_type=f"{short_name(model.key)}:{count}",
        cpus=float(CPUS_EACH * count),
        memory_bytes=MEMORY_GIB_EACH * count << 30,
        disk_bytes=1 << 50,
        accelerators=held,
        accelerator=model.key,
        accelerator_count=float(count),
        accelerator_memory_gb=model.memory_gb,
        market=Market.OWNED,
        rate=Rate(micro_per_unit=tariff.micro_usd_per_kwh, per=Quantity.KWH),
        watts_low=busy * ACCELERATOR_IDLE_SHARE,
        watts_high=busy,
        grams_co2e_per_kwh=tariff.carbon_g_per_kwh,
    )
    return OwnedMachines(offer=offer, machines=machines)
