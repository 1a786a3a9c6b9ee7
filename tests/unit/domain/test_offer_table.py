"""What goes into a table comes out of it, through bytes too, and nothing damaged is read."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from tests.unit.offers_for_tests import an_offer, offer_lists
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offer_table import NO_PRICE, OfferTable
from tradewind.domain.offers import Offer


@given(offer_lists)
def test_offers_come_out_as_they_went_in(offers: list[Offer]) -> None:
    table = OfferTable.of(offers)
    assert table.offers(range(len(offers))) == offers


@given(offer_lists)
def test_bytes_hold_the_whole_table(offers: list[Offer]) -> None:
    table = OfferTable.of(offers)
    again = OfferTable.from_bytes(table.to_bytes())
    assert again == table
    assert again.offers(range(len(offers))) == offers


@given(offer_lists, st.data())
def test_taken_rows_are_those_asked_for_and_their_bytes_hold_no_other_words(
    offers: list[Offer], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.integers(0, max(len(offers) - 1, 0)), max_size=20)) if offers else []
    taken = OfferTable.of(offers).take(rows)
    assert taken.offers(range(len(rows))) == [offers[row] for row in rows]
    again = OfferTable.from_bytes(taken.to_bytes())
    assert again == taken
    assert set(again.words["provider"]) == {"", *(offers[row].provider for row in rows)}
    assert all(words[0] == "" for words in again.words.values())


@given(st.lists(offer_lists, max_size=4))
def test_tables_put_together_hold_the_rows_of_each_in_turn(parts: list[list[Offer]]) -> None:
    whole = OfferTable.concat([OfferTable.of(part) for part in parts])
    assert whole == OfferTable.of([offer for part in parts for offer in part])


@given(offer_lists, offer_lists)
def test_tables_are_equal_when_their_offers_are(left: list[Offer], right: list[Offer]) -> None:
    assert (OfferTable.of(left) == OfferTable.of(right)) == (left == right)


@given(st.data())
def test_damaged_bytes_are_refused(data: st.DataObject) -> None:
    whole = OfferTable.of([an_offer(), an_offer(3.0, region="eu")]).to_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([whole[place] ^ data.draw(st.integers(1, 255))])
    with pytest.raises(ValueError, match="offer table"):
        OfferTable.from_bytes(whole[:place])
    damaged = whole[:place] + flipped + whole[place + 1 :]
    try:
        read = OfferTable.from_bytes(damaged)
    except ValueError:
        return
    assert read == OfferTable.from_bytes(whole)


def test_rows_are_chosen_by_mask_too() -> None:
    table = OfferTable.of([an_offer(1.0), an_offer(2.0), an_offer(3.0)])
    assert [
        each.rate.micro_per_unit for each in table.take(np.array([True, False, True])).offers((0, 1))
    ] == [
        1_000_000,
        3_000_000,
    ]


def test_an_offer_without_a_price_says_so() -> None:
    table = OfferTable.of([an_offer(None)])
    assert table.numbers["price_micro"][0] == NO_PRICE
    assert table.offer(0).flags == ("no_price",)


@pytest.mark.parametrize(
    "rate",
    [
        Rate(micro_per_unit=1, per=Quantity.KWH),
        Rate(micro_per_unit=1, per=Quantity.HOUR, currency="EUR"),
    ],
)
def test_what_is_not_dollars_per_hour_does_not_fit(rate: Rate) -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="not charged in dollars per hour"):
        OfferTable.of([replace(an_offer(), rate=rate)])
