"""The history of prices as it travels: the course of a price, and what changed, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tradewind.catalog import history
from tradewind.catalog.history import BandPoint, HistoryFilter, PriceChange
from tradewind.control.explorer_words import (
    MARKET_TITLES,
    accelerators_text,
    availability_badge,
    availability_title,
    money,
    provider_title,
)
from tradewind.control.offer_names import resolve_providers
from tradewind.db.owners import Caller
from tradewind.db.store import Transaction
from tradewind.domain.money import format_money
from tradewind.domain.offers import Availability
from tradewind.domain.schemas_offers import (
    AvailabilityLevel,
    CourseQuery,
    HistoryQuery,
    PriceBand,
    PriceChangeRow,
    PriceChangeView,
    PriceHistory,
    PriceNow,
    PricePoint,
    PriceSeries,
)
from tradewind.domain.schemas_shown import BadgeView, Icon, Tone
from tradewind.hardware.names import short_name

_READINGS: Final[dict[str, tuple[str, Tone, Icon]]] = {
    "new": ("New", "busy", "bolt"),
    "gone": ("Gone", "quiet", "cross"),
    "rose": ("Rose", "warning", "alert"),
    "fell": ("Fell", "good", "check"),
    "availability": ("Availability", "quiet", "swap"),
}


def history_filter(query: HistoryQuery) -> HistoryFilter:
    """The filter that a query stands for."""
    return HistoryFilter(
        accelerators=tuple(query.gpu),
        providers=tuple(resolve_providers(query.provider)),
        regions=tuple(query.region),
        instance_types=tuple(query.instance_type),
        markets=tuple(market.value for market in query.market),
        source=query.source,
        since=query.since,
        until=query.until,
    )


def price_history(tx: Transaction, caller: Caller, query: CourseQuery) -> PriceHistory:
    """The course of prices: a band over all offers, and the offers that changed last one by one."""
    wanted = history_filter(query)
    found = history.changes_in_order(tx, caller, wanted, history.MOST_CHANGES)
    start, end = history.span_of(found, wanted, tx.now)
    every = list(history.series_of(found))
    band = history.band(found, start, end, query.buckets)
    return PriceHistory(
        since=start,
        until=end,
        band=[
            PriceBand(
                at=point.at,
                offers=point.offers,
                min_micro=_rounded(point.min_micro),
                median_micro=_rounded(point.median_micro),
                max_micro=_rounded(point.max_micro),
                availability=None if point.availability is None else Availability(point.availability),
            )
            for point in band
        ],
        series=[_series_view(changes, start) for changes in every[: query.series]],
        series_count=len(every),
        is_cut=len(found) == history.MOST_CHANGES,
        now=_now(band),
        levels=[AvailabilityLevel(level=level, badge=availability_badge(level)) for level in Availability],
    )


def change_view(change: PriceChange) -> PriceChangeView:
    """A change as it is shown."""
    per_cent = change.per_cent
    return PriceChangeView.model_construct(
        position=change.position,
        at=change.seen_at,
        reading=change.reading,
        per_cent=None if per_cent is None else round(per_cent, 4),
        source=change.source,
        provider=change.provider,
        region=change.region,
        zone=change.zone or None,
        instance_type=change.instance_type,
        accelerator=change.accelerator or None,
        accelerator_count=change.accelerator_count,
        market=change.market,
        price_micro=change.price_micro,
        previous_micro=change.previous_micro,
        currency="USD",
        availability=change.availability,
    )


def change_row(change: PriceChange) -> PriceChangeRow:
    """A change with its words."""
    view = change_view(change)
    label, tone, icon = _READINGS[view.reading]
    if view.per_cent is not None and view.reading in ("rose", "fell"):
        label = f"{label} {abs(view.per_cent):.1f} %"
    name = short_name(view.accelerator) if view.accelerator else None
    return PriceChangeRow.model_construct(
        **dict(view),
        title=accelerators_text(name, view.accelerator_count),
        provider_title=provider_title(view.provider),
        market_title=MARKET_TITLES.get(view.market, view.market),
        badge=BadgeView(label=label, tone=tone, icon=icon),
        text=_change_text(view),
    )


def _change_text(view: PriceChangeView) -> str:
    had = "" if view.previous_micro is None else f"{format_money(view.previous_micro)}/h"
    if view.price_micro is None:
        return f"It was {had}." if had else "It is gone."
    price = f"{format_money(view.price_micro)}/h"
    if view.reading == "availability":
        return f"{price}, availability {availability_title(Availability(view.availability)).lower()}"
    return f"{price}, was {had}" if had else price


def _now(band: Sequence[BandPoint]) -> PriceNow | None:
    last = band[-1]
    if last.min_micro is None or last.median_micro is None or last.max_micro is None:
        return None
    first = next((each.median_micro for each in band if each.median_micro), None)
    change = None
    if first is not None and len(band) > 1:
        share = last.median_micro / first - 1
        if abs(share) < 0.0005:
            change = "The middle price is what it was at the start."
        else:
            change = f"The middle price is {abs(share):.1%} {'lower' if share < 0 else 'higher'} than at the start."
    return PriceNow(
        offers=last.offers,
        least=money(last.min_micro),
        middle=money(last.median_micro),
        most=money(last.max_micro),
        change=change,
    )


def _series_view(changes: list[PriceChange], start: datetime) -> PriceSeries:
    first = changes[0]
    before = [place for place, change in enumerate(changes) if change.seen_at <= start]
    return PriceSeries(
        source=first.source,
        provider=first.provider,
        region=first.region,
        zone=first.zone or None,
        instance_type=first.instance_type,
        accelerator=first.accelerator or None,
        accelerator_count=first.accelerator_count,
        market=first.market,
        points=[
            PricePoint(
                at=change.seen_at,
                price_micro=change.price_micro,
                price_per_accelerator_micro=_rounded(change.per_accelerator_micro),
                availability=change.availability,
            )
            for change in changes[before[-1] if before else 0 :]
        ],
    )


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
