"""What a run moves in and out of the place where it trains, and what that costs there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tradewind.domain.offers import Offer
from tradewind.estimate.amounts import (
    MAX_MB,
    MAX_SECONDS,
    MAX_TRAFFIC_MICRO_PER_GB,
    MB_PER_GB,
    charge_traffic,
    whole_mb,
)
from tradewind.estimate.place_fees import place_fees, split_place, traffic_micro_per_gb
from tradewind.estimate.run_terms import RunTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Data come in once for all nodes, and once more after each interruption; outputs and checkpoints leave.

    Prices in micro-dollars per GB; `free` is what a month has free of charge, if nobody else has used it.
    """

    data_mb: int
    in_micro: int
    in_free_mb: int
    arrival_micro: int
    output_mb: int
    checkpoint_mb: int
    checkpoint_every_h: float | None
    out_micro: int
    out_free_mb: int

    @classmethod
    def of(cls, offer: Offer, terms: RunTerms) -> Traffic:
        """What these terms mean at this offer. The offer's own price of traffic wins over that of its provider."""
        own = place_fees(offer.provider)
        in_micro, in_free, out_micro, is_internet = 0, 0, own.internet_micro_per_gb, True
        if terms.data_location is not None:
            source, region = split_place(terms.data_location)
            in_micro, is_internet = traffic_micro_per_gb(source, region, offer.provider, offer.region)
            in_free = place_fees(source).free_gb if is_internet else 0
            out_micro, _ = traffic_micro_per_gb(offer.provider, offer.region, source, region)
        out_free = own.free_gb if is_internet else 0
        if offer.egress_micro_per_gb is not None and is_internet:
            out_micro, out_free = min(offer.egress_micro_per_gb, MAX_TRAFFIC_MICRO_PER_GB), 0
        return cls(
            data_mb=whole_mb(terms.data_gb),
            in_micro=in_micro,
            in_free_mb=in_free * MB_PER_GB,
            arrival_micro=own.ingress_micro_per_gb if is_internet else 0,
            output_mb=whole_mb(terms.output_gb),
            checkpoint_mb=whole_mb(terms.checkpoint_gb),
            checkpoint_every_h=terms.checkpoint_every_h,
            out_micro=out_micro,
            out_free_mb=out_free * MB_PER_GB,
        )

    def planned_micro(self, train_h: float, *, is_free_left: bool) -> int:
        """What a run of these hours costs that nothing interrupts."""
        every = self.checkpoint_every_h
        checkpoints = 0 if every is None else min(math.floor(train_h / every), MAX_SECONDS)
        leaving = self.output_mb + min(self.checkpoint_mb * checkpoints, MAX_MB)
        coming = self.data_mb
        if is_free_left:
            leaving, coming = max(leaving - self.out_free_mb, 0), max(coming - self.in_free_mb, 0)
        return (
            charge_traffic(coming, self.in_micro)
            + charge_traffic(self.data_mb, self.arrival_micro)
            + charge_traffic(leaving, self.out_micro)
        )

    def again_micro(self, times: float) -> int:
        """What fetching the data so many times more costs."""
        moved = min(round(min(times * self.data_mb, float(MAX_MB))), MAX_MB)
        return charge_traffic(moved, self.in_micro + self.arrival_micro)
