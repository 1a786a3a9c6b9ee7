"""Offers and bands that tests of costs share."""

from __future__ import annotations

from typing import Any

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Availability, Offer
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.billing import SetupTime

GIB = 1 << 30


def offer(provider: str = "aws", micro_per_hour: int = 3_600_000, **changes: Any) -> Offer:
    """One H100 at this price, to be had at once."""
    values: dict[str, Any] = {
        "provider": provider,
        "region": "us-east-1",
        "zone": None,
        "instance_type": "one",
        "cpus": 8.0,
        "memory_bytes": 64 * GIB,
        "disk_bytes": 0,
        "accelerator": "H100-SXM",
        "accelerator_count": 1.0,
        "market": "on_demand",
        "rate": Rate(micro_per_unit=micro_per_hour, per=Quantity.HOUR),
        "availability": Availability.HIGH,
    }
    return Offer(**(values | changes))


def band(p50: float, p90: float | None = None) -> Band:
    """A figure without spread, or with one."""
    return Band(p10=p50, p50=p50, p90=p50 if p90 is None else p90, layer=Layer.STATED, basis="given")


#: A machine that trains the moment it is had.
AT_ONCE = SetupTime(billed=band(0), unbilled=band(0), give_up_min=None, source="test", is_assumed=False)
