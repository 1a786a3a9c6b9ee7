"""Offers for tests: one by keywords, any by Hypothesis, and a market of any size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Availability, Market, Offer

SEEN = datetime(2026, 1, 1, tzinfo=UTC)


def an_offer(price: float | None = 2.0, **values: Any) -> Offer:
    """One offer of a market, at this many dollars per hour; None: nobody knows its price."""
    count = float(values.pop("count", 1))
    flags = tuple(values.pop("flags", ()))
    defaults: dict[str, Any] = {
        "provider": "lambda",
        "region": "us-east-1",
        "zone": None,
        "instance_type": "gpu_1x_a100",
        "cpus": 30.0,
        "memory_bytes": 200 << 30,
        "disk_bytes": 512 << 30,
        "accelerator": "A100-80GB-SXM",
        "accelerator_memory_gb": 80.0,
        "market": "on_demand",
        "seen_at": SEEN,
        "source": "list",
        "availability": Availability.HIGH,
    }
    micro = 0 if price is None else round(price * 1_000_000)
    return Offer(
        **{**defaults, **values},
        accelerator_count=count,
        rate=Rate(micro_per_unit=micro, per=Quantity.HOUR),
        flags=(*flags, "no_price") if price is None else flags,
    )


def _quarters(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda number: number / 4)


_names = st.sampled_from(("a", "b", "c", "é", "x y", "日本", "us-east-1", "n'1"))
#: Numbers are such that four-byte floats hold them exactly, so that what goes in must come out.
any_offers = st.builds(
    Offer,
    provider=_names,
    region=_names,
    zone=st.none() | _names,
    instance_type=_names,
    cpus=_quarters(0, 1000),
    memory_bytes=st.integers(0, 4096).map(lambda gib: gib << 30),
    disk_bytes=st.integers(0, 4096).map(lambda gib: gib << 30),
    accelerator=st.none() | _names,
    accelerator_count=_quarters(0, 64),
    accelerator_memory_gb=st.none() | _quarters(0, 1000),
    accelerator_label=st.none() | _names,
    market=st.sampled_from([market.value for market in Market]),
    rate=st.builds(Rate, micro_per_unit=st.integers(0, 10**15), per=st.just(Quantity.HOUR)),
    is_available=st.booleans(),
    availability=st.sampled_from(Availability),
    source=_names,
    seen_at=st.none()
    | st.integers(1, 10**9).map(lambda number: SEEN + timedelta(microseconds=number * 1_000_003)),
    reliability=st.none() | _quarters(0, 4),
    egress_micro_per_gb=st.none() | st.integers(0, 1 << 20),
    network_gbit_per_s=st.none() | _quarters(0, 12800),
    flags=st.lists(st.sampled_from(("placeholder", "community", "host_included")), unique=True).map(tuple),
)
offer_lists = st.lists(any_offers, max_size=12)
