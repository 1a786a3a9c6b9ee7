"""The estimate of a job file: which price stands for a kind of accelerator, and whose memory is itemised."""

from __future__ import annotations

from typing import Any

from tests.unit.offers_for_tests import an_offer
from tradewind.control.estimating import estimate_job
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Offer
from tradewind.domain.schemas_estimate import EstimateView
from tradewind.spec.loading import validate_mapping

TUNE = {
    "version": 1, "name": "tune", "run": "python tune.py",
    "estimate": {"model": "llama-3.1-8b", "method": "qlora", "tokens": 5_000_000, "sequence_length": 512},
}  # fmt: skip


def estimate(accelerators: list[str], *offers: Offer) -> EstimateView:
    return estimate_job(validate_mapping(TUNE), accelerators, OfferTable.of(offers), [], [], [])


def h100(price: float | None, **values: Any) -> Offer:
    return an_offer(price, accelerator="H100-SXM", **values)


def test_a_price_that_nobody_can_pay_now_stands_for_nothing() -> None:
    found = estimate(
        ["H100-SXM"],
        h100(0.5, is_available=False, availability=Availability.UNAVAILABLE),
        h100(0.6, availability=Availability.UNAVAILABLE),
        h100(0.7, flags=("placeholder",)),
        h100(None),
        h100(0.8, market="spot"),
        h100(2.5),
    )
    price = found.lines[0].price_per_hour
    assert price is not None
    assert price.micro == 2_500_000


def test_the_memory_that_is_itemised_is_of_the_line_it_stands_for() -> None:
    found = estimate(["H100-SXM:8", "H100-SXM:1"], h100(2.5))
    assert found.memory is not None
    first = found.lines[0]
    assert (found.memory.count, found.memory.usable_gb) == (first.count, first.usable_gb)
    assert first.memory_gb is not None
    assert found.memory.total_gb.p50 == first.memory_gb.p50
