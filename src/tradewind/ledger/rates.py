"""Rates as rows keep them."""

from __future__ import annotations

from typing import Any

from tradewind.domain.money import Quantity, Rate


def rate_of(offer: dict[str, Any]) -> Rate:
    """The rate an attempt was placed at, as its row keeps it."""
    rate = offer["rate"]
    return Rate(
        micro_per_unit=int(rate["micro_per_unit"]),
        per=Quantity(rate["per"]),
        currency=str(rate["currency"]),
        granularity=int(rate["granularity"]),
        minimum=int(rate["minimum"]),
        minimum_micro=int(rate.get("minimum_micro", 0)),
    )
