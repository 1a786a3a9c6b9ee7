"""The filters of the offers page with how many offers each value would give."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tradewind.catalog.facets import (
    ValueCount,
    count_availability,
    count_launchable,
    count_markets,
    count_memory,
    count_numbers_of_accelerators,
    count_words,
)
from tradewind.catalog.query import OfferFilter
from tradewind.control.explorer_words import MARKET_TITLES, availability_title, money, provider_title
from tradewind.control.goods import Goods
from tradewind.domain.offers import Availability
from tradewind.domain.schemas_explorer import ExplorerSearch, Facet, FacetValue
from tradewind.hardware.names import fulfils, short_name

_MOST_VALUES: Final = 80


def facets_of(goods: Goods, wanted: OfferFilter, search: ExplorerSearch) -> list[Facet]:
    """Accelerators, how many of them, their memory, providers, regions, terms, availability, and where jobs can run."""
    table = goods.table
    regions = {each.lower() for each in wanted.regions}
    least = None if search.min_memory is None else f"{search.min_memory:g}"
    counts = (
        {f"{wanted.count_min:.9g}"}
        if wanted.count_min is not None and wanted.count_min == wanted.count_max
        else set()
    )
    return [
        _facet(
            ("gpu", "GPU", "gpu"),
            count_words(table, wanted, "accelerator", "accelerator"),
            short_name,
            lambda value: any(fulfils(name, value) for name in wanted.accelerators),
        ),
        _facet(
            ("count", "GPUs per machine", "count"),
            count_numbers_of_accelerators(table, wanted),
            _count_title,
            lambda value: value in counts,
            is_many=False,
        ),
        _facet(
            ("memory", "Memory per GPU", "min_memory"),
            count_memory(table, wanted),
            lambda value: f"{value} GB or more",
            lambda value: value == least,
            is_many=False,
        ),
        _facet(
            ("provider", "Provider", "provider"),
            count_words(table, wanted, "provider", "provider"),
            provider_title,
            lambda value: value in wanted.providers,
        ),
        _facet(
            ("region", "Region", "region"),
            count_words(table, wanted, "region", "region"),
            lambda value: value,
            lambda value: value.lower() in regions,
        ),
        _facet(
            ("market", "Terms", "market"),
            count_markets(table, wanted),
            lambda value: MARKET_TITLES[value],
            lambda value: value in [each.value for each in wanted.markets],
        ),
        _facet(
            ("availability", "Availability", "availability"),
            count_availability(table, wanted),
            lambda value: (
                f"{availability_title(Availability(value))} or better"
                if value != Availability.HIGH
                else availability_title(Availability.HIGH)
            ),
            lambda value: search.availability is not None and value == search.availability.value,
            is_many=False,
        ),
        Facet(
            name="launchable",
            title="Where jobs can run now",
            param="launchable",
            choice="one",
            values=[
                FacetValue(
                    value="true",
                    label="Only where jobs can run now",
                    count=count_launchable(table, wanted, goods.runnable),
                    is_chosen=search.launchable,
                )
            ],
        ),
    ]


def _count_title(value: str) -> str:
    """`8`, and `1/6` for a part."""
    number = float(value)
    parts = round(1 / number)
    return f"1/{parts}" if number < 1 and abs(number * parts - 1) < 0.01 else value


def _facet(
    names: tuple[str, str, str],
    counts: list[ValueCount],
    label: Callable[[str], str],
    is_chosen: Callable[[str], bool],
    *,
    is_many: bool = True,
) -> Facet:
    views = [
        FacetValue(
            value=each.value,
            label=label(each.value),
            count=each.count,
            is_chosen=is_chosen(each.value),
            from_price=None if each.least_micro is None else money(each.least_micro),
        )
        for each in counts
    ]
    kept = views if len(views) <= _MOST_VALUES else _most(views)
    return Facet(
        name=names[0],
        title=names[1],
        param=names[2],
        choice="many" if is_many else "one",
        values=kept,
        left_out=len(views) - len(kept),
    )


def _most(views: Iterable[FacetValue]) -> list[FacetValue]:
    """The values with the most offers, and those that are chosen however few they have."""
    return [each for at, each in enumerate(views) if at < _MOST_VALUES or each.is_chosen]
