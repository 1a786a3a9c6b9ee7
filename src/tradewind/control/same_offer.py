"""Which offers are the same machine: in the market and in a plan, on demand and on spot. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tradewind.domain.offers import Market, Offer


def on_demand_price(offer: Offer, market: Sequence[Offer]) -> int | None:
    """What an hour of the same machine in the same region costs on demand; None where it is not offered so."""
    if offer.market == Market.ON_DEMAND:
        return offer.rate.micro_per_unit
    same = [
        each
        for each in market
        if each.market == Market.ON_DEMAND
        and (each.provider, each.region, each.instance_type)
        == (offer.provider, offer.region, offer.instance_type)
        and each.rate.currency == offer.rate.currency
    ]
    # The same zone first.
    same.sort(key=lambda each: (each.zone != offer.zone, each.rate.micro_per_unit))
    return same[0].rate.micro_per_unit if same else None


def original(offer: Offer, market: Sequence[Offer]) -> Offer:
    """The provider's own offer behind a row of the table, with its rule of billing."""
    key = place_of(offer)
    return next(each for each in market if place_of(each) == key)


def place_of(offer: Offer) -> tuple[str, str, str | None, str, str]:
    """What tells one offer of a provider from another."""
    return offer.provider, offer.region, offer.zone, offer.instance_type, offer.market
