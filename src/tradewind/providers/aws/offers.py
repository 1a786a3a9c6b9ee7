"""What can be rented from Amazon: on-demand prices from the catalog, spot prices and places from EC2 itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from tradewind.domain.offers import Availability, Market, Offer
from tradewind.providers.aws.calling import Aws
from tradewind.providers.aws.types import MachineType, MachineTypes
from tradewind.providers.normalising import Machine, keep_cheapest_of_each, make_offer, read_amount
from tradewind.providers.renting import Setup

#: Linux machines are charged by the second, and for a minute at least. General knowledge, not seen on a bill.
MINIMUM_S: Final = 60
LINUX: Final = "Linux/UNIX"
#: Machines with other GPUs need an image with other drivers.
_DRIVEN: Final = "NVIDIA"
#: A filter takes so many values.
_MOST_VALUES: Final = 200


class Offers:
    """Offers of some regions. `disk_bytes` is how large the machines' disks are made."""

    def __init__(self, setup: Setup, aws: Aws, types: MachineTypes, disk_bytes: int) -> None:
        self._setup = setup
        self._aws = aws
        self._types = types
        self._disk_bytes = disk_bytes
        self._has_own_image = bool(setup.wire.settings.get("ami"))

    async def fetch(self, regions: Iterable[str]) -> list[Offer]:
        """All offers, what is not to be had included."""
        listed = [each for each in await self._setup.listed() if each.market == Market.ON_DEMAND]
        found = await asyncio.gather(*(self._of_region(each, listed) for each in regions))
        offers = keep_cheapest_of_each(each for part in found for each in part)
        return [
            replace(each, disk_bytes=self._disk_bytes, rate=replace(each.rate, minimum=MINIMUM_S))
            for each in offers
        ]

    async def _of_region(self, region: str, listed: list[Offer]) -> list[Offer]:
        types = await self._types.with_gpus(region)
        zones = await self.zones(region, sorted(types))
        on_demand = {each.instance_type: each for each in listed if each.region == region}
        offers = []
        for name, machine_type in types.items():
            is_here = bool(zones.get(name)) and self._is_driven(machine_type)
            known = on_demand.get(name)
            if known is None:
                known = self._offer(machine_type, region, None, None, Market.ON_DEMAND)
            offers.append(
                replace(
                    known,
                    zone=None,
                    is_available=is_here,
                    availability=Availability.UNKNOWN if is_here else Availability.UNAVAILABLE,
                )
            )
        return offers + await self._spot(region, types, zones)

    async def zones(self, region: str, names: list[str]) -> dict[str, set[str]]:
        """The zones of a region that have each of these machine types."""
        found: dict[str, set[str]] = {}
        for start in range(0, len(names), _MOST_VALUES):
            rows = await self._aws.pages(
                region,
                "describe_instance_type_offerings",
                "InstanceTypeOfferings",
                LocationType="availability-zone",
                Filters=[{"Name": "instance-type", "Values": names[start : start + _MOST_VALUES]}],
            )
            for row in rows:
                found.setdefault(str(row["InstanceType"]), set()).add(str(row["Location"]))
        return found

    async def _spot(
        self, region: str, types: dict[str, MachineType], zones: dict[str, set[str]]
    ) -> list[Offer]:
        wanted = [name for name in types if zones.get(name)]
        if not wanted:
            return []
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for row in await spot_prices(self._aws, region, wanted, self._setup.wire.clock.now()):
            key = (str(row["InstanceType"]), str(row["AvailabilityZone"]))
            if key not in newest or newest[key]["Timestamp"] < row["Timestamp"]:
                newest[key] = row
        return [
            self._offer(types[name], region, zone, row, Market.SPOT)
            for (name, zone), row in newest.items()
            if name in types and zone in zones.get(name, ())
        ]

    def _offer(
        self,
        machine_type: MachineType,
        region: str,
        zone: str | None,
        price: dict[str, Any] | None,
        market: Market,
    ) -> Offer:
        is_driven = self._is_driven(machine_type)
        machine = Machine(
            provider="aws",
            region=region,
            zone=zone,
            instance_type=machine_type.name,
            label=machine_type.gpu_label,
            count=machine_type.gpu_count,
            accelerator_memory_gb=machine_type.gpu_memory_gb,
            cpus=machine_type.cpus,
            memory_bytes=machine_type.memory_bytes,
            availability=Availability.UNKNOWN if is_driven else Availability.UNAVAILABLE,
        )
        dollars = None if price is None else read_amount(price["SpotPrice"])
        now = self._setup.wire.clock.now()
        return make_offer(machine, dollars=dollars, market=market, source="live", seen_at=now)

    def _is_driven(self, machine_type: MachineType) -> bool:
        return self._has_own_image or machine_type.gpu_maker.upper() == _DRIVEN


async def spot_prices(
    aws: Aws, region: str, names: list[str], since: Any, zone: str | None = None
) -> list[dict[str, Any]]:
    """Spot prices of these types from then on, what held at that moment included."""
    where = {} if zone is None else {"AvailabilityZone": zone}
    return await aws.pages(
        region,
        "describe_spot_price_history",
        "SpotPriceHistory",
        InstanceTypes=names,
        ProductDescriptions=[LINUX],
        StartTime=since - timedelta(seconds=1),
        **where,
    )
