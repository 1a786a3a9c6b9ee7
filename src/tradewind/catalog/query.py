"""Which offers somebody wants to see, found by columns: milliseconds for 150,000 of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Any, Final, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

from tradewind.catalog.identity import has_real_price, levels_of, usable_memory_gb
from tradewind.domain.offer_table import AVAILABILITIES, MARKETS, OfferTable
from tradewind.domain.offers import Availability, Market
from tradewind.hardware.names import fulfils

T = TypeVar("T")
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Sort = Literal["price", "price_per_accelerator", "memory", "availability", "provider"]
SORTS: Final[tuple[Sort, ...]] = ("price", "price_per_accelerator", "memory", "availability", "provider")
#: Best first; what nobody knows may still be had, and so stands before what is said to be scarce.
_LIKELIHOOD: Final = (
    Availability.HIGH,
    Availability.MEDIUM,
    Availability.UNKNOWN,
    Availability.LOW,
    Availability.UNAVAILABLE,
)
#: Memory is told in GB, GiB or what is left of either: an accelerator sold as 80 GB may say 79.6.
_MEMORY_SLACK: Final = 0.97
_UNPRICED: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFilter:
    """What an offer must have. Empty and None: anything. Prices are micro-dollars per hour.

    An offer that does not say how many CPUs or how much memory it has is not held to lack them; one that does not
    say how much memory its accelerator has is.
    """

    #: Any of these; `A100` is any A100, `A100-80GB` one of that size (see `hardware.names.fulfils`).
    accelerators: tuple[str, ...] = ()
    count_min: float | None = None
    count_max: float | None = None
    #: Of one accelerator, in GB (a part of one has that part of it), and of all of a machine together.
    accelerator_memory_gb_min: float | None = None
    total_memory_gb_min: float | None = None
    cpus_min: float | None = None
    memory_gib_min: float | None = None
    #: Provider ids.
    providers: tuple[str, ...] = ()
    #: Patterns with `*` and `?`; capitals do not matter.
    regions: tuple[str, ...] = ()
    markets: tuple[Market, ...] = ()
    price_micro_max: int | None = None
    price_per_accelerator_micro_max: int | None = None
    availability_min: Availability | None = None
    #: The name of the source as the offer has it.
    source: str | None = None
    #: Provider ids: only there. Apart from `providers`, because it is another wish: where jobs can run now.
    runnable: frozenset[str] | None = None
    #: Also those whose price is unknown or a placeholder.
    include_placeholder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """One part of a filter with the rows that meet it. `title` is in words, for example `80 GB`."""

    name: str
    title: str
    mask: Mask
    #: What a row has of it, lower being nearer to what would do; None where there is no nearer and farther.
    distance: npt.NDArray[Any] | None = None


def select(table: OfferTable, wanted: OfferFilter, sort: Sort = "price", limit: int | None = None) -> Rows:
    """The rows that fit, in this order, at most `limit`. What has no real price comes after everything else."""
    rows = np.flatnonzero(matching(table, wanted))
    return ordered(table, rows, sort, limit)


def matching(table: OfferTable, wanted: OfferFilter) -> Mask:
    """Per row whether it fits."""
    mask = np.ones(len(table), dtype=np.bool_)
    for constraint in constraints(table, wanted):
        mask &= constraint.mask
    return mask


def ordered(table: OfferTable, rows: Rows, sort: Sort = "price", limit: int | None = None) -> Rows:
    """These rows in order. Equal ones stand by price, and then as in the table, so that pages do not overlap."""
    price = payable(table)[rows]
    first = _sorted_by(table, rows, sort, price)
    if limit is not None and 0 < limit < len(rows):
        # Only what can come into the answer need be put in order.
        near = np.flatnonzero(first <= np.partition(first, limit - 1)[limit - 1])
        rows, first, price = rows[near], first[near], price[near]
    return rows[np.lexsort((price, first))][:limit]


def _sorted_by(table: OfferTable, rows: Rows, sort: Sort, price: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Per row what it is sorted by, lower first; what has no real price is last by any of them."""
    column: npt.NDArray[Any]
    match sort:
        case "price":
            return price
        case "price_per_accelerator":
            return per_accelerator(table)[rows]
        case "memory":
            column = -np.nan_to_num(_number(table, "accelerator_memory_gb")[rows], nan=0.0)
        case "availability":
            column = availability_order()[levels_of(table)[rows]]
        case "provider":
            rank = np.argsort(np.argsort(np.array(table.words["provider"], dtype=object)))
            column = rank[table.codes["provider"][rows]]
    return np.where(price == _UNPRICED, np.inf, column)


