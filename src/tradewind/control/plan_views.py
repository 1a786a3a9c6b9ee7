"""Plans as they travel."""

from __future__ import annotations

from tradewind.control.views import money_view
from tradewind.domain.money import JOULES_PER_KWH
from tradewind.domain.offers import Offer
from tradewind.domain.schemas import OfferView
from tradewind.estimate.power import Watts
from tradewind.placement.choose import hourly_micro


def own_offer_view(offer: Offer, watts: Watts) -> OfferView:
    """A machine at hand of which a job would hold a share that draws these watts."""
    names = [each.name for each in offer.accelerators]
    grams = None
    if offer.grams_co2e_per_kwh is not None:
        grams = watts.expected * 3600 / JOULES_PER_KWH * offer.grams_co2e_per_kwh
    return OfferView(
        provider=offer.provider,
        region=offer.region,
        instance_type=offer.instance_type,
        market=offer.market,
        accelerators=", ".join(f"{name}:{names.count(name)}" for name in sorted(set(names))) or None,
        cpus=offer.cpus,
        memory_bytes=offer.memory_bytes,
        price_per_hour=money_view(hourly_micro(offer.rate, watts.expected), offer.rate.currency),
        price_per_hour_max=money_view(hourly_micro(offer.rate, watts.busy), offer.rate.currency),
        grams_co2e_per_hour=grams,
    )
