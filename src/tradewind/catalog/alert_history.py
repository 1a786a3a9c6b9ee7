"""Recorded prices played again: what a condition would have seen, and how high the price was over a window."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from tradewind.catalog.alerts import AlertState, Finding, Place, Sight, matches_region, weigh
from tradewind.catalog.ranks import asks_sellers, ships
from tradewind.domain.offers import Availability
from tradewind.domain.schemas_alerts import AlertCondition, AlertFilters


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One recorded change of one offer of one source. `price_micro` is per machine hour; None: it was gone.

    `rank` says how much the source is believed where another knows the same offer, lower is more; a last resort
    counts only where nobody else knows that accelerator at that provider (`catalog.ranks`).
    """

    source_id: str
    place: Place
    price_micro: int | None
    availability: Availability
    seen_at: datetime
    #: Of one accelerator, where it is known.
    memory_gb: float | None = None
    rank: int = 0
    is_last_resort: bool = False


_Family = tuple[str, str]


def sights(changes: Iterable[Change], condition: AlertCondition) -> Iterator[tuple[datetime, Sight]]:
    """What the matching offers showed after each moment of change. `changes` must be in order of time."""
    offers: dict[_Family, dict[tuple[str, Place], Change]] = defaultdict(dict)
    seen: dict[_Family, Sight] = {}
    for at, moment in groupby(changes, key=lambda change: change.seen_at):
        touched: set[_Family] = set()
        for change in moment:
            family = (change.place.provider, change.place.accelerator)
            touched.add(family)
            if change.price_micro is None:
                offers[family].pop((change.source_id, change.place), None)
            else:
                offers[family][change.source_id, change.place] = change
        for family in touched:
            seen[family] = _see(_believed(list(offers[family].values())), condition)
        yield at, _together(seen.values())


def replay(
    changes: Sequence[Change], condition: AlertCondition, since: datetime
) -> list[tuple[datetime, Finding]]:
    """When a condition made at `since` would have fired, and with what.

    Changes before `since` say how things were then: it would have seen that first.
    """
    found: list[tuple[datetime, Finding]] = []
    state = AlertState()
    window = _Window(condition)
    before: Sight | None = None
    has_begun = False
    for at, sight in sights(changes, condition):
        if at < since:
            window.add(at, sight.best_micro)
            before = sight
            continue
        if not has_begun and before is not None:
            state, finding = weigh(before, condition, state, since, window.highest(since))
            if finding is not None:
                found.append((since, finding))
        has_begun = True
        window.add(at, sight.best_micro)
        state, finding = weigh(sight, condition, state, at, window.highest(at))
        if finding is not None:
            found.append((at, finding))
    if not has_begun and before is not None:
        _, finding = weigh(before, condition, state, since, window.highest(since))
        if finding is not None:
            found.append((since, finding))
    return found


def highest(changes: Sequence[Change], condition: AlertCondition, at: datetime) -> int | None:
    """The highest of the lowest prices within the condition's window before `at`, in its unit; None: not recorded."""
    window = _Window(condition)
    for seen_at, sight in sights(changes, condition):
        if seen_at > at:
            break
        window.add(seen_at, sight.best_micro)
    return window.highest(at)


def passes(change: Change, filters: AlertFilters) -> bool:
    """True if a recorded offer passes the filters, as far as a record says. Memory that nobody knows does not pass."""
    place = change.place
    wanted = {name.casefold() for name in filters.accelerators}
    return (
        (not wanted or place.accelerator.casefold() in wanted)
        and (not filters.providers or place.provider in filters.providers)
        and (not filters.regions or matches_region(place.region, filters.regions))
        and (not filters.markets or place.market in {market.value for market in filters.markets})
        and (filters.min_count is None or place.accelerator_count >= filters.min_count)
        and (filters.max_count is None or place.accelerator_count <= filters.max_count)
        and (
            filters.min_memory_gb is None
            or (
                change.memory_gb is not None
                and round(change.memory_gb * min(place.accelerator_count, 1.0), 3) >= filters.min_memory_gb
            )
        )
    )


