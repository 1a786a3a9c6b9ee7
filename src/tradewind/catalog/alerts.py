"""Alert conditions as pure functions: what the offers show, whether that is news.

`look` is `see` (a table becomes one `Sight`) and then `weigh` (a sight and what was known become what is known now,
and perhaps a `Finding`). A condition fires once per change: after it has fired it waits until the price was back
above the limit by a margin, or has fallen by a further step where one is given; offers that come back are told at
most once in a stated time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Self

from tradewind.domain.offers import Availability
from tradewind.domain.schemas_alerts import AlertCondition, AlertFilters, AlertKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tradewind.domain.offer_table import OfferTable

#: Prices with one of these flags say nothing about what an offer costs.
NOT_PRICES: Final = frozenset({"no_price", "placeholder"})
_KNOWN: Final = frozenset(
    {Availability.HIGH, Availability.MEDIUM, Availability.LOW, Availability.UNAVAILABLE}
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Which offer it is, in words."""

    provider: str
    region: str
    zone: str
    instance_type: str
    market: str
    accelerator: str
    accelerator_count: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the matching offers show at one time."""

    matching: int
    #: Matching offers of which it is known whether they can be had, and how many of them can.
    known: int
    available: int
    #: The lowest price among those not known to be unavailable, in micro-dollars per the condition's unit.
    best_micro: int | None = None
    best_at: Place | None = None
    #: Where the cheapest of those is that are known to be there.
    available_at: Place | None = None
    available_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """What an alert knows. `number` counts its findings; the rest is what keeps one change from being told twice."""

    number: int = 0
    is_told: bool = False  #: a price under the limit has been told, and it has not been back above since
    told_micro: int | None = None
    #: The highest price since the last finding, from which a drop without a window is measured.
    peak_micro: int | None = None
    was_available: bool | None = None
    told_at_us: int | None = None
    looked_at_us: int | None = None
    best_micro: int | None = None
    matching: int | None = None
    known: int | None = None
    problem: str | None = None  #: why the last look could not see everything

    def to_json(self) -> dict[str, Any]:
        """For the database."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """From the database; what an older version did not keep is as nothing seen."""
        return cls(**{key: value for key, value in values.items() if key in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """News. `number` is 1 for an alert's first."""

    number: int
    kind: AlertKind
    price_micro: int | None
    #: What the price had to be under, and from which price a drop was measured.
    limit_micro: int | None = None
    reference_micro: int | None = None
    place: Place | None = None
    available: int = 0


def look(
    table: OfferTable,
    condition: AlertCondition,
    state: AlertState,
    at: datetime,
    reference_micro: int | None = None,
) -> tuple[AlertState, Finding | None]:
    """What is known now, and the news if there is any.

    `reference_micro` is the highest price of the window, for a drop over a window (`alert_history.highest`). The
    order of the offers does not matter.
    """
    return weigh(see(table, condition), condition, state, at, reference_micro)


def see(table: OfferTable, condition: AlertCondition) -> Sight:
    """What the offers of the table that pass the filters show. Placeholders and missing prices never count."""
    import numpy as np

    from tradewind.domain.offer_table import AVAILABILITIES

    chosen = match(table, condition.filters)
    availability = table.numbers["availability"]
    had = table.numbers["is_available"].astype(bool) & (
        availability != AVAILABILITIES.index(Availability.UNAVAILABLE)
    )
    known = chosen & np.isin(availability, [AVAILABILITIES.index(each) for each in _KNOWN])
    priced = _priced(table, condition)
    prices = _prices(table, condition)
    best = _cheapest(table, chosen & had & priced, prices)
    # An offer that is there counts as there even where its price is not known.
    there = known & had
    priced_there = _cheapest(table, there & priced, prices)
    nearest = priced_there or _cheapest(table, there, np.zeros(len(table)))
    return Sight(
        matching=int(chosen.sum()),
        known=int(known.sum()),
        available=int(there.sum()),
        best_micro=None if best is None else best[0],
        best_at=None if best is None else best[1],
        available_at=None if nearest is None else nearest[1],
        available_micro=None if priced_there is None else priced_there[0],
    )


def match(table: OfferTable, filters: AlertFilters) -> npt.NDArray[np.bool_]:
    """Which rows of the table pass the filters."""
    import numpy as np

    from tradewind.catalog.identity import usable_memory_gb
    from tradewind.domain.offer_table import MARKETS

    chosen = np.ones(len(table), dtype=bool)
    if filters.accelerators:
        wanted = {name.casefold() for name in filters.accelerators}
        named = _codes(table, "accelerator", lambda word: word.casefold() in wanted)
        chosen &= named | _codes(table, "accelerator_label", lambda word: word.casefold() in wanted)
    if filters.providers:
        chosen &= _codes(table, "provider", lambda word: word in filters.providers)
    if filters.regions:
        chosen &= _codes(table, "region", lambda word: matches_region(word, filters.regions))
    if filters.markets:
        chosen &= np.isin(table.numbers["market"], [MARKETS.index(each) for each in filters.markets])
    count = table.numbers["accelerator_count"].astype(float)
    if filters.min_count is not None:
        chosen &= count >= filters.min_count
    if filters.max_count is not None:
        chosen &= count <= filters.max_count
    if filters.min_memory_gb is not None:
        # A missing figure is NaN, which is at least nothing.
        chosen &= usable_memory_gb(table).astype(float) >= filters.min_memory_gb
    return chosen


def matches_region(region: str, patterns: list[str]) -> bool:
    """True if a region has one of these names or fits one of these patterns."""
    folded = region.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


