"""Saved views of the offers page: searches that a user keeps under a name, among the preferences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tradewind.control.explorer_summary import search_query, search_text
from tradewind.control.preferences import locked_preferences, read_preferences, write_preferences
from tradewind.db.owners import Caller
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.schemas_alerts import AlertFilters, SavedView
from tradewind.domain.schemas_explorer import ExplorerSearch, SavedSearchView

if TYPE_CHECKING:
    from tradewind.control.goods import Goods

MOST_VIEWS = 64


def saved_views(tx: Transaction, caller: Caller) -> list[SavedView]:
    """The caller's saved views by name."""
    return sorted(read_preferences(tx, caller).values.saved_views or [], key=lambda each: each.name.lower())


def save_view(tx: Transaction, caller: Caller, name: str, search: ExplorerSearch) -> None:
    """Keeps a search under a name; what had the name before is replaced.

    Raises:
        InvalidInputError: there are as many as one may have.
    """
    values = locked_preferences(tx, caller)
    others = [each for each in values.saved_views or [] if each.name != name]
    if len(others) >= MOST_VIEWS:
        raise InvalidInputError(
            f"you have {MOST_VIEWS} saved views, which is as many as one may have", hint="remove one first"
        )
    view = SavedView(name=name, search=search)
    write_preferences(tx, caller, values.model_copy(update={"saved_views": [*others, view]}))


def remove_view(tx: Transaction, caller: Caller, name: str) -> None:
    """Forgets a saved view. Raises NotFoundError where there is none of that name."""
    values = locked_preferences(tx, caller)
    kept = [each for each in values.saved_views or [] if each.name != name]
    if len(kept) == len(values.saved_views or []):
        raise NotFoundError(f"you have no saved view called {name!r}")
    write_preferences(tx, caller, values.model_copy(update={"saved_views": kept or None}))


def search_of(view: SavedView) -> ExplorerSearch:
    """The search that a saved view stands for, also one that was saved as filters of an alert."""
    if view.search is not None:
        return view.search
    return search_of_filters(view.filters)


def search_of_filters(filters: AlertFilters) -> ExplorerSearch:
    """The search that finds the offers which an alert looks at."""
    return ExplorerSearch(
        gpu=filters.accelerators,
        min_count=filters.min_count,
        max_count=filters.max_count,
        min_memory=filters.min_memory_gb,
        provider=filters.providers,
        region=filters.regions,
        market=filters.markets,
    )


def saved_view_views(goods: Goods, views: Sequence[SavedView], now: datetime) -> list[SavedSearchView]:
    """Saved views with what each gives now."""
    return [_view(goods, each, now) for each in views]


def _view(goods: Goods, saved: SavedView, now: datetime) -> SavedSearchView:
    from tradewind.control.explorer import found
    from tradewind.control.explorer_rows import Rowing

    search = search_of(saved)
    try:
        _, figures, rows = found(goods, search)
    except InvalidInputError:
        # A name in it means nothing any more.
        return SavedSearchView(
            name=saved.name,
            query=search_query(search),
            summary=search_text(search),
            matching=0,
            cheapest=None,
        )
    best = Rowing(goods, figures, search, now).rows(rows[:1])
    return SavedSearchView(
        name=saved.name,
        query=search_query(search),
        summary=search_text(search),
        matching=len(rows),
        cheapest=best[0] if best else None,
    )
