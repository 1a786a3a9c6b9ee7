"""Of each offer the best source's word, and nothing lost on the way."""

from __future__ import annotations

from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import example, given

from tests.unit.offers_for_tests import SEEN, an_offer
from tradewind.catalog.merging import Part, merge
from tradewind.catalog.ranks import rank_of
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Offer

OWN = rank_of("mine", {"format": "price-file"})
PROVIDER = rank_of("lambda-types", {})
SHIPPED = rank_of("shipped", {})


def _part(name: str, rank: int, *offers: Offer, hours: float = 0.0) -> Part:
    return Part(
        name=name,
        rank=rank,
        fetched_at=SEEN + timedelta(hours=hours),
        table=OfferTable.of(offers),
    )


def _prices(*parts: Part) -> list[float]:
    table = merge(parts)
    return sorted(each.rate.micro_per_unit / 1_000_000 for each in table.offers(range(len(table))))


def _undated(price: float, **values: object) -> Offer:
    return an_offer(price, **{"seen_at": None, **values})


def test_the_freshest_wins() -> None:
    old, new = _part("a", PROVIDER, _undated(3.0)), _part("shipped", SHIPPED, _undated(2.0), hours=1)
    assert _prices(old, new) == _prices(new, old) == [2.0]


def test_of_equally_fresh_ones_the_rank_decides() -> None:
    provider, shipped = _part("a", PROVIDER, _undated(3.0)), _part("shipped", SHIPPED, _undated(2.0))
    assert _prices(provider, shipped) == _prices(shipped, provider) == [3.0]


def test_what_a_user_has_negotiated_does_not_age() -> None:
    own, provider = _part("mine", OWN, _undated(1.5)), _part("a", PROVIDER, _undated(3.0), hours=999)
    assert _prices(own, provider) == [1.5]


def test_a_market_or_place_of_its_own_is_another_offer() -> None:
    first = _part("a", PROVIDER, _undated(3.0))
    other = _part("b", PROVIDER, _undated(1.0, market="spot"), _undated(2.0, region="eu"))
    assert _prices(first, other) == [1.0, 2.0, 3.0]


def test_a_region_stands_for_its_zones_and_zones_for_their_region() -> None:
    whole = _undated(3.0)
    zones = [_undated(2.0, zone="us-east-1a"), _undated(2.1, zone="us-east-1b")]
    assert _prices(_part("a", PROVIDER, whole, hours=1), _part("b", SHIPPED, *zones)) == [3.0]
    assert _prices(_part("a", SHIPPED, whole), _part("b", PROVIDER, *zones, hours=1)) == [2.0, 2.1]
    assert _prices(_part("a", PROVIDER, whole, *zones), _part("b", SHIPPED)) == [2.0, 2.1, 3.0]


def test_several_machines_of_one_source_on_the_same_terms_are_kept() -> None:
    market = _part("a", PROVIDER, _undated(1.0), _undated(1.2), hours=1)
    assert _prices(market, _part("b", SHIPPED, _undated(0.5))) == [1.0, 1.2]


def test_the_last_resort_is_kept_only_where_nothing_else_is_known() -> None:
    reference = _part(
        "reference-2024",
        rank_of("reference-2024", {}),
        an_offer(1.0, source="reference-2024", region="", instance_type="ref"),
        an_offer(2.0, source="reference-2024", region="", instance_type="ref", accelerator="A10"),
    )
    assert _prices(reference) == [1.0, 2.0]
    assert _prices(reference, _part("a", PROVIDER, _undated(9.0))) == [2.0, 9.0]
    assert _prices(reference, _part("a", PROVIDER, an_offer(None, seen_at=None))) == [0.0, 1.0, 2.0]


def test_what_ships_gives_way_in_every_region_to_a_fresher_list() -> None:
    old = [
        an_offer(1.0, source="shipped", region="eu"),
        an_offer(0.3, source="shipped", region="eu", market="spot"),
        an_offer(0.5, source="shipped", region="eu", accelerator="A10"),
        an_offer(0.6, source="shipped", region="eu", provider="runpod"),
    ]
    shipped = _part("shipped", SHIPPED, *old, hours=500)
    for name, rank in (("lambda-types", PROVIDER), ("gpuhunt", rank_of("gpuhunt", {}))):
        fresh = _part(name, rank, _undated(3.0, source=name), hours=1)
        # What it says of one accelerator, at one provider, on one kind of terms says nothing of others.
        assert _prices(fresh, shipped) == _prices(shipped, fresh) == [0.3, 0.5, 0.6, 3.0]


