"""Offers made from a few words."""

from __future__ import annotations

from typing import Any

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Availability, Offer


def offer(micro: int, **changes: Any) -> Offer:
    """An H100 machine at a price per hour, changed by the keywords."""
    values: dict[str, Any] = {
        "provider": "vast",
        "region": "eu-nl",
        "zone": None,
        "instance_type": "h100",
        "cpus": 16.0,
        "memory_bytes": 64 << 30,
        "disk_bytes": 100 << 30,
        "accelerator": "H100-SXM",
        "accelerator_count": 1.0,
        "accelerator_memory_gb": 80.0,
        "market": "on_demand",
        "rate": Rate(micro_per_unit=micro, per=Quantity.HOUR),
        "availability": Availability.HIGH,
        "source": "test",
        **changes,
    }
    return Offer(**values)
