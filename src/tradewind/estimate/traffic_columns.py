"""The traffic of many offers at once, as `traffic.Traffic` has it for one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tradewind.domain.offer_table import OfferTable
from tradewind.estimate.amount_columns import divide_half_even
from tradewind.estimate.amounts import (
    MAX_MB,
    MAX_SECONDS,
    MAX_TRAFFIC_MICRO_PER_GB,
    MB_PER_GB,
    charge_traffic,
    whole_mb,
)
from tradewind.estimate.cost_facts import Floats, Ints
from tradewind.estimate.place_fees import place_fees, split_place, traffic_micro_per_gb
from tradewind.estimate.run_terms import RunTerms


def traffic_columns(
    table: OfferTable,
    rows: npt.NDArray[np.intp],
    train_50: Floats,
    train_90: Floats,
    count_50: Floats,
    count_90: Floats,
    terms: RunTerms,
) -> tuple[Ints, Ints]:
    """P50 and P90 of all traffic of each row, what `count` interruptions bring included."""
    if not (terms.data_gb or terms.output_gb or terms.checkpoint_gb):
        nothing = np.zeros(len(rows), dtype=np.int64)
        return nothing, nothing
    place = _places(table, rows, terms)
    coming_50, coming_90, again_micro, out_micro, out_free, is_internet = place
    own = table.numbers["egress_micro_per_gb"][rows].astype(np.float64)
    is_own = (is_internet == 1) & ~np.isnan(own)
    if is_own.any():
        capped = np.minimum(np.where(is_own, own, 0.0), MAX_TRAFFIC_MICRO_PER_GB)
        out_micro = np.where(is_own, capped.astype(np.int64), out_micro)
        out_free = np.where(is_own, 0, out_free)
    data = whole_mb(terms.data_gb)
    p50 = coming_50 + divide_half_even(
        np.maximum(_leaving(train_50, terms) - out_free, 0) * out_micro, MB_PER_GB
    )
    p90 = coming_90 + divide_half_even(_leaving(train_90, terms) * out_micro, MB_PER_GB)
    if data and count_90.any():
        p50 = p50 + _again(count_50, data, again_micro)
        p90 = p90 + _again(count_90, data, again_micro)
    return p50, p90


def _leaving(train: Floats, terms: RunTerms) -> Ints:
    output, checkpoint = whole_mb(terms.output_gb), whole_mb(terms.checkpoint_gb)
    every = terms.checkpoint_every_h
    if every is None or not checkpoint:
        return np.full(len(train), output, dtype=np.int64)
    written = np.minimum(np.floor(train / every), MAX_SECONDS).astype(np.int64)
    leaving: Ints = output + np.where(written > MAX_MB // checkpoint, MAX_MB, written * checkpoint)
    return leaving


def _again(count: Floats, data: int, micro: Ints) -> Ints:
    moved = np.rint(np.minimum(count * data, float(MAX_MB))).astype(np.int64)
    return divide_half_even(moved * micro, MB_PER_GB)


def _places(table: OfferTable, rows: npt.NDArray[np.intp], terms: RunTerms) -> tuple[Ints, ...]:
    """Per row: cost of fetching the data with and without what is free, price of fetching them again, price and free
    MB of what leaves, and 1 where it goes over the internet. They depend on the provider, and on whether the region
    is that of the data."""
    source, region = (None, None) if terms.data_location is None else split_place(terms.data_location)
    near = [_place(provider, source, region, region, terms) for provider in table.words["provider"]]
    # No region has this name, so it is another one.
    far = [_place(provider, source, region, "", terms) for provider in table.words["provider"]]
    facts = np.array([far, near], dtype=np.int64)
    words = table.words["region"]
    here = words.index(region) if region and region in words else -1
    is_near = (table.codes["region"][rows] == here).astype(np.intp)
    found = facts[is_near, table.codes["provider"][rows]]
    return tuple(np.ascontiguousarray(column) for column in found.T)


def _place(
    provider: str, source: str | None, region: str | None, own_region: str | None, terms: RunTerms
) -> tuple[int, ...]:
    fees, data = place_fees(provider), whole_mb(terms.data_gb)
    in_micro, in_free, out_micro, is_internet = 0, 0, fees.internet_micro_per_gb, True
    if source is not None:
        in_micro, is_internet = traffic_micro_per_gb(source, region, provider, own_region)
        in_free = place_fees(source).free_gb * MB_PER_GB if is_internet else 0
        out_micro, _ = traffic_micro_per_gb(provider, own_region, source, region)
    arrival = fees.ingress_micro_per_gb if is_internet else 0
    arriving = charge_traffic(data, arrival)
    return (
        charge_traffic(max(data - in_free, 0), in_micro) + arriving,
        charge_traffic(data, in_micro) + arriving,
        in_micro + arrival,
        out_micro,
        fees.free_gb * MB_PER_GB if is_internet else 0,
        int(is_internet),
    )
