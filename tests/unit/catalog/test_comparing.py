"""The history follows from what was said, and says nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from tests.unit.offers_for_tests import SEEN, an_offer
from tradewind.catalog.comparing import Difference, compare
from tradewind.catalog.snapshot import CHANGE_COLUMNS
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Offer

ASKED = SEEN + timedelta(days=1)


def _compare(before: list[Offer] | None, after: list[Offer]) -> Difference:
    old = None
    if before is not None:
        old = compare(None, OfferTable.of(before), name="list", asked_at=ASKED).table
    return compare(old, OfferTable.of(after), name="list", asked_at=ASKED)


def _changes(before: list[Offer] | None, after: list[Offer], at_once: int = 5000) -> list[dict[str, Any]]:
    difference = _compare(before, after)
    rows = [row for portion in difference.changes(ASKED, at_once) for row in portion]
    assert len(rows) == difference.change_count
    return [dict(zip(CHANGE_COLUMNS, row, strict=True)) for row in rows]


def _live(price: float | None, **values: Any) -> Offer:
    return an_offer(price, **{"seen_at": ASKED + timedelta(seconds=1), "source": "live", **values})


def test_the_first_answer_is_all_new() -> None:
    (row,) = _changes(None, [_live(2.0)])
    assert (row["previous_micro"], row["price_micro"], row["availability"]) == (None, 2_000_000, "high")
    assert row["seen_at"] == ASKED.timestamp() * 1_000_000


def test_the_same_answer_changes_nothing() -> None:
    difference = _compare([_live(2.0)], [_live(2.0, seen_at=ASKED + timedelta(hours=5))])
    assert difference.is_same_table
    assert difference.change_count == 0
    assert difference.table.words["source"] == ("", "list")


def test_a_moved_price_names_both() -> None:
    (row,) = _changes([_live(2.0)], [_live(2.5)])
    assert (row["previous_micro"], row["price_micro"]) == (2_000_000, 2_500_000)


def test_a_price_that_differs_by_a_micro_dollar_is_another_price() -> None:
    assert len(_changes([_live(2.0)], [_live(2.000001)])) == 1


def test_a_moved_availability_is_a_change_at_the_same_price() -> None:
    (row,) = _changes([_live(2.0)], [_live(2.0, is_available=False)])
    assert (row["previous_micro"], row["price_micro"], row["availability"]) == (
        2_000_000, 2_000_000, "unavailable",
    )  # fmt: skip


def test_what_is_gone_has_no_price() -> None:
    (row,) = _changes([_live(2.0)], [])
    assert (row["previous_micro"], row["price_micro"], row["availability"]) == (
        2_000_000,
        None,
        "unavailable",
    )


def test_an_unknown_price_or_a_placeholder_has_no_history() -> None:
    assert _changes(None, [_live(None), _live(700.0, flags=("placeholder",), region="tpu")]) == []
    (row,) = _changes([_live(2.0)], [_live(None)])
    assert row["price_micro"] is None


def test_a_date_of_the_sources_own_is_kept() -> None:
    (row,) = _changes(None, [_live(2.0, seen_at=SEEN)])
    assert row["seen_at"] == SEEN.timestamp() * 1_000_000


def test_a_fact_that_is_no_price_makes_a_new_table_without_a_history() -> None:
    difference = _compare([_live(2.0, cpus=4.0)], [_live(2.0, cpus=8.0)])
    assert not difference.is_same_table
    assert difference.change_count == 0


_some = st.lists(
    st.builds(
        lambda price, region, level, there: _live(
            price, region=region, availability=level, is_available=there
        ),
        st.none() | st.integers(1, 4).map(float),
        st.sampled_from(("a", "b", "c", "d")),
        st.sampled_from(Availability),
        st.booleans(),
    ),
    max_size=8,
)


def _followed(offers: list[Offer]) -> dict[str, tuple[int, str]]:
    """By region the price that history follows: the cheapest that can be had."""
    found: dict[str, tuple[bool, int, str]] = {}
    for offer in offers:
        if "no_price" in offer.flags:
            continue
        level = offer.availability if offer.is_available else Availability.UNAVAILABLE
        entry = (not offer.is_available, offer.rate.micro_per_unit, level.value)
        if offer.region not in found or entry[:2] < found[offer.region][:2]:
            found[offer.region] = entry
    return {region: entry[1:] for region, entry in found.items()}


@given(st.lists(_some, min_size=1, max_size=6), st.integers(1, 3))
def test_the_changes_lead_from_each_answer_to_the_next(answers: list[list[Offer]], at_once: int) -> None:
    known: dict[str, tuple[int, str]] = {}
    before: list[Offer] | None = None
    for answer in answers:
        for row in _changes(before, answer, at_once):
            previous = known.get(row["region"])
            assert row["previous_micro"] == (previous[0] if previous else None)
            if row["price_micro"] is None:
                del known[row["region"]]
            else:
                now = (row["price_micro"], row["availability"])
                assert now != previous
                known[row["region"]] = now
        assert known == _followed(answer)
        before = answer
