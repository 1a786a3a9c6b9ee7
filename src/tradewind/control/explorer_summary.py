"""A search in words, and as the query that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from tradewind.control.explorer_words import MARKET_TITLES, hours_asked, provider_title
from tradewind.control.offer_names import resolve_providers
from tradewind.domain.money import MICRO, format_money
from tradewind.domain.schemas_explorer import ExplorerSearch, FilterChip
from tradewind.hardware.accelerators import all_models
from tradewind.hardware.names import short_name

_AMOUNTS: Final = (
    ("count", "{:g} GPUs per machine"),
    ("min_count", "at least {:g} GPUs"),
    ("max_count", "at most {:g} GPUs"),
    ("min_memory", "at least {:g} GB per GPU"),
    ("min_total_memory", "at least {:g} GB in all"),
    ("min_cpus", "at least {:g} vCPU"),
    ("min_host_memory", "at least {:g} GiB memory"),
)


def search_query(search: ExplorerSearch) -> str:
    """What to put behind the question mark to ask this; what is usual is left out."""
    values = search.model_dump(mode="json", exclude_defaults=True, include=set(ExplorerSearch.model_fields))
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        pairs += [(name, _text(each)) for each in (value if isinstance(value, list) else [value])]
    return urlencode(pairs)


def search_text(search: ExplorerSearch) -> str:
    """`H100, at least 80 GB per GPU, AWS, spot; for 10 h`; `All offers` without a filter."""
    text = ", ".join(part for _, part in _parts(search)) or "All offers"
    on = f" on {search.on}" if search.on else ""
    return f"{text}; for {hours_asked(search.hours)}{on}"


def chips_of(search: ExplorerSearch) -> list[FilterChip]:
    """Every filter that is set, in words, with the query that is left without it."""
    usual = ExplorerSearch()
    return [
        FilterChip(
            param=name,
            text=text[0].upper() + text[1:],
            query=search_query(search.model_copy(update={name: getattr(usual, name)})),
        )
        for name, text in _parts(search)
    ]


def _parts(search: ExplorerSearch) -> Iterator[tuple[str, str]]:
    """Per filter that is set its name and its words."""
    if search.gpu:
        yield "gpu", " or ".join(map(_gpu_title, search.gpu))
    for name, form in _AMOUNTS:
        value = getattr(search, name)
        if value is not None:
            yield name, form.format(value)
    if search.provider:
        yield "provider", " or ".join(map(provider_title, resolve_providers(search.provider)))
    if search.region:
        yield "region", f"in {' or '.join(search.region)}"
    if search.market:
        yield "market", " or ".join(MARKET_TITLES[each].lower() for each in search.market)
    if search.max_price is not None:
        yield "max_price", f"at most {format_money(int(search.max_price * MICRO))}/h"
    if search.max_gpu_price is not None:
        yield "max_gpu_price", f"at most {format_money(int(search.max_gpu_price * MICRO))} per GPU-hour"
    if search.availability is not None:
        yield "availability", f"availability {search.availability.value} or better"
    if search.launchable:
        yield "launchable", "where jobs can run now"
    if search.source:
        yield "source", f"from {search.source}"
    if search.unpriced:
        yield "unpriced", "without a price too"


def _gpu_title(name: str) -> str:
    """Our own keys as people read them; what a user wrote stays as it is."""
    return short_name(name) if name in all_models() else name


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)
