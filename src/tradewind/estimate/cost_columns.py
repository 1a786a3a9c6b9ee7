"""The costs of many offers at once: what `estimate_cost` says row by row, in vectorised form.

Column for column the arithmetic is that of `cost.py`, `cost_hours.py`, `traffic.py` and `interruptions.py`, in the
same order of operations, so that both say the same; a test holds them to it. One bound is narrower: an hourly price
beyond ten million dollars is costed as that, which keeps every product inside 64 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.domain.money import SECONDS_PER_HOUR
from tradewind.domain.offer_table import MARKETS, OfferTable
from tradewind.domain.offers import Market
from tradewind.estimate.amount_columns import bill, charge_per_hour, divide_half_even, whole_seconds
from tradewind.estimate.amounts import (
    HOURS_PER_MONTH,
    MAX_HOURS,
    MAX_MICRO,
    MAX_SECONDS,
    MB_PER_GB,
    whole_mb,
)
from tradewind.estimate.band import Band
from tradewind.estimate.cost_facts import CostFacts, Floats, Ints, facts_of, wait_hours
from tradewind.estimate.cost_hours import NINTH_DECILE
from tradewind.estimate.interruptions import MAX_EXPONENT, MAX_STRETCH
from tradewind.estimate.run_terms import SLOW_LINK_SHARE, RunTerms
from tradewind.estimate.traffic_columns import traffic_columns

#: In the cost columns: no price, no hours, or a spot offer that the terms rule out.
NO_COST: Final = -1
_MAX_PRICE_MICRO: Final = 10_000_000_000_000
#: So many rows at a time stay in the processor's cache, which halves the time of a long table.
_CHUNK_ROWS: Final = 8_192
_OWNED: Final = MARKETS.index(Market.OWNED)
_SPOT: Final = MARKETS.index(Market.SPOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourColumns:
    """P50 and P90 of uninterrupted training, one per row asked for; NaN: not known."""

    p50: Floats
    p90: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class CostColumns:
    """One entry per row asked for, as `CostEstimate` has them. Costs in micro-dollars or `NO_COST`."""

    cost_p50_micro: Ints
    cost_p90_micro: Ints
    wall_p50_h: Floats
    wall_p90_h: Floats
    wait_min: Floats
    setup_min: Floats
    interruptions: Floats


def cost_columns(
    table: OfferTable,
    rows: npt.NDArray[np.intp],
    hours: HourColumns | Mapping[tuple[int, float], Band],
    terms: RunTerms | None = None,
) -> CostColumns:
    """What these rows cost. `hours` per row, or by code and count of accelerator (see `hours_by_row`)."""
    terms = terms or RunTerms()
    given = hours if isinstance(hours, HourColumns) else hours_by_row(table, rows, hours)
    if len(rows) <= _CHUNK_ROWS:
        return _chunk(table, rows, given, terms)
    chunks = []
    for start in range(0, len(rows), _CHUNK_ROWS):
        part = slice(start, start + _CHUNK_ROWS)
        chunks.append(_chunk(table, rows[part], HourColumns(p50=given.p50[part], p90=given.p90[part]), terms))
    return CostColumns(
        **{
            each.name: np.concatenate([getattr(chunk, each.name) for chunk in chunks])
            for each in fields(CostColumns)
        }
    )


def _chunk(table: OfferTable, rows: npt.NDArray[np.intp], given: HourColumns, terms: RunTerms) -> CostColumns:
    is_known = (given.p50 >= 0) & (given.p90 >= given.p50)
    train_50 = np.where(is_known, np.minimum(given.p50, MAX_HOURS), 0.0)
    train_90 = np.where(is_known, np.minimum(given.p90, MAX_HOURS), 0.0)
    known = facts_of(table)
    kind, facts = known.codes[rows], known.facts
    market = table.numbers["market"][rows]
    price = table.numbers["price_micro"][rows].astype(np.int64)
    is_costed = is_known & (price >= 0)
    if not terms.is_spot_ok:
        is_costed &= market != _SPOT
    price = np.clip(price, 0, _MAX_PRICE_MICRO)

    time = _times(table, rows, kind, facts, market, train_50, train_90, terms)
    terms_of_bill = (
        facts.granularity_s[kind],
        facts.minimum_s[kind],
        facts.minimum_micro[kind],
        price,
        terms.nodes,
    )
    all_s = whole_seconds(time.setup_50 + train_50) + whole_seconds(time.billed_loss_50)
    all_90_s = np.maximum(whole_seconds(time.billed_90), all_s)
    disks = _disks_micro_per_hour(table, rows, facts.storage_micro[kind], terms)
    egress_50, egress_90 = traffic_columns(
        table, rows, train_50, train_90, time.count_50, time.count_90, terms
    )
    p50 = bill(all_s, *terms_of_bill) + charge_per_hour(disks, whole_seconds(time.wall_50)) + egress_50
    p90 = bill(all_90_s, *terms_of_bill) + charge_per_hour(disks, whole_seconds(time.wall_90)) + egress_90
    unknown = np.where(is_known, 0.0, np.nan)
    return CostColumns(
        cost_p50_micro=np.where(is_costed, p50, NO_COST),
        cost_p90_micro=np.where(is_costed, np.maximum(p50, p90), NO_COST),
        wall_p50_h=time.wall_50 + unknown,
        wall_p90_h=time.wall_90 + unknown,
        wait_min=time.wait_50 * 60,
        setup_min=(time.boot_50 + time.setup_50) * 60,
        interruptions=time.count_50,
    )


def lower_bounds(
    table: OfferTable, rows: npt.NDArray[np.intp], hours: HourColumns, terms: RunTerms | None = None
) -> Floats:
    """Micro-dollars that `cost_columns` stays above or equal to, at a twentieth of the work: price times hours.

    For leaving out what cannot be among the cheapest. Infinite where there is no cost.
    """
    terms = terms or RunTerms()
    price = table.numbers["price_micro"][rows].astype(np.float64)
    bound = np.minimum(hours.p50, MAX_SECONDS / SECONDS_PER_HOUR) * np.minimum(price, _MAX_PRICE_MICRO) - 1
    is_costed = (price >= 0) & (hours.p50 >= 0) & (hours.p90 >= hours.p50)
    if not terms.is_spot_ok:
        is_costed &= table.numbers["market"][rows] != _SPOT
    # Half a second and half a micro-dollar may be rounded away on each node.
    bound = (bound - price / SECONDS_PER_HOUR) * terms.nodes
    return np.where(is_costed, np.clip(bound, 0.0, float(MAX_MICRO)), np.inf)


def hours_by_row(
    table: OfferTable, rows: npt.NDArray[np.intp], hours: Mapping[tuple[int, float], Band]
) -> HourColumns:
    """Hours per row from hours per accelerator: keys are its code in `table.codes` and its count."""
    if not hours:
        return HourColumns(p50=np.full(len(rows), np.nan), p90=np.full(len(rows), np.nan))
    base = float(len(table.words["accelerator"]) + 1)
    keys = np.array([float(np.float32(count)) * base + code for code, count in hours])
    bands = list(hours.values())
    order = np.argsort(keys)
    keys = keys[order]
    p50 = np.array([each.p50 for each in bands])[order]
    p90 = np.array([each.p90 for each in bands])[order]
    counts = table.numbers["accelerator_count"][rows].astype(np.float64)
    wanted = counts * base + table.codes["accelerator"][rows]
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    is_there = keys[found] == wanted
    return HourColumns(p50=np.where(is_there, p50[found], np.nan), p90=np.where(is_there, p90[found], np.nan))


@dataclass(frozen=True, slots=True, kw_only=True)
class _TimeColumns:
    wait_50: Floats
    boot_50: Floats
    setup_50: Floats
    billed_loss_50: Floats
    billed_90: Floats
    wall_50: Floats
    wall_90: Floats
    count_50: Floats
    count_90: Floats


def _times(
    table: OfferTable,
    rows: npt.NDArray[np.intp],
    kind: npt.NDArray[np.intp],
    facts: CostFacts,
    market: npt.NDArray[np.generic],
    train_50: Floats,
    train_90: Floats,
    terms: RunTerms,
) -> _TimeColumns:
    is_owned = market == _OWNED
    is_at_hand = is_owned if terms.data_location is None else np.zeros(len(rows), dtype=np.bool_)
    staging = np.where(is_at_hand, 0.0, terms.staging_h)
    availability = table.numbers["availability"][rows].astype(np.intp)
    wait_50, wait_90 = (np.where(is_owned, 0.0, each[availability]) for each in wait_hours())
    boot_50, boot_90 = facts.boot_50_h[kind], facts.boot_90_h[kind]
    setup_50 = facts.setup_50_h[kind] + staging
    setup_90 = facts.setup_90_h[kind] + staging / SLOW_LINK_SHARE
    spot = np.flatnonzero(market == _SPOT)
    lost_50, count_50 = _losses(train_50, facts.per_hour[kind], spot, terms)
    lost_90, count_90 = _losses(train_50, facts.per_hour_90[kind], spot, terms)
    again = setup_50 + terms.restore_h + facts.granularity_s[kind] / 7_200
    again_wall = setup_50 + terms.restore_h + (wait_50 + boot_50)
    luck = NINTH_DECILE * np.sqrt(count_90)
    lost_each = lost_90 / np.where(count_90 > 0, count_90, 1.0)
    billed_loss_50 = lost_50 + count_50 * again
    billed_loss_90 = lost_90 + count_90 * again + luck * (lost_each + again)
    wall_loss_50 = lost_50 + count_50 * again_wall
    wall_loss_90 = lost_90 + count_90 * again_wall + luck * (lost_each + again_wall)
    stretch = 1.0 + lost_50 / np.where(train_50 > 0, train_50, 1.0)
    train = (train_90 - train_50) * stretch
    start = setup_90 - setup_50
    billed_loss, wall_loss = billed_loss_90 - billed_loss_50, wall_loss_90 - wall_loss_50
    wait_more, boot_more = wait_90 - wait_50, boot_90 - boot_50
    known = train * train + start * start
    billed_50 = setup_50 + train_50 + billed_loss_50
    wall_50 = wait_50 + boot_50 + setup_50 + train_50 + wall_loss_50
    return _TimeColumns(
        wait_50=wait_50,
        boot_50=boot_50,
        setup_50=setup_50,
        billed_loss_50=billed_loss_50,
        billed_90=billed_50 + np.sqrt(known + billed_loss * billed_loss),
        wall_50=wall_50,
        wall_90=wall_50
        + np.sqrt(known + wall_loss * wall_loss + wait_more * wait_more + boot_more * boot_more),
        count_50=count_50,
        count_90=count_90,
    )


def _losses(
    hours: Floats, per_hour: Floats, spot: npt.NDArray[np.intp], terms: RunTerms
) -> tuple[Floats, Floats]:
    """`interruptions.expected_losses` for the rows of spot markets; nothing for the others."""
    lost, count = np.zeros(len(hours)), np.zeros(len(hours))
    if not len(spot):
        return lost, count
    train = hours[spot]
    rate = per_hour[spot] * terms.nodes
    every = terms.checkpoint_every_h
    length = np.where(train > 0, train, 1.0) if every is None else np.full(len(spot), every)
    whole = np.floor(train / length)
    rest = np.maximum(train - whole * length, 0.0)
    each = np.expm1(np.minimum(rate * length, MAX_EXPONENT))
    last = np.expm1(np.minimum(rate * rest, MAX_EXPONENT))
    safe = np.where(rate > 0, rate, 1.0)
    running = np.where(rate > 0, np.minimum((whole * each + last) / safe, train * MAX_STRETCH), train)
    lost[spot] = np.maximum(running - train, 0.0)
    count[spot] = running * rate
    return lost, count


def _disks_micro_per_hour(
    table: OfferTable, rows: npt.NDArray[np.intp], storage_micro: Ints, terms: RunTerms
) -> Ints:
    disk = np.nan_to_num(table.numbers["disk_gib"][rows].astype(np.float64)) * (1 << 30)
    beside = np.maximum(whole_mb(terms.disk_gb) - disk.astype(np.int64) // 1_000_000, 0)
    return terms.nodes * divide_half_even(beside * storage_micro, MB_PER_GB * HOURS_PER_MONTH)
