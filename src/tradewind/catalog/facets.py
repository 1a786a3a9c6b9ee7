"""How many offers each value of each filter would give, the other filters as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.catalog.identity import levels_of, usable_memory_gb
from tradewind.catalog.query import Mask, OfferFilter, availability_order, constraints, per_accelerator
from tradewind.domain.offer_table import AVAILABILITIES, MARKETS, OfferTable

#: Least memory of one accelerator, in GB, that people ask for.
MEMORY_STEPS: Final = (8, 16, 24, 40, 48, 80, 94, 141, 180)
#: Memory is told in GB or GiB; see `query`.
_SLACK: Final = 0.97


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount:
    """A value of a filter, how many offers it would give, and the least price of one accelerator among them."""

    value: str
    count: int
    least_micro: int | None


def count_words(table: OfferTable, wanted: OfferFilter, column: str, constraint: str) -> list[ValueCount]:
    """Per text of a column, the most frequent first; texts that nothing would give are left out."""
    rows = np.flatnonzero(_others(table, wanted, constraint))
    found = _count(table, rows, table.codes[column][rows], len(table.words[column]))
    named = [
        ValueCount(value=word, count=count, least_micro=least)
        for word, (count, least) in zip(table.words[column], found, strict=True)
        if count and word
    ]
    return sorted(named, key=lambda each: (-each.count, each.value))


def count_markets(table: OfferTable, wanted: OfferFilter) -> list[ValueCount]:
    """Per market, in the order of `Market`."""
    rows = np.flatnonzero(_others(table, wanted, "market"))
    found = _count(table, rows, np.asarray(table.numbers["market"][rows], dtype=np.intp), len(MARKETS))
    return [
        ValueCount(value=market.value, count=count, least_micro=least)
        for market, (count, least) in zip(MARKETS, found, strict=True)
        if count
    ]


def count_numbers_of_accelerators(table: OfferTable, wanted: OfferFilter) -> list[ValueCount]:
    """Per number of accelerators in a machine, the smallest first."""
    rows = np.flatnonzero(_others(table, wanted, "count", "count_max"))
    numbers = np.asarray(table.numbers["accelerator_count"], dtype=np.float64)[rows]
    values, places = np.unique(numbers, return_inverse=True)
    found = _count(table, rows, places.reshape(-1), len(values))
    return [
        ValueCount(value=f"{value:.9g}", count=count, least_micro=least)
        for value, (count, least) in zip(values.tolist(), found, strict=True)
        if value > 0
    ]


def count_memory(table: OfferTable, wanted: OfferFilter) -> list[ValueCount]:
    """Per least memory of one accelerator, the smallest first: as many as have at least that."""
    rows = np.flatnonzero(_others(table, wanted, "memory"))
    memory = np.nan_to_num(usable_memory_gb(table)[rows], nan=0.0)
    return [
        _at_least(table, str(step), rows[memory >= step * _SLACK])
        for step in MEMORY_STEPS
        if (memory >= step * _SLACK).any()
    ]


def count_availability(table: OfferTable, wanted: OfferFilter) -> list[ValueCount]:
    """Per least availability, the strictest first: as many as are at least so likely to be had. The last is any."""
    rows = np.flatnonzero(_others(table, wanted, "availability"))
    order = availability_order()
    worst = order[levels_of(table)[rows]]
    by_order = sorted(range(len(AVAILABILITIES)), key=lambda code: int(order[code]))
    return [
        _at_least(table, AVAILABILITIES[code].value, rows[worst <= order[code]])
        for code in by_order[:-1]
        if (worst <= order[code]).any()
    ]


def count_launchable(table: OfferTable, wanted: OfferFilter, runnable: frozenset[str]) -> int:
    """How many of the offers are where jobs can run now."""
    words = np.array([word in runnable for word in table.words["provider"]], dtype=np.bool_)
    return int((_others(table, wanted, "launchable") & words[table.codes["provider"]]).sum())


def _others(table: OfferTable, wanted: OfferFilter, *left_out: str) -> Mask:
    mask = np.ones(len(table), dtype=np.bool_)
    for part in constraints(table, wanted):
        if part.name not in left_out:
            mask &= part.mask
    return mask


def _at_least(table: OfferTable, value: str, rows: npt.NDArray[np.intp]) -> ValueCount:
    least = float(per_accelerator(table)[rows].min(initial=np.inf))
    return ValueCount(value=value, count=len(rows), least_micro=None if least == np.inf else round(least))


def _count(
    table: OfferTable, rows: npt.NDArray[np.intp], codes: npt.NDArray[np.signedinteger], size: int
) -> list[tuple[int, int | None]]:
    counts = np.bincount(codes, minlength=size)
    least = np.full(size, np.inf)
    np.minimum.at(least, codes, per_accelerator(table)[rows])
    return [
        (count, None if price == np.inf else round(price))
        for count, price in zip(counts.tolist(), least.tolist(), strict=True)
    ]
