"""Offers as plain JSON values: how a rented machine's row keeps what was rented."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Availability, Offer


def offer_to_json(offer: Offer) -> dict[str, Any]:
    """The offer as values that JSON can hold."""
    values = asdict(offer)
    values["seen_at"] = None if offer.seen_at is None else offer.seen_at.isoformat()
    values["flags"] = list(offer.flags)
    values["accelerators"] = []
    return values


def offer_from_json(values: dict[str, Any]) -> Offer:
    """What `offer_to_json` wrote. Devices of machines at hand are not part of it."""
    rate = dict(values["rate"])
    seen_at = values["seen_at"]
    return Offer(
        **{
            **values,
            "rate": Rate(**{**rate, "per": Quantity(rate["per"])}),
            "availability": Availability(values["availability"]),
            "seen_at": None if seen_at is None else datetime.fromisoformat(seen_at),
            "flags": tuple(values["flags"]),
            "accelerators": (),
        }
    )
