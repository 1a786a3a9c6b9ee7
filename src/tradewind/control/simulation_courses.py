"""The recorded prices of a period as courses of the offers that there are today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradewind.catalog.history import MOST_CHANGES, PriceChange, series_of
from tradewind.domain.offer_table import MARKETS, OfferTable
from tradewind.placement.replay.courses import Course
from tradewind.placement.replay.series import Series
from tradewind.placement.replay.world import MANY

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Courses by row of the table, and what a user should know of them."""

    courses: dict[int, Course]
    notes: tuple[str, ...]


def courses_of(table: OfferTable, found: Sequence[PriceChange], start: datetime) -> Priced:
    """What was recorded, counted from `start`. An offer keeps its first recorded price for the time before.

    Offers that are gone today are not replayed: of those nothing but their price is known.
    """
    by_key: dict[tuple[Any, ...], list[list[PriceChange]]] = {}
    for changes in series_of(found):
        by_key.setdefault(changes[0].series[1:], []).append(changes)
    courses: dict[int, Course] = {}
    moved = 0
    for row in range(len(table)) if by_key else ():
        series = by_key.get(_key(table, row))
        if series is None:
            continue
        source = table.words["source"][int(table.codes["source"][row])]
        mine = next((each for each in series if each[0].source == source), series[0])
        course = _course(mine, start)
        if course is not None:
            courses[row] = course
            moved += not course.price.is_constant
    notes = [
        f"recorded prices of {len(courses):,} of {len(table):,} offers, {moved:,} of which moved; the rest as today"
    ]
    if len(found) == MOST_CHANGES:
        notes.append(f"only the newest {MOST_CHANGES:,} changes of prices were looked at")
    if not courses:
        notes.append("no price of this period is recorded: all are as today")
    return Priced(courses=courses, notes=tuple(notes))


def _key(table: OfferTable, row: int) -> tuple[Any, ...]:
    """As `PriceChange.series` has it, without the source."""
    text = {
        name: table.words[name][int(table.codes[name][row])]
        for name in ("provider", "region", "zone", "instance_type", "accelerator")
    }
    return (
        text["provider"],
        text["region"],
        text["zone"],
        text["instance_type"],
        text["accelerator"],
        float(table.numbers["accelerator_count"][row]),
        MARKETS[int(table.numbers["market"][row])].value,
    )


def _course(changes: Sequence[PriceChange], start: datetime) -> Course | None:
    prices: list[tuple[int, int]] = []
    ups: list[tuple[int, int]] = []
    for change in changes:
        time = (change.seen_at - start) // _SECOND
        is_there = change.price_micro is not None and change.availability != "unavailable"
        if change.price_micro:
            prices.append((time, change.price_micro))
        ups.append((time, MANY if is_there else 0))
    if not prices:
        return None
    # What nobody looked at before it was first seen was there, as far as anybody knows.
    ups[0] = (ups[0][0], MANY)
    up = _from_zero(ups)
    return Course(price=_from_zero(prices), up=None if up.is_constant else up)


def _from_zero(points: list[tuple[int, int]]) -> Series:
    """What came before the beginning only says how it begins."""
    before = [value for time, value in points if time <= 0]
    first = before[-1] if before else points[0][1]
    return Series.of([(0, first), *(point for point in points if point[0] > 0)])
