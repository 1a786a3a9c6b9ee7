"""The cheapest offers for what a user looks for: saved views, accelerators used last, else some that many use.

Loaded when the first page is asked for, because it brings numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from tradewind.catalog.query import OfferFilter, select
from tradewind.control.offer_views import offer_views
from tradewind.control.preferences import preferences_of
from tradewind.control.specs import spec_of
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import JobRow
from tradewind.db.store import Transaction
from tradewind.domain.money import format_money
from tradewind.domain.offers import Availability
from tradewind.domain.schemas_alerts import AlertFilters
from tradewind.domain.schemas_home import CheapOffer
from tradewind.domain.schemas_shown import BadgeView
from tradewind.hardware.names import short_name
from tradewind.providers.about import all_abouts
from tradewind.spec.models import JobSpec

if TYPE_CHECKING:
    from tradewind.domain.offer_table import OfferTable

_SHOWN: Final = 3
_JOBS_LOOKED: Final = 10
_POPULAR: Final = ("H100", "A100-80GB", "RTX 4090")
_LEVELS: Final[dict[Availability, BadgeView]] = {
    Availability.HIGH: BadgeView(label="High", tone="good", icon="check"),
    Availability.MEDIUM: BadgeView(label="Medium", tone="busy", icon="check"),
    Availability.LOW: BadgeView(label="Low", tone="warning", icon="alert"),
    Availability.UNAVAILABLE: BadgeView(label="Unavailable", tone="bad", icon="cross"),
    Availability.UNKNOWN: BadgeView(label="Unknown", tone="quiet", icon="question"),
}
_MARKETS: Final = {"on_demand": "on demand", "spot": "spot", "reserved": "reserved", "owned": "owned"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Something that a user looks for."""

    title: str
    why: str
    filters: AlertFilters


def wanted_by(tx: Transaction, caller: Caller) -> list[Wanted]:
    """What this user looks for: their saved views, then the accelerators of the project's last jobs."""
    preferences = preferences_of(tx, caller)
    found = [
        Wanted(title=view.name, why="saved view", filters=view.filters)
        for view in preferences.saved_views or []
    ][:_SHOWN]
    names: dict[str, None] = {}
    for spec in _last_specs(tx, caller):
        names.update((str(each), None) for one in spec.alternatives() for each in one.resources.accelerators)
    why, chosen = ("used lately", list(names)) if names else ("much used", list(_POPULAR))
    for name in chosen[: max(_SHOWN - len(found), 0)]:
        filters = _filters(name, preferences.default_filters)
        found.append(Wanted(title=name, why=why, filters=filters))
    return found


def cheapest_of(table: OfferTable, wanted: list[Wanted]) -> list[CheapOffer]:
    """The cheapest offer for each. For a worker thread."""
    return [_cheapest(table, each) for each in wanted]


def _last_specs(tx: Transaction, caller: Caller) -> list[JobSpec]:
    jobs = tables.jobs
    rows = tx.execute(
        JobRow.select().where(visible_to(caller, jobs)).order_by(jobs.c.id.desc()).limit(_JOBS_LOOKED)
    )
    return [spec_of(JobRow.of(row)) for row in rows]


def _filters(name: str, default: AlertFilters | None) -> AlertFilters:
    accelerator, _, count = name.partition(":")
    number = float(count) if count.replace(".", "", 1).isdigit() else None
    base = AlertFilters() if default is None else default
    return AlertFilters(
        accelerators=[accelerator],
        min_count=number,
        max_count=number,
        providers=base.providers,
        regions=base.regions,
        markets=base.markets,
    )


def _cheapest(table: OfferTable, wanted: Wanted) -> CheapOffer:
    filters = wanted.filters
    rows = select(
        table,
        OfferFilter(
            accelerators=tuple(filters.accelerators),
            count_min=filters.min_count,
            count_max=filters.max_count,
            accelerator_memory_gb_min=filters.min_memory_gb,
            providers=tuple(filters.providers),
            regions=tuple(filters.regions),
            markets=tuple(filters.markets),
            availability_min=Availability.LOW,
        ),
        "price_per_accelerator",
        1,
    )
    views = [each for each in offer_views(table, rows) if each.price_micro is not None]
    link = f"/offers?{_query(filters)}"
    if not views:
        return CheapOffer(
            title=wanted.title, why=wanted.why, is_found=False, place="", machine="",
            price_text="no offer fits now", market="", link=link,
        )  # fmt: skip
    offer = views[0]
    assert offer.price_micro is not None
    about = all_abouts().get(offer.provider)
    price, each = format_money(offer.price_micro), offer.price_per_accelerator_micro
    is_several = each is not None and offer.accelerator_count != 1
    return CheapOffer(
        title=wanted.title,
        why=wanted.why,
        is_found=True,
        place=f"{about.title if about else offer.provider}, {offer.zone or offer.region}",
        machine=f"{offer.accelerator_count:g}x {short_name(offer.accelerator or 'no accelerator')}",
        price_text=f"{price}/h ({format_money(each)} per GPU)" if is_several and each else f"{price}/h",
        market=_MARKETS.get(offer.market, offer.market),
        availability=_LEVELS[offer.availability],
        seen_at=offer.seen_at,
        link=link,
    )


def _query(filters: AlertFilters) -> str:
    parts: list[tuple[str, object]] = [
        *(("gpu", name) for name in filters.accelerators),
        *(("provider", name) for name in filters.providers),
        *(("region", name) for name in filters.regions),
        *(("market", market.value) for market in filters.markets),
    ]
    for name, value in (
        ("min_count", filters.min_count),
        ("max_count", filters.max_count),
        ("min_memory", filters.min_memory_gb),
    ):
        if value is not None:
            parts.append((name, f"{value:g}"))
    return urlencode([*parts, ("sort", "price_per_accelerator")])
