"""The offers page: rows, cards, counts per filter, and what to give up where nothing fits.

Loaded when somebody first asks, because it brings numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from tradewind.catalog.query import OfferFilter, matching
from tradewind.control.explorer_cards import cards_of
from tradewind.control.explorer_facets import facets_of
from tradewind.control.explorer_loosening import loosenings_of, why_none
from tradewind.control.explorer_order import in_order
from tradewind.control.explorer_rows import Rowing
from tradewind.control.explorer_summary import chips_of, search_text
from tradewind.control.goods import Figures, Goods, Rows, figures_of
from tradewind.control.offer_views import filter_of
from tradewind.db.price_rows import PriceSourceRow
from tradewind.domain.schemas_explorer import ExplorerPage, ExplorerQuery, ExplorerSearch, SourcesHealth
from tradewind.domain.schemas_offers import SourceFailure
from tradewind.domain.schemas_shown import BadgeView


def explorer_page(goods: Goods, query: ExplorerQuery, sources: SourcesHealth, now: datetime) -> ExplorerPage:
    """A page of what the query asks for; the first one has everything around the rows as well.

    Raises:
        InvalidInputError: filters contradict each other, or a GPU has no name that anybody knows.
    """
    wanted, figures, rows = found(goods, query)
    start = int(query.cursor or 0)
    shown = rows[start : start + query.limit]
    rowing = Rowing(goods, figures, query, now)
    is_more = start + len(shown) < len(rows)
    page = ExplorerPage(
        items=rowing.rows(shown),
        matching=len(rows),
        known=len(goods.table),
        next_cursor=str(start + len(shown)) if is_more and len(shown) else None,
        text=_count_text(len(rows), len(goods.table)),
        looked_at=now,
    )
    if start == 0:
        page.summary = search_text(query)
        page.facets = facets_of(goods, wanted, query)
        page.chips = chips_of(query)
        page.sources = sources
        if len(rows):
            page.cards, page.notes = cards_of(goods, figures, rows, query, rowing)
        else:
            page.why_nothing = why_none(goods, wanted)
            page.loosenings = loosenings_of(goods, wanted, query)
    return page


def found(goods: Goods, search: ExplorerSearch) -> tuple[OfferFilter, Figures, Rows]:
    """The filter, what the work costs at every row, and the rows that fit, in order."""
    wanted = filter_of(search, goods.runnable if search.launchable else None)
    figures = figures_of(goods, search)
    rows = np.flatnonzero(matching(goods.table, wanted))
    return wanted, figures, in_order(goods, figures, rows, search.sort, descending=search.descending)


def sources_health(rows: Sequence[PriceSourceRow], failures: list[SourceFailure]) -> SourcesHealth:
    """How the sources are that have prices or have failed."""
    heard = [each for each in rows if each.is_enabled and (each.offer_count or each.error)]
    times = [each.fetched_at for each in heard if each.fetched_at is not None]
    newest = max(times, default=None)
    if not failures:
        count = "1 source" if len(heard) == 1 else f"{len(heard)} sources"
        return SourcesHealth(
            badge=BadgeView(label="All well", tone="good", icon="check"),
            text=f"Prices from {count}.",
            newest_at=newest,
        )
    named = ", ".join(f"{each.name} ({_short(each.error)})" for each in failures[:3])
    more = f" and {len(failures) - 3} more" if len(failures) > 3 else ""
    count = "1 source" if len(failures) == 1 else f"{len(failures)} sources"
    return SourcesHealth(
        badge=BadgeView(
            label=f"{len(failures)} failed",
            tone="warning",
            icon="alert",
            explanation="What a failed source said last is still shown, with its age.",
        ),
        text=f"{count} failed: {named}{more}.",
        failures=failures,
        newest_at=newest,
    )


def _short(error: str) -> str:
    first = error.split("\n")[0].rstrip(". ")
    return first if len(first) <= 80 else f"{first[:77]}…"


def _count_text(matching_count: int, known: int) -> str:
    offers = "offer" if known == 1 else "offers"
    return f"{known:,} {offers}" if matching_count == known else f"{matching_count:,} of {known:,} {offers}"