def weigh(
    sight: Sight,
    condition: AlertCondition,
    state: AlertState,
    at: datetime,
    reference_micro: int | None = None,
) -> tuple[AlertState, Finding | None]:
    """What is known after this sight, and the news if there is any."""
    state = replace(
        state,
        looked_at_us=_microseconds(at),
        best_micro=sight.best_micro,
        matching=sight.matching,
        known=sight.known,
    )
    if condition.kind is AlertKind.AVAILABLE_AGAIN:
        return _weigh_availability(sight, condition, state, at)
    if sight.best_micro is None:
        # No price is not a high price: a source that is silent for an hour must not make an old price news again.
        return state, None
    return _weigh_price(sight, sight.best_micro, condition, state, at, reference_micro)


def _weigh_availability(
    sight: Sight, condition: AlertCondition, state: AlertState, at: datetime
) -> tuple[AlertState, Finding | None]:
    is_there = sight.available > 0
    came_back = is_there and state.was_available is False
    if is_there or sight.known > 0 or state.was_available is not None:
        # Offers that are no longer listed are not there, once any have been seen.
        state = replace(state, was_available=is_there)
    elif sight.matching == 0:
        state = replace(state, was_available=False)
    quiet_us = int(condition.quiet_minutes * 60_000_000)
    is_quiet = state.told_at_us is not None and _microseconds(at) - state.told_at_us < quiet_us
    if not came_back or is_quiet:
        return state, None
    finding = Finding(
        number=state.number + 1,
        kind=condition.kind,
        price_micro=sight.available_micro,
        place=sight.available_at,
        available=sight.available,
    )
    return replace(state, number=finding.number, told_at_us=_microseconds(at)), finding


def _weigh_price(
    sight: Sight,
    price: int,
    condition: AlertCondition,
    state: AlertState,
    at: datetime,
    reference_micro: int | None,
) -> tuple[AlertState, Finding | None]:
    reference: int | None = None
    if condition.below_micro is not None:
        limit: float = condition.below_micro
        is_under = price < limit
    else:
        assert condition.drop_percent is not None
        peak = price if state.peak_micro is None else max(state.peak_micro, price)
        state = replace(state, peak_micro=peak)
        if condition.window_hours is None:
            reference = peak
        else:
            reference = price if reference_micro is None else max(reference_micro, price)
        limit = reference * (1 - condition.drop_percent / 100)
        # What is free cannot become cheaper.
        is_under = price < reference and price <= limit
    if state.is_told and price >= limit * (1 + condition.rearm_percent / 100):
        state = replace(state, is_told=False, told_micro=None)
    is_further = (
        state.told_micro is not None
        and condition.step_percent is not None
        and price <= state.told_micro * (1 - condition.step_percent / 100)
    )
    if not is_under or (state.is_told and not is_further):
        return state, None
    finding = Finding(
        number=state.number + 1,
        kind=condition.kind,
        price_micro=price,
        limit_micro=int(limit),
        reference_micro=reference,
        place=sight.best_at,
        available=sight.available,
    )
    # A drop without a window is measured anew from the price that is told, so nothing has to be waited for.
    is_held = condition.kind is AlertKind.PRICE_BELOW or condition.window_hours is not None
    told = replace(
        state,
        number=finding.number,
        is_told=is_held,
        told_micro=price if is_held else None,
        peak_micro=price if condition.kind is AlertKind.PRICE_DROP else None,
        told_at_us=_microseconds(at),
    )
    return told, finding


def _codes(table: OfferTable, column: str, accepts: Any) -> npt.NDArray[np.bool_]:
    import numpy as np

    accepted = np.fromiter((bool(word) and accepts(word) for word in table.words[column]), dtype=bool)
    chosen: npt.NDArray[np.bool_] = accepted[table.codes[column]]
    return chosen


def _priced(table: OfferTable, condition: AlertCondition) -> npt.NDArray[np.bool_]:
    import numpy as np

    fakes = np.fromiter(
        (not NOT_PRICES.isdisjoint(word.split(",")) for word in table.words["flags"]), dtype=bool
    )
    # Nothing that is rented costs nothing: a price of zero is a gap in somebody's list.
    priced: npt.NDArray[np.bool_] = (table.numbers["price_micro"].astype(np.int64) > 0) & ~fakes[
        table.codes["flags"]
    ]
    if condition.per == "accelerator_hour":
        priced &= table.numbers["accelerator_count"].astype(float) > 0
    return priced


def _prices(table: OfferTable, condition: AlertCondition) -> npt.NDArray[np.float64]:
    import numpy as np

    prices = table.numbers["price_micro"].astype(np.float64)
    if condition.per == "accelerator_hour":
        counts = table.numbers["accelerator_count"].astype(np.float64)
        prices = prices / np.where(counts > 0, counts, 1.0)
    return np.rint(prices)


def _cheapest(
    table: OfferTable, chosen: npt.NDArray[np.bool_], prices: npt.NDArray[np.float64]
) -> tuple[int, Place] | None:
    import numpy as np

    rows = np.flatnonzero(chosen)
    if not len(rows):
        return None
    least = prices[rows].min()
    rows = rows[prices[rows] == least]
    # Of several at this price the first by name, whatever order they came in.
    for column in ("provider", "region", "zone", "instance_type"):
        codes = table.codes[column][rows]
        first = min(np.unique(codes), key=lambda code: table.words[column][code])
        rows = rows[codes == first]
    return int(least), min(_place(table, int(row)) for row in rows)


def _place(table: OfferTable, row: int) -> Place:
    offer = table.offer(row)
    return Place(
        provider=offer.provider,
        region=offer.region,
        zone=offer.zone or "",
        instance_type=offer.instance_type,
        market=offer.market,
        accelerator=offer.accelerator or offer.accelerator_label or "",
        accelerator_count=offer.accelerator_count,
    )


def _microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond
