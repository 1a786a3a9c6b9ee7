"""Offers made from a price."""

from __future__ import annotations

from typing import Any

from tests.unit.offers_for_tests import an_offer
from tradewind.domain.offers import Offer


def offer(micro: int, **changes: Any) -> Offer:
    """An H100 machine at a price per hour in micro-dollars, changed by the keywords."""
    values: dict[str, Any] = {
        "provider": "vast", "region": "eu-nl", "instance_type": "h100", "accelerator": "H100-SXM",
        "count": changes.pop("accelerator_count", 1.0), "seen_at": None, **changes,
    }  # fmt: skip
    return an_offer(micro / 1_000_000, **values)