def payable(table: OfferTable) -> npt.NDArray[np.int64]:
    """Per row the price in micro-dollars per hour; the largest number of all where there is no real one."""

    def compute() -> npt.NDArray[np.int64]:
        prices = np.asarray(table.numbers["price_micro"], dtype=np.int64)
        return np.where(has_real_price(table), prices, _UNPRICED)

    return _once(table, "payable", compute)


def per_accelerator(table: OfferTable) -> npt.NDArray[np.float64]:
    """Per row the price in micro-dollars of one accelerator for an hour; infinite where there is none, or no price."""

    def compute() -> npt.NDArray[np.float64]:
        count, price = _number(table, "accelerator_count"), payable(table)
        is_known = (price != _UNPRICED) & (count > 0)
        return np.where(is_known, price / np.where(count > 0, count, 1.0), np.inf)

    return _once(table, "per_accelerator", compute)


def constraints(table: OfferTable, wanted: OfferFilter) -> list[Constraint]:
    """What the filter asks for, part by part, in the order in which a user would say it."""
    found: list[Constraint] = []

    def at_least(name: str, minimum: float | None, column: npt.NDArray[Any], unit: str) -> None:
        if minimum is not None:
            found.append(
                Constraint(name=name, title=f"{minimum:g}{unit}", mask=column >= minimum, distance=-column)
            )

    if wanted.source is not None:
        mask = _has_word(table, "source", lambda word: word == wanted.source)
        found.append(Constraint(name="source", title=f"from {wanted.source}", mask=mask))
    if wanted.accelerators:
        mask = _any_accelerator(table, wanted.accelerators)
        found.append(Constraint(name="accelerator", title=" or ".join(wanted.accelerators), mask=mask))
    count = _number(table, "accelerator_count")
    at_least("count", wanted.count_min, count, " accelerators")
    if wanted.count_max is not None:
        title = f"at most {wanted.count_max:g} accelerators"
        found.append(
            Constraint(name="count_max", title=title, mask=count <= wanted.count_max, distance=count)
        )
    memory = _once(table, "memory", lambda: np.nan_to_num(_number(table, "accelerator_memory_gb"), nan=0.0))
    usable = _once(table, "usable_memory", lambda: np.nan_to_num(usable_memory_gb(table), nan=0.0))
    for name, minimum, column, what in (
        ("memory", wanted.accelerator_memory_gb_min, usable, " GB"),
        ("total_memory", wanted.total_memory_gb_min, memory * count, " GB in all"),
    ):
        if minimum is not None:
            enough = column >= minimum * _MEMORY_SLACK
            found.append(Constraint(name=name, title=f"{minimum:g}{what}", mask=enough, distance=-column))
    at_least("cpus", wanted.cpus_min, _or_enough(_number(table, "cpus")), " CPUs")
    at_least("host_memory", wanted.memory_gib_min, _or_enough(_number(table, "memory_gib")), " GiB of memory")
    found += _places(table, wanted)
    if wanted.markets:
        codes = [MARKETS.index(market) for market in wanted.markets]
        title = " or ".join(market.value.replace("_", "-") for market in wanted.markets)
        found.append(
            Constraint(name="market", title=title, mask=_lookup(codes, len(MARKETS))[table.numbers["market"]])
        )
    if wanted.availability_min is not None:
        order = availability_order()
        worst = int(order[AVAILABILITIES.index(wanted.availability_min)])
        distance = order[levels_of(table)]
        title = f"availability at least {wanted.availability_min.value}"
        found.append(Constraint(name="availability", title=title, mask=distance <= worst, distance=distance))
    if not wanted.include_placeholder:
        mask = payable(table) != _UNPRICED
        found.append(Constraint(name="price_known", title="with a real price", mask=mask))
    for name, most, price, what in (
        ("max_price", wanted.price_micro_max, payable(table), "/h"),
        (
            "max_accelerator_price",
            wanted.price_per_accelerator_micro_max,
            per_accelerator(table),
            " per GPU-hour",
        ),
    ):
        if most is not None:
            title = f"at most ${most / 1_000_000:g}{what}"
            # Where a price is not known it is not the price that keeps the offer out.
            mask = (price <= most) | (payable(table) == _UNPRICED)
            found.append(Constraint(name=name, title=title, mask=mask, distance=price))
    return found


