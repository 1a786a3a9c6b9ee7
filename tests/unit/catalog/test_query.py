"""Filters find the same as a plain look at each offer would, and say why they find nothing."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tests.unit.offers_for_tests import an_offer
from tradewind.catalog.explaining import why_nothing
from tradewind.catalog.query import SORTS, OfferFilter, matching, select
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.hardware.names import fulfils

_ORDER = [
    Availability.HIGH,
    Availability.MEDIUM,
    Availability.UNKNOWN,
    Availability.LOW,
    Availability.UNAVAILABLE,
]
_models = st.sampled_from(
    [("A100-80GB-SXM", 80.0), ("H100-PCIe", 80.0), ("A10", 24.0), ("L4", 24.0), (None, None), ("Odd 1", None)]
)


@st.composite
def _offers(draw: st.DrawFn) -> Offer:
    name, memory = draw(_models)
    return an_offer(
        draw(st.none() | st.integers(1, 40).map(lambda number: number / 8)),
        provider=draw(st.sampled_from(("one", "two", "three"))),
        region=draw(st.sampled_from(("us-east", "US-west", "eu-nl"))),
        accelerator=name,
        accelerator_memory_gb=memory,
        count=draw(st.sampled_from((0, 1, 2, 8))) if name else 0,
        cpus=float(draw(st.sampled_from((0, 4, 64)))),
        memory_bytes=draw(st.sampled_from((0, 16, 512))) << 30,
        market=draw(st.sampled_from(("spot", "on_demand", "reserved"))),
        availability=draw(st.sampled_from(Availability)),
        is_available=draw(st.booleans()),
        source=draw(st.sampled_from(("list", "file"))),
        flags=draw(st.sampled_from(((), ("placeholder",), ("community",)))),
    )


_filters = st.builds(
    OfferFilter,
    accelerators=st.lists(st.sampled_from(("A100", "A100-80GB", "H100", "A10", "odd1")), max_size=2).map(
        tuple
    ),
    count_min=st.none() | st.sampled_from((1.0, 2.0)),
    count_max=st.none() | st.sampled_from((1.0, 4.0)),
    accelerator_memory_gb_min=st.none() | st.sampled_from((24.0, 80.0)),
    total_memory_gb_min=st.none() | st.sampled_from((48.0, 160.0)),
    cpus_min=st.none() | st.just(8.0),
    memory_gib_min=st.none() | st.just(64.0),
    providers=st.lists(st.sampled_from(("one", "two", "none")), max_size=2).map(tuple),
    regions=st.lists(st.sampled_from(("us-*", "eu-nl", "*-EAST")), max_size=2).map(tuple),
    markets=st.lists(st.sampled_from(Market), max_size=2).map(tuple),
    price_micro_max=st.none() | st.integers(100_000, 6_000_000),
    price_per_accelerator_micro_max=st.none() | st.integers(100_000, 6_000_000),
    availability_min=st.none() | st.sampled_from(Availability),
    source=st.none() | st.sampled_from(("list", "file")),
    include_placeholder=st.booleans(),
)


def _price(offer: Offer) -> float | None:
    return None if {"no_price", "placeholder"} & set(offer.flags) else offer.rate.micro_per_unit


def _fits(offer: Offer, wanted: OfferFilter) -> bool:
    """The same question, asked of one offer in plain words."""
    price, count = _price(offer), offer.accelerator_count
    memory = offer.accelerator_memory_gb or 0.0
    level = offer.availability if offer.is_available else Availability.UNAVAILABLE
    minima: list[tuple[float | None, float]] = [
        (wanted.count_min, count),
        (wanted.accelerator_memory_gb_min, memory * min(count, 1.0)),
        (wanted.total_memory_gb_min, memory * count),
        (wanted.cpus_min, offer.cpus or float("inf")),
        (wanted.memory_gib_min, offer.memory_bytes / (1 << 30) or float("inf")),
    ]
    each = price / count if price is not None and count else None
    return (
        all(least is None or have >= least for least, have in minima)
        and (
            not wanted.accelerators
            or any(
                offer.accelerator and fulfils(name, offer.accelerator, offer.accelerator_memory_gb)
                for name in wanted.accelerators
            )
        )
        and (wanted.count_max is None or count <= wanted.count_max)
        and (not wanted.providers or offer.provider in wanted.providers)
        and (not wanted.regions or any(fnmatch(offer.region.lower(), p.lower()) for p in wanted.regions))
        and (not wanted.markets or offer.market in wanted.markets)
        and (wanted.price_micro_max is None or price is None or price <= wanted.price_micro_max)
        and (
            wanted.price_per_accelerator_micro_max is None
            or price is None
            or (each is not None and each <= wanted.price_per_accelerator_micro_max)
        )
        and (wanted.availability_min is None or _ORDER.index(level) <= _ORDER.index(wanted.availability_min))
        and (wanted.source is None or offer.source == wanted.source)
        and (wanted.include_placeholder or price is not None)
    )


@given(st.lists(_offers(), max_size=30), _filters)
def test_columns_find_what_a_look_at_each_offer_finds(offers: list[Offer], wanted: OfferFilter) -> None:
    table = OfferTable.of(offers)
    assert matching(table, wanted).tolist() == [_fits(offer, wanted) for offer in offers]


@given(st.lists(_offers(), max_size=30), st.sampled_from(SORTS), st.integers(1, 40))
def test_a_page_is_the_beginning_of_the_whole_and_unpriced_offers_are_last(
    offers: list[Offer], sort: Any, limit: int
) -> None:
    table = OfferTable.of(offers)
    everything = OfferFilter(include_placeholder=True)
    rows = select(table, everything, sort).tolist()
    assert sorted(rows) == list(range(len(offers)))
    assert select(table, everything, sort, limit).tolist() == rows[:limit]
    known = [_price(offers[row]) is not None for row in rows]
    if sort != "price_per_accelerator":
        assert known == sorted(known, reverse=True)
    if sort == "price":
        prices = [price for row in rows if (price := _price(offers[row])) is not None]
        assert prices == sorted(prices)


@given(st.lists(_offers(), max_size=30), _filters)
def test_why_nothing_counts_as_the_filter_does(offers: list[Offer], wanted: OfferFilter) -> None:
    table = OfferTable.of(offers)
    why = why_nothing(table, wanted)
    fitting = sum(_fits(offer, wanted) for offer in offers)
    assert why.total == len(offers)
    assert [step.left for step in why.steps][-1:] in ([fitting], [])
    assert why.sentence()
    for loosening in why.loosenings:
        assert 0 < loosening.count <= len(offers) - fitting


def test_an_empty_answer_names_the_price_that_would_do() -> None:
    offers = [an_offer(2.49), an_offer(2.99, region="eu"), an_offer(4.0, region="ap")]
    offers += [an_offer(0.5, accelerator="A10", accelerator_memory_gb=24.0)] * 9
    table = OfferTable.of(offers)
    wanted = OfferFilter(accelerator_memory_gb_min=80, price_micro_max=2_000_000)
    assert len(select(table, wanted)) == 0
    assert why_nothing(table, wanted).sentence() == (
        "3 of 12 offers: 80 GB; none of them at most $2/h; $2.49/h would do"
    )


def test_a_part_of_an_accelerator_has_a_part_of_its_memory() -> None:
    table = OfferTable.of([an_offer(0.1, count=0.05), an_offer(2.0)])
    assert select(table, OfferFilter(accelerator_memory_gb_min=80)).tolist() == [1]
    assert select(table, OfferFilter(accelerator_memory_gb_min=4)).tolist() == [0, 1]


@pytest.mark.parametrize("price", [None, 700.0])
def test_an_offer_without_a_real_price_is_never_the_cheapest(price: float | None) -> None:
    odd = an_offer(price, flags=() if price is None else ("placeholder",), region="odd")
    table = OfferTable.of([odd, an_offer(900.0)])
    assert select(table, OfferFilter()).tolist() == [1]
    for sort in SORTS:
        assert select(table, OfferFilter(include_placeholder=True), sort).tolist() == [1, 0]


def test_a_table_without_offers_is_explained_too() -> None:
    assert why_nothing(OfferTable.of([]), OfferFilter()).sentence() == "no offers are known yet"