class _Window:
    """The lowest prices of the last hours. A price holds until the next one, so the one before the window counts."""

    def __init__(self, condition: AlertCondition) -> None:
        self._span = None if condition.window_hours is None else timedelta(hours=condition.window_hours)
        self._prices: deque[tuple[datetime, int]] = deque()

    def add(self, at: datetime, micro: int | None) -> None:
        """Notes the price from this time on."""
        if self._span is None or micro is None:
            return
        self._prices.append((at, micro))
        self._forget(at)

    def highest(self, at: datetime) -> int | None:
        """The highest price that held at some time of the window up to `at`."""
        if self._span is None or not self._prices:
            return None
        start = at - self._span
        prices = list(self._prices)
        ends = [*(each[0] for each in prices[1:]), None]
        held = [micro for (_, micro), end in zip(prices, ends, strict=True) if end is None or end > start]
        return max(held, default=None)

    def _forget(self, at: datetime) -> None:
        assert self._span is not None
        while len(self._prices) > 1 and self._prices[1][0] <= at - self._span:
            self._prices.popleft()


def _believed(offers: list[Change]) -> list[Change]:
    """The offers of one accelerator at one provider that count, where several sources know them.

    Nearly as the catalogue merges them: it also asks who has looked last, which is not recorded when nothing changed.
    """
    better = [offer for offer in offers if not offer.is_last_resort] or offers
    sold = {offer.place.market for offer in better if asks_sellers(offer.rank)}
    better = [offer for offer in better if not (ships(offer.rank) and offer.place.market in sold)]
    ranks: dict[tuple[str, str, str], int] = {}
    for offer in better:
        terms = _terms(offer.place)
        ranks[terms] = min(offer.rank, ranks.get(terms, offer.rank))
    return [offer for offer in better if offer.rank == ranks[_terms(offer.place)]]


def _terms(place: Place) -> tuple[str, str, str]:
    # Without the zone: one source's offer of a region stands for another's of its zones.
    return (place.region, place.instance_type, place.market)


def _see(offers: list[Change], condition: AlertCondition) -> Sight:
    matching = [offer for offer in offers if passes(offer, condition.filters)]
    known = [offer for offer in matching if offer.availability is not Availability.UNKNOWN]
    there = [offer for offer in known if offer.availability is not Availability.UNAVAILABLE]
    best = _cheapest(matching, condition)
    nearest = _cheapest(there, condition)
    return Sight(
        matching=len(matching),
        known=len(known),
        available=len(there),
        best_micro=None if best is None else best[0],
        best_at=None if best is None else best[1],
        available_at=None if nearest is None else nearest[1],
        available_micro=None if nearest is None else nearest[0],
    )


def _together(parts: Collection[Sight]) -> Sight:
    best = min(
        ((part.best_micro, part.best_at) for part in parts if part.best_micro is not None and part.best_at),
        default=(None, None),
    )
    nearest = min(
        (
            (part.available_micro, part.available_at)
            for part in parts
            if part.available_micro is not None and part.available_at
        ),
        default=(None, None),
    )
    return Sight(
        matching=sum(part.matching for part in parts),
        known=sum(part.known for part in parts),
        available=sum(part.available for part in parts),
        best_micro=best[0],
        best_at=best[1],
        available_at=nearest[1],
        available_micro=nearest[0],
    )


def _cheapest(offers: list[Change], condition: AlertCondition) -> tuple[int, Place] | None:
    found = [(micro, offer.place) for offer in offers if (micro := _price_of(offer, condition)) is not None]
    return min(found, default=None)


def _price_of(offer: Change, condition: AlertCondition) -> int | None:
    micro, count = offer.price_micro, offer.place.accelerator_count
    if not micro or micro < 0 or offer.availability is Availability.UNAVAILABLE:
        return None
    if condition.per == "hour":
        return micro
    return round(micro / count) if count > 0 else None