def _places(table: OfferTable, wanted: OfferFilter) -> list[Constraint]:
    found = []
    if wanted.runnable is not None:
        able = wanted.runnable
        mask = _has_word(table, "provider", lambda word: word in able)
        found.append(Constraint(name="launchable", title="where jobs can run now", mask=mask))
    if wanted.providers:
        ids = frozenset(wanted.providers)
        mask = _has_word(table, "provider", lambda word: word in ids)
        found.append(Constraint(name="provider", title=f"at {' or '.join(wanted.providers)}", mask=mask))
    if wanted.regions:
        pattern = re.compile("|".join(translate(region.lower()) for region in wanted.regions))
        mask = _has_word(table, "region", lambda word: pattern.match(word.lower()) is not None)
        found.append(Constraint(name="region", title=f"in {' or '.join(wanted.regions)}", mask=mask))
    return found


def _any_accelerator(table: OfferTable, names: Sequence[str]) -> Mask:
    """Per row whether it has one of these. Each distinct pair of name and memory is looked at once."""
    pairs, place = _once(table, "accelerators", lambda: _distinct_accelerators(table))

    def fits(pair: tuple[str, float | None]) -> bool:
        return any(fulfils(name, *pair) for name in names) if pair[0] else False

    lookup = _once(
        table,
        f"accelerators {sorted(names)}",
        lambda: np.array([fits(pair) for pair in pairs], dtype=np.bool_),
    )
    return cast(Mask, lookup[place])


def _distinct_accelerators(table: OfferTable) -> tuple[list[tuple[str, float | None]], npt.NDArray[np.intp]]:
    memory = _number(table, "accelerator_memory_gb")
    sizes, size_codes = np.unique(memory, return_inverse=True)
    both, place = np.unique(
        table.codes["accelerator"].astype(np.int64) * max(len(sizes), 1) + size_codes, return_inverse=True
    )
    words = table.words["accelerator"]
    pairs = []
    for each in both.tolist():
        word, size = divmod(each, max(len(sizes), 1))
        pairs.append((words[word], None if np.isnan(sizes[size]) else float(sizes[size])))
    return pairs, place


def _has_word(table: OfferTable, name: str, fits: Callable[[str], bool]) -> Mask:
    lookup = np.array([fits(word) for word in table.words[name]], dtype=np.bool_)
    return cast(Mask, lookup[table.codes[name]])


def _lookup(codes: Sequence[int], size: int) -> Mask:
    lookup = np.zeros(size, dtype=np.bool_)
    lookup[list(codes)] = True
    return lookup


def availability_order() -> npt.NDArray[np.intp]:
    """By availability code how far down the order of likelihood it stands."""
    return np.array([_LIKELIHOOD.index(level) for level in AVAILABILITIES], dtype=np.intp)


def _number(table: OfferTable, name: str) -> npt.NDArray[np.float32]:
    return np.asarray(table.numbers[name], dtype=np.float32)


def _or_enough(column: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """With what nobody has said taken for enough."""
    return np.where(np.isnan(column) | (column <= 0), np.float32(np.inf), column)


def _once(table: OfferTable, key: str, compute: Callable[[], T]) -> T:
    """A column that is computed the first time it is needed and kept with the table."""
    if key not in table._cache:
        if len(table._cache) > 256:
            table._cache.clear()
        table._cache[key] = compute()
    return cast(T, table._cache[key])
