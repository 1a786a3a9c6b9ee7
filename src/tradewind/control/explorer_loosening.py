"""Where nothing fits: which filter to give up, and how many offers that gives."""

from __future__ import annotations

import re
from typing import Any, Final

from tradewind.catalog.explaining import Loosening, why_nothing
from tradewind.catalog.query import OfferFilter, matching
from tradewind.control.explorer_summary import search_query
from tradewind.control.goods import Goods
from tradewind.domain.money import MICRO, format_money
from tradewind.domain.schemas_explorer import ExplorerSearch, LooseningView

_WITH_COUNT: Final = re.compile(r":\d+(?:\.\d+)?$")
#: Per constraint what it is called, and which parts of the query to leave out.
_PARTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "source": ("the source", ("source",)),
    "accelerator": ("the GPU", ("gpu",)),
    "count": ("the number of GPUs", ("count", "min_count")),
    "count_max": ("the number of GPUs", ("count", "max_count")),
    "memory": ("the memory of", ("min_memory",)),
    "total_memory": ("the memory of", ("min_total_memory",)),
    "cpus": ("the", ("min_cpus",)),
    "host_memory": ("the", ("min_host_memory",)),
    "provider": ("the provider", ("provider",)),
    "region": ("the region", ("region",)),
    "market": ("the terms", ("market",)),
    "availability": ("", ("availability",)),
    "launchable": ("the condition", ("launchable",)),
    "max_price": ("max price", ("max_price",)),
    "max_accelerator_price": ("max price", ("max_gpu_price",)),
}


def why_none(goods: Goods, wanted: OfferFilter) -> str:
    """Which filter leaves nothing, and the nearest that would do."""
    return why_nothing(goods.table, wanted).sentence()


def loosenings_of(goods: Goods, wanted: OfferFilter, search: ExplorerSearch) -> list[LooseningView]:
    """What giving up one filter alone would give; all of them where no single one would do."""
    why = why_nothing(goods.table, wanted)
    views, seen = [], set()
    for each in why.loosenings:
        query = search_query(search.model_copy(update=_changes(search, each)))
        if query not in seen:
            seen.add(query)
            views.append(
                LooseningView(
                    constraint=each.constraint, text=_text(search, each), count=each.count, query=query
                )
            )
    count = int(matching(goods.table, OfferFilter()).sum())
    if not views and count:
        kept = {"hours", "on", "local_cost", "local_gpu", "sort", "descending"}
        bare = ExplorerSearch(**search.model_dump(include=kept))
        views.append(
            LooseningView(
                constraint="all",
                text=f"Without any filter: {_offers(count)}",
                count=count,
                query=search_query(bare),
            )
        )
    return views


def _changes(search: ExplorerSearch, loosening: Loosening) -> dict[str, Any]:
    if loosening.constraint == "price_known":
        return {"unpriced": True}
    _, names = _PARTS[loosening.constraint]
    usual = ExplorerSearch()
    changes: dict[str, Any] = {name: getattr(usual, name) for name in names}
    if loosening.constraint in ("count", "count_max"):
        # `H100:8` says how many as well.
        changes["gpu"] = [_WITH_COUNT.sub("", name) for name in search.gpu]
    if loosening.constraint == "accelerator":
        counts = {found.group()[1:] for name in search.gpu if (found := _WITH_COUNT.search(name))}
        if counts and search.count is None:
            changes["count"] = float(counts.pop())
    return changes


def _text(search: ExplorerSearch, loosening: Loosening) -> str:
    count = _offers(loosening.count)
    match loosening.constraint:
        case "price_known":
            return f"With offers whose price is not known: {count}"
        case "max_price" if search.max_price is not None:
            what = f"max price {format_money(int(search.max_price * MICRO))}/h"
        case "max_accelerator_price" if search.max_gpu_price is not None:
            what = f"max price {format_money(int(search.max_gpu_price * MICRO))} per GPU-hour"
        case "launchable" | "availability" | "provider" | "region" | "market" | "source":
            what = f"“{loosening.title}”"
        case _:
            what = f"{_PARTS[loosening.constraint][0]} {loosening.title}"
    return f"Without {what}: {count} ({loosening.value})"


def _offers(count: int) -> str:
    return "1 offer" if count == 1 else f"{count:,} offers"
