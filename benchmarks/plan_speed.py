"""How long a plan takes over 150,000 offers, warm."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Final

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.estimate.band import Band, Layer
from tradewind.estimate.run_terms import RunTerms
from tradewind.hardware.accelerators import all_models
from tradewind.placement.candidates import Surroundings
from tradewind.placement.plan import MarketPlan, plan_market
from tradewind.placement.wanted import Wanted

OFFERS: Final = 150_000
_REPEATS: Final = 30
_GIB: Final = 1 << 30
_SEEN: Final = datetime(2026, 11, 1, tzinfo=UTC)
_PROVIDERS: Final = (
    "aws", "azure", "gcp", "runpod", "vast", "lambda", "coreweave", "oci", "nebius", "vultr", "digitalocean", "verda",
)  # fmt: skip

#: What is asked, by the name it is shown under.
JOBS: Final = {
    "H100:8 or A100-80GB:8": Wanted(accelerators=(("H100", 8), ("A100-80GB", 8)), cpus=16, memory_gib=64),
    "any accelerator": Wanted(),
    "H100 under $2/h": Wanted(accelerators=(("H100", 1),), max_price_micro=2_000_000),
    "nothing fits": Wanted(accelerators=(("H100", 1),), max_price_micro=1_000),
}


def make_table(count: int = OFFERS, seed: int = 7) -> OfferTable:
    """Made-up offers of the shape of a large catalogue: a dozen providers, 30 regions each, every known accelerator."""
    dice = random.Random(seed)
    keys = list(all_models())
    offers = []
    for number in range(count):
        key, many = keys[number % len(keys)], (1, 1, 2, 4, 8)[number % 5]
        model = all_models()[key]
        market = Market.SPOT if number % 2 else Market.ON_DEMAND
        hourly = many * (0.1 + model.memory_bandwidth_gb_per_s / 1000) * dice.uniform(0.6, 1.8)
        offers.append(
            Offer(
                provider=_PROVIDERS[number % len(_PROVIDERS)],
                region=f"region-{dice.randrange(30)}",
                zone=f"zone-{number % 3}",
                instance_type=f"type-{key}-{many}",
                cpus=8.0 * many,
                memory_bytes=64 * many * _GIB,
                disk_bytes=500 * _GIB,
                accelerator=key,
                accelerator_count=float(many),
                accelerator_memory_gb=model.memory_gb,
                market=market,
                rate=Rate(micro_per_unit=int(hourly * 1e6 * (0.5 if number % 2 else 1)), per=Quantity.HOUR),
                availability=dice.choice(list(Availability)[:3]),
                source="made-up",
                seen_at=_SEEN,
            )
        )
    return OfferTable.of(offers)


@cache
def hours_on(name: str | None, count: float, nodes: int) -> Band | None:
    """Ten hours on one H100, by bandwidth: a stand-in, so that the plan alone is measured."""
    if name is None:
        return None
    middle = 10 * 3350 / all_models()[name].memory_bandwidth_gb_per_s / (count * nodes)
    return Band(p10=middle * 0.8, p50=middle, p90=middle * 1.3, layer=Layer.ROOFLINE, basis="by bandwidth")


def plan_once(table: OfferTable, wanted: Wanted) -> MarketPlan:
    """One whole plan."""
    around = Surroundings(
        runnable=frozenset({"vast"}),
        kilowatts=lambda _, count: 0.7 * count,
        grams_per_kwh=lambda _, __: 400.0,
        now=datetime(2026, 11, 2, tzinfo=UTC),
    )
    terms = RunTerms(checkpoint_every_s=600.0, checkpoint_gb=1.0, nodes=1)
    return plan_market(table, wanted, terms, around, hours=hours_on)


def measure_plans(
    table: OfferTable, plan: Callable[[OfferTable, Wanted], MarketPlan] = plan_once, repeats: int = _REPEATS
) -> dict[str, tuple[float, float]]:
    """Median and slowest milliseconds of a warm plan, by job."""
    found = {}
    for name, wanted in JOBS.items():
        plan(table, wanted)
        gc.collect()
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            plan(table, wanted)
            times.append((time.perf_counter() - start) * 1000)
        found[name] = (statistics.median(times), max(times))
    return found


def main() -> None:
    """Prints what a plan takes."""
    table = make_table()
    for name, (middle, slowest) in measure_plans(table).items():
        print(
            f"{name:24} {middle:6.1f} ms median {slowest:6.1f} ms slowest of {_REPEATS} over {len(table):,} offers"
        )


if __name__ == "__main__":
    main()
