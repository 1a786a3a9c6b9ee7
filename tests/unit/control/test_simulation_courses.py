"""Recorded prices as courses: from the beginning of the replay, by offer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.offers_for_tests import an_offer
from tradewind.catalog.history import PriceChange
from tradewind.control.simulation_courses import courses_of
from tradewind.domain.offer_table import OfferTable
from tradewind.placement.replay.world import MANY

START = datetime(2026, 1, 10, tzinfo=UTC)
TABLE = OfferTable.of([an_offer(2.0, instance_type="a"), an_offer(3.0, instance_type="b")])


def change(hours: float, dollars: float | None, **more: Any) -> PriceChange:
    values: dict[str, Any] = {
        "position": 0, "source": "list", "provider": "lambda", "region": "us-east-1", "zone": "", "instance_type": "a",
        "accelerator": "A100-80GB-SXM", "accelerator_count": 1.0, "market": "on_demand", "previous_micro": 1,
        "price_micro": None if dollars is None else round(dollars * 1e6), "availability": "high",
        "seen_at": START + timedelta(hours=hours),
    }  # fmt: skip
    return PriceChange(**(values | more))


def test_a_price_holds_from_its_record_on_and_the_last_before_the_beginning_is_the_first() -> None:
    found = courses_of(TABLE, [change(-9, 5.0), change(-1, 4.0), change(2, 1.5)], START)
    course = found.courses[0]
    assert (course.price.times, course.price.values) == ((0, 7200), (4_000_000, 1_500_000))
    assert course.up is None
    assert list(found.courses) == [0]
    assert found.notes == ("recorded prices of 1 of 2 offers, 1 of which moved; the rest as today",)


def test_an_offer_that_was_gone_or_taken_can_not_be_had_meanwhile() -> None:
    changes = [change(-1, 2.0), change(1, None), change(3, 2.0), change(4, 2.0, availability="unavailable")]
    course = courses_of(TABLE, changes, START).courses[0]
    assert course.up is not None
    assert (course.up.times, course.up.values) == ((0, 3600, 10_800, 14_400), (MANY, 0, MANY, 0))
    assert course.price.is_constant
    assert not course.is_observed


def test_what_was_first_seen_later_was_there_at_that_price_before() -> None:
    course = courses_of(TABLE, [change(5, 7.0, previous_micro=None)], START).courses[0]
    assert (course.price.values, course.up) == ((7_000_000,), None)


def test_the_offers_own_source_is_believed() -> None:
    changes = [change(1, 9.0, source="other"), change(1, 4.0)]
    assert courses_of(TABLE, changes, START).courses[0].price.values == (4_000_000,)
    assert courses_of(TABLE, [change(1, 9.0, source="other")], START).courses[0].price.values == (9_000_000,)


def test_without_records_everything_is_as_today() -> None:
    assert courses_of(TABLE, [], START).notes[-1] == "no price of this period is recorded: all are as today"
