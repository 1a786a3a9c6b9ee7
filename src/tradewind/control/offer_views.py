"""Offers as they are shown: filtered, ordered, and with a reason where there are none.

Loaded when somebody first asks, because it brings numpy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.catalog.explaining import why_nothing
from tradewind.catalog.identity import has_real_price, levels_of
from tradewind.catalog.query import OfferFilter, matching, ordered, payable, per_accelerator
from tradewind.control.offer_names import resolve_providers
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offer_table import AVAILABILITIES, MARKETS, OfferTable
from tradewind.domain.offers import Market
from tradewind.domain.schemas_offers import (
    ExclusionCount,
    GpuView,
    OfferPage,
    OfferQuery,
    OfferSearch,
    OfferView,
    SourceFailure,
)
from tradewind.hardware.accelerators import all_models
from tradewind.hardware.names import short_name
from tradewind.hardware.spelling import aliases_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = 1_000_000
_WITH_COUNT: Final = re.compile(r"(?P<name>.+):(?P<count>\d+(?:\.\d+)?)")
_UNPRICED: Final = np.iinfo(np.int64).max


def filter_of(query: OfferSearch, runnable: frozenset[str] | None = None) -> OfferFilter:
    """The filter that a query stands for; `runnable`: only at these providers.

    Raises:
        InvalidInputError: counts contradict each other.
    """
    names, counts = [], set()
    for name in query.gpu:
        found = _WITH_COUNT.fullmatch(name)
        names.append(found["name"] if found else name)
        if found:
            counts.add(float(found["count"]))
    if len(counts) > 1:
        raise InvalidInputError(
            "gpu: the names ask for different numbers of accelerators", hint="ask for one number at a time"
        )
    exact = query.count if query.count is not None else next(iter(counts), None)
    low, high = (exact, exact) if exact is not None else (query.min_count, query.max_count)
    if low is not None and high is not None and low > high:
        raise InvalidInputError("min_count is larger than max_count, so no offer can match")
    return OfferFilter(
        accelerators=tuple(names),
        count_min=low,
        count_max=high,
        accelerator_memory_gb_min=query.min_memory,
        total_memory_gb_min=query.min_total_memory,
        cpus_min=query.min_cpus,
        memory_gib_min=query.min_host_memory,
        providers=tuple(resolve_providers(query.provider)),
        regions=tuple(query.region),
        markets=tuple(query.market),
        price_micro_max=None if query.max_price is None else int(query.max_price * _MICRO),
        price_per_accelerator_micro_max=None
        if query.max_gpu_price is None
        else int(query.max_gpu_price * _MICRO),
        availability_min=query.availability,
        runnable=runnable,
        include_placeholder=query.unpriced,
    )


def offer_page(table: OfferTable, query: OfferQuery, failures: Sequence[SourceFailure]) -> OfferPage:
    """The offers that a query asks for, and how many there are."""
    wanted = filter_of(query)
    start = int(query.cursor or 0)
    fitting = np.flatnonzero(matching(table, wanted))
    rows = ordered(table, fitting, query.sort, start + query.limit)[start:]
    is_more = start + len(rows) < len(fitting)
    why = why_nothing(table, wanted) if start == 0 else None
    return OfferPage(
        items=offer_views(table, rows),
        matching=len(fitting),
        known=len(table),
        next_cursor=str(start + len(rows)) if is_more and len(rows) else None,
        failures=list(failures),
        constraints=[
            ExclusionCount(constraint=step.constraint, title=step.title, left=step.left)
            for step in (why.steps if why else ())
        ],
        why_nothing=why.sentence() if why and not len(fitting) else None,
    )


def offer_views(table: OfferTable, rows: npt.NDArray[np.intp]) -> list[OfferView]:
    """These rows as they are shown, column by column: a page may have ten thousand."""
    part = table.take(rows)
    words = {name: [part.words[name][code] for code in part.codes[name].tolist()] for name in part.codes}
    number = {name: column.tolist() for name, column in part.numbers.items()}
    prices, each = payable(table)[rows].tolist(), per_accelerator(table)[rows].tolist()
    levels = levels_of(part).tolist()
    titles = {name: short_name(name) for name in set(words["accelerator"]) if name}
    return [
        OfferView.model_construct(
            provider=words["provider"][row],
            region=words["region"][row],
            zone=words["zone"][row] or None,
            instance_type=words["instance_type"][row],
            accelerator=words["accelerator"][row] or None,
            accelerator_title=titles.get(words["accelerator"][row]),
            accelerator_count=number["accelerator_count"][row],
            accelerator_memory_gb=_known(number["accelerator_memory_gb"][row]),
            cpus=_positive(number["cpus"][row]),
            memory_gib=_positive(number["memory_gib"][row]),
            disk_gib=_positive(number["disk_gib"][row]),
            market=MARKETS[number["market"][row]].value,
            price_micro=None if prices[row] == _UNPRICED else prices[row],
            price_per_accelerator_micro=None if each[row] == np.inf else round(each[row]),
            availability=AVAILABILITIES[levels[row]],
            source=words["source"][row],
            seen_at=_time(number["seen_at"][row]),
            reliability=_known(number["reliability"][row]),
            network_gbit_per_s=_known(number["network_gbit_per_s"][row]),
            flags=words["flags"][row].split(",") if words["flags"][row] else [],
        )
        for row in range(len(part))
    ]


def gpu_views(table: OfferTable, *, only_offered: bool) -> list[GpuView]:
    """Every model, known or offered, with who has it and its cheapest offer now; the cheapest first."""
    codes = {word: code for code, word in enumerate(table.words["accelerator"])}
    models = all_models()
    is_real = has_real_price(table) & np.asarray(table.numbers["is_available"], dtype=np.bool_)
    found = []
    by_code = np.argsort(table.codes["accelerator"], kind="stable")
    edges = np.searchsorted(table.codes["accelerator"][by_code], np.arange(len(codes) + 1))
    for key in dict.fromkeys((*models, *(word for word in codes if word))):
        code = codes.get(key)
        rows = by_code[:0] if code is None else by_code[edges[code] : edges[code + 1]]
        if len(rows) or not only_offered:
            found.append(_gpu_view(table, key, rows, rows[is_real[rows]]))
    found.sort(key=lambda each: (each.cheapest is None, _price_of(each), each.title))
    return found


def _gpu_view(table: OfferTable, key: str, rows: npt.NDArray[np.intp], real: npt.NDArray[np.intp]) -> GpuView:
    model = all_models().get(key)
    best = ordered(table, real, "price_per_accelerator", 1)
    memory = np.asarray(table.numbers["accelerator_memory_gb"], dtype=np.float64)[rows]
    told = memory[np.isfinite(memory)]
    return GpuView(
        key=key,
        title=short_name(key),
        vendor=model.vendor if model else None,
        memory_gb=model.memory_gb if model else (float(told.max()) if len(told) else None),
        architecture=model.architecture if model else None,
        year=model.year if model else None,
        aliases=list(aliases_of(key)),
        providers=sorted(
            {table.words["provider"][code] for code in set(table.codes["provider"][rows].tolist())}
        ),
        offers=len(rows),
        on_demand_micro=_least(table, real, Market.ON_DEMAND),
        spot_micro=_least(table, real, Market.SPOT),
        cheapest=offer_views(table, best)[0] if len(best) else None,
    )


def _least(table: OfferTable, rows: npt.NDArray[np.intp], market: Market) -> int | None:
    prices = per_accelerator(table)[rows[table.numbers["market"][rows] == MARKETS.index(market)]]
    least = float(prices.min(initial=np.inf))
    return None if least == np.inf else round(least)


def _price_of(view: GpuView) -> int:
    price = view.cheapest.price_per_accelerator_micro if view.cheapest else None
    return _UNPRICED if price is None else price


def _known(value: float) -> float | None:
    return None if value != value else value


def _positive(value: float) -> float | None:
    return value if value > 0 else None


def _time(microseconds: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=microseconds) if microseconds else None