def test_what_ships_stays_beside_older_lists_and_prices_nobody_knows() -> None:
    shipped = _part("shipped", SHIPPED, an_offer(1.0, source="shipped", region="eu"))
    older = _part("old", PROVIDER, an_offer(3.0, source="old", seen_at=SEEN - timedelta(days=1)))
    assert _prices(older, shipped) == [1.0, 3.0]
    assert _prices(_part("a", PROVIDER, an_offer(None, source="a", seen_at=None), hours=9), shipped) == [
        0.0,
        1.0,
    ]


def test_what_ships_gives_way_to_what_is_sold_now() -> None:
    """An old table must not win with machines that are no longer had, in places where they are no longer had."""

    def shipped(price: float, **values: object) -> Offer:
        return an_offer(price, source="shipped", **values)

    old = _part(
        "shipped",
        SHIPPED,
        shipped(1.0, region="us-west-1"),
        shipped(1.1, region="", instance_type="8x-A100-old-name"),
        shipped(0.5, market="spot"),
        shipped(0.7, accelerator="A10"),
        shipped(0.8, provider="runpod"),
        hours=2,
    )
    now = _part("lambda-types", PROVIDER, _undated(2.0), hours=1)
    assert _prices(old, now) == [0.5, 0.7, 0.8, 2.0]
    assert _prices(old, _part("lambda-types", PROVIDER, an_offer(None, seen_at=None), hours=1)) == [
        0.0, 0.5, 0.7, 0.8, 1.0, 1.1,
    ]  # fmt: skip
    older_answer = _part("lambda-types", PROVIDER, _undated(2.0), hours=-1)
    assert _prices(old, older_answer) == [0.5, 0.7, 0.8, 1.0, 1.1, 2.0]
    negotiated = _part("mine", OWN, _undated(1.9), hours=1)
    assert _prices(old, negotiated) == [0.5, 0.7, 0.8, 1.0, 1.1, 1.9]


_small = st.builds(
    lambda price, region, zone, day: an_offer(
        price, region=region, zone=zone, seen_at=None if day is None else SEEN + timedelta(days=day)
    ),
    st.integers(1, 5).map(float),
    st.sampled_from(("r1", "r2")),
    st.sampled_from((None, "z1", "z2")),
    st.none() | st.integers(0, 3),
)
_parts = st.lists(
    st.builds(
        lambda rank, hours, offers: _part(f"s{rank}", rank, *offers, hours=hours),
        st.integers(0, 4),
        st.integers(0, 90),
        st.lists(_small, max_size=6),
    ),
    max_size=4,
)


@example(
    [
        _part("a", PROVIDER, _undated(1.0), _undated(1.0, zone="z2", seen_at=SEEN + timedelta(days=1))),
        _part("b", PROVIDER, _undated(1.0, zone="z1"), an_offer(1.0, seen_at=SEEN + timedelta(days=1))),
    ]
)
@given(_parts)
def test_every_place_that_any_source_knows_is_still_there_and_no_row_is_invented(parts: list[Part]) -> None:
    merged = merge(parts)
    offers = merged.offers(range(len(merged)))
    said = [offer for part in parts for offer in part.dated().offers(range(len(part.table)))]
    assert all(offers.count(offer) <= said.count(offer) for offer in offers)
    assert {offer.region for offer in offers} == {offer.region for offer in said}
    for offer in said:
        assert any(
            kept.region == offer.region and (offer.zone is None or kept.zone in {offer.zone, None})
            for kept in offers
        )


@given(st.lists(_small, max_size=8))
def test_one_source_alone_is_served_as_it_is(offers: list[Offer]) -> None:
    part = _part("a", PROVIDER, *offers)
    assert merge([part]) == part.dated()
