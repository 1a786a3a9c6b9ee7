"""What a place charges beside its machines: traffic that leaves it, traffic that enters it, disks.

Table: `data/place_fees.csv`; each row names its source and which of its figures are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from tradewind.domain.money import Money
from tradewind.estimate.tables import read_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFees:
    """Micro-dollars per GB (10^9 bytes), and per GB-month of 730 hours for disks.

    Places of one `network` (a cloud and the services on top of it) are inside the same cloud.
    """

    network: str
    internet_micro_per_gb: int
    free_gb: int  #: to the internet, per month and account
    inter_region_micro_per_gb: int
    ingress_micro_per_gb: int
    storage_micro_per_gb_month: int
    #: Of `egress`, `inter_region`, `ingress`, `storage`: what nobody has published.
    assumed: frozenset[str]
    note: str
    source: str


def place_fees(provider_id: str) -> PlaceFees:
    """The fees of a provider or of an object store (`cloudflare-r2`); of one nobody knows, assumed ones."""
    table = _fees()
    return table.get(provider_id) or table[""]


def split_place(place: str) -> tuple[str, str | None]:
    """Provider and region of `aws/us-east-1`; the region is None where only a provider is named."""
    provider, _, region = place.partition("/")
    return provider, region or None


def traffic_micro_per_gb(
    source: str, source_region: str | None, target: str, target_region: str | None
) -> tuple[int, bool]:
    """What the source charges for a GB on its way to the target, and whether it goes over the internet.

    Inside one region it is free; a region that is not named is taken to be the same one.
    """
    fees, other = place_fees(source), place_fees(target)
    if source == target or (fees.network and fees.network == other.network):
        is_same_region = source_region is None or target_region is None or source_region == target_region
        return (0 if is_same_region else fees.inter_region_micro_per_gb), False
    return fees.internet_micro_per_gb, True


@cache
def _fees() -> dict[str, PlaceFees]:
    def micro(text: str) -> int:
        return Money.parse(Decimal(text)).micro

    return {
        row["provider"]: PlaceFees(
            network=row["network"],
            internet_micro_per_gb=micro(row["internet_usd_per_gb"]),
            free_gb=int(row["free_gb"]),
            inter_region_micro_per_gb=micro(row["inter_region_usd_per_gb"]),
            ingress_micro_per_gb=micro(row["ingress_usd_per_gb"]),
            storage_micro_per_gb_month=micro(row["storage_usd_per_gb_month"]),
            assumed=frozenset(filter(None, row["assumed"].split(";"))),
            note=row["note"],
            source=row["source"],
        )
        for row in read_rows("place_fees.csv")
    }
