"""Recorded prices played again: what a condition would have seen, and how high the price was over a window."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from tradewind.catalog.alerts import AlertState, Finding, Place, Sight, matches_region, weigh
from tradewind.domain.offers import Availability
from tradewind.domain.schemas_alerts import AlertCondition, AlertFilters


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One recorded change of one offer of one source. `price_micro` is per machine hour; None: it was gone."""

    source_id: str
    place: Place
    price_micro: int | None
    availability: Availability
    seen_at: datetime
    #: Of one accelerator, where it is known.
    memory_gb: float | None = None


@dataclass(slots=True)
class _Offer:
    micro: int | None
    is_known: bool
    is_there: bool
    version: int


def sights(changes: Iterable[Change], condition: AlertCondition) -> Iterator[tuple[datetime, Sight]]:
    """What the matching offers showed after each moment of change. `changes` must be in order of time."""
    offers: dict[tuple[str, Place], _Offer] = {}
    prices: list[tuple[int, Place, str, int]] = []
    there: list[tuple[int, Place, str, int]] = []
    known = available = version = 0
    for at, group in groupby(changes, key=lambda change: change.seen_at):
        touched = False
        for change in group:
            if not passes(change, condition.filters):
                continue
            touched = True
            key = (change.source_id, change.place)
            old = offers.pop(key, None)
            if old is not None:
                known -= old.is_known
                available -= old.is_there
            if change.price_micro is None:
                continue
            version += 1
            offer = _read(change, condition, version)
            offers[key] = offer
            known += offer.is_known
            available += offer.is_there
            if offer.micro is not None:
                entry = (offer.micro, change.place, change.source_id, offer.version)
                heapq.heappush(prices, entry)
                if offer.is_there:
                    heapq.heappush(there, entry)
        if touched:
            best, nearest = _top(prices, offers), _top(there, offers)
            yield (
                at,
                Sight(
                    matching=len(offers),
                    known=known,
                    available=available,
                    best_micro=None if best is None else best[0],
                    best_at=None if best is None else best[1],
                    available_at=None if nearest is None else nearest[1],
                ),
            )


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
        window.add(at, sight.best_micro)
        if at < since:
            before = sight
            continue
        if not has_begun and before is not None:
            state, finding = weigh(before, condition, state, since, window.highest(since, include_last=False))
            if finding is not None:
                found.append((since, finding))
        has_begun = True
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
            or (change.memory_gb is not None and change.memory_gb >= filters.min_memory_gb)
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

    def highest(self, at: datetime, *, include_last: bool = True) -> int | None:
        """The highest price that held at some time of the window up to `at`."""
        if self._span is None or not self._prices:
            return None
        start = at - self._span
        prices = list(self._prices) if include_last else list(self._prices)[:-1]
        ends = [*(each[0] for each in prices[1:]), None]
        held = [micro for (_, micro), end in zip(prices, ends, strict=True) if end is None or end > start]
        return max(held, default=None)

    def _forget(self, at: datetime) -> None:
        assert self._span is not None
        while len(self._prices) > 1 and self._prices[1][0] <= at - self._span:
            self._prices.popleft()


def _read(change: Change, condition: AlertCondition, version: int) -> _Offer:
    is_known = change.availability is not Availability.UNKNOWN
    is_gone = change.availability is Availability.UNAVAILABLE
    micro = change.price_micro
    count = change.place.accelerator_count
    if not micro or micro < 0 or is_gone:
        micro = None
    elif condition.per == "accelerator_hour":
        micro = round(micro / count) if count > 0 else None
    return _Offer(micro, is_known, is_known and not is_gone, version)


def _top(
    heap: list[tuple[int, Place, str, int]], offers: dict[tuple[str, Place], _Offer]
) -> tuple[int, Place] | None:
    """The cheapest entry that still stands; what has changed since it was put in is thrown away here."""
    while heap:
        micro, place, source, version = heap[0]
        offer = offers.get((source, place))
        if offer is not None and offer.version == version and offer.micro == micro:
            return micro, place
        heapq.heappop(heap)
    return None
