"""Offers and jobs that placement tests are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.run_terms import RunTerms
from tradewind.hardware.accelerators import all_models
from tradewind.placement.candidates import Surroundings
from tradewind.placement.kinds import Hours
from tradewind.placement.plan import MarketPlan, plan_market
from tradewind.placement.wanted import Wanted
from tradewind.spec.resources import Spot

GIB: Final = 1 << 30
NOW: Final = datetime(2026, 11, 23, tzinfo=UTC)


def offer(
    provider: str = "lambda", accelerator: str | None = "H100-SXM", price: float = 3.0, **more: Any
) -> Offer:
    """One rented machine; `price` is dollars per hour."""
    fields: dict[str, Any] = {
        "provider": provider,
        "region": "us-west",
        "zone": None,
        "instance_type": f"{accelerator or 'cpu'}-machine",
        "cpus": 16.0,
        "memory_bytes": 64 * GIB,
        "disk_bytes": 500 * GIB,
        "accelerator": accelerator,
        "accelerator_count": 1.0 if accelerator else 0.0,
        "market": Market.ON_DEMAND,
        "rate": Rate(micro_per_unit=round(price * 1_000_000), per=Quantity.HOUR),
        "availability": Availability.HIGH,
        "source": "test",
        "seen_at": NOW,
    }
    return Offer(**{**fields, **more})


def ten_hours(name: str | None, count: float, nodes: int = 1) -> Band | None:
    """Ten hours on one H100, less on more of them, by bandwidth; nothing is known of machines without accelerators."""
    model = all_models().get(name or "")
    if model is None:
        return None
    middle = 10 * 3350 / model.memory_bandwidth_gb_per_s / (count * nodes)
    return Band(p10=middle * 0.9, p50=middle, p90=middle * 1.3, layer=Layer.ROOFLINE, basis="by bandwidth")


def plan(
    offers: list[Offer],
    wanted: Wanted | None = None,
    *,
    hours: Hours | None = ten_hours,
    runnable: tuple[str, ...] = ("lambda", "vast", "runpod", "aws"),
    terms: RunTerms | None = None,
    **more: Any,
) -> MarketPlan:
    """The plan over these offers."""
    return plan_market(
        OfferTable.of(offers),
        wanted or Wanted(),
        terms or RunTerms(),
        Surroundings(runnable=frozenset(runnable), now=NOW),
        hours=hours,
        **more,
    )


some_offers = st.builds(
    offer,
    provider=st.sampled_from(["lambda", "vast", "runpod", "aws"]),
    accelerator=st.sampled_from([None, "H100-SXM", "A100-SXM-80GB", "T4", "Odd-9000"]),
    price=st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.49, 4.0, 30.0]),
    region=st.sampled_from(["us-west", "us-east", "eu-north"]),
    cpus=st.sampled_from([0.0, 4.0, 64.0]),
    memory_bytes=st.sampled_from([0, 16 * GIB, 256 * GIB]),
    accelerator_count=st.sampled_from([1.0, 8.0]),
    market=st.sampled_from([Market.ON_DEMAND, Market.SPOT, Market.RESERVED]),
    availability=st.sampled_from(Availability),
    is_available=st.booleans(),
    reliability=st.none() | st.sampled_from([0.5, 0.99]),
    flags=st.sampled_from([(), ("placeholder",), ("community",), ("no_price",)]),
)
some_wanted = st.builds(
    Wanted,
    accelerators=st.sampled_from([(), (("H100", 1.0),), (("H100", 8.0), ("A100-80GB", 1.0))]),
    cpus=st.sampled_from([0.0, 8.0]),
    memory_gib=st.sampled_from([0.0, 64.0]),
    providers=st.sampled_from([(), ("vast", "aws")]),
    regions=st.sampled_from([(), ("us-*",)]),
    spot=st.sampled_from(Spot),
    max_price_micro=st.none() | st.sampled_from([1_000_000, 3_000_000]),
    budget_micro=st.none() | st.sampled_from([5_000_000, 40_000_000]),
    deadline_h=st.none() | st.sampled_from([2.0, 20.0]),
    max_duration_h=st.none() | st.just(15.0),
    min_reliability=st.none() | st.just(0.9),
)
