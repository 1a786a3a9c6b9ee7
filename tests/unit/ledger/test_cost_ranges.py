"""Ranges cut into steps, and what was saved: nothing is lost, nothing counts twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.money import MICRO
from tradewind.ledger.reports import Rented
from tradewind.ledger.savings import against_on_demand
from tradewind.ledger.stepping import Step, range_named, start_of, starts_in, step_for, stepped, ticks

SINCE = datetime(2026, 1, 5, 7, tzinfo=UTC)
STEPS: list[Step] = ["day", "week", "month"]


@given(
    st.integers(1, 1200),
    st.sampled_from(STEPS),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(-9, 99))),
)
def test_every_amount_is_in_one_step(days: int, step: Step, amounts: list[tuple[float, int]]) -> None:
    until = SINCE + timedelta(days=days)
    starts = starts_in(SINCE, until, step)
    assert starts[0] <= SINCE.date()
    assert all(start_of(start, step) == start for start in starts)
    placed = [((SINCE + timedelta(days=days) * part).date(), micro) for part, micro in amounts]
    found = stepped(placed, starts, step)
    assert sum(found) == sum(micro for _, micro in placed)
    assert len(found) == len(starts)


def test_days_without_spend_are_steps_too() -> None:
    starts = starts_in(SINCE, SINCE + timedelta(days=2), "day")
    assert starts == [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)]
    # Midnight belongs to the day before where it is the end.
    assert starts_in(SINCE, datetime(2026, 1, 6, tzinfo=UTC), "day") == [date(2026, 1, 5)]
    assert starts_in(SINCE, SINCE, "day") == []


@pytest.mark.parametrize(
    ("days", "step"), [(1, "day"), (92, "day"), (93, "week"), (728, "week"), (729, "month")]
)
def test_the_step_fits_the_range(days: int, step: str) -> None:
    assert step_for(SINCE, SINCE + timedelta(days=days)) == step


def rented(market: str, paid: int, on_demand: int | None, hours: int = 2) -> Rented:
    return Rented(
        market=market,
        accelerator="L4",
        accelerator_count=1.0,
        on_demand_micro=on_demand,
        billed_s=hours * 3600,
        seconds=hours * 3600.0,
        amount_micro=paid,
    )


def test_spot_is_held_against_its_price_on_demand() -> None:
    found = against_on_demand(
        [
            rented("spot", MICRO, 2 * MICRO),
            rented("on_demand", 5 * MICRO, 9 * MICRO),
            rented("spot", MICRO, None),
        ]
    )
    assert (found.actual_micro, found.otherwise_micro, found.saved_micro) == (6 * MICRO, 9 * MICRO, 3 * MICRO)
    assert (found.left_out_micro, found.percent) == (MICRO, 33.3)


def test_nothing_is_saved_where_nothing_was_paid() -> None:
    found = against_on_demand([])
    assert (found.saved_micro, found.percent) == (0, None)


@given(st.integers(0, 10**18))
def test_an_axis_is_round_and_reaches_all(most: int) -> None:
    marks = ticks(most)
    assert marks[0] == 0
    assert marks[-1] >= most
    assert len(marks) <= 5
    if most:
        assert str(marks[1]).rstrip("0") in ("1", "2", "5")
        assert len({after - before for before, after in pairwise(marks)}) == 1


@given(st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_ranges_are_whole_days_and_end_now(now: datetime) -> None:
    for name in ("today", "7d", "30d", "90d", "month", "year"):
        since, until = range_named(name, now)
        assert until == now
        assert since <= now
        assert (since.hour, since.minute, since.microsecond) == (0, 0, 0)
    since, until = range_named("last_month", now)
    assert (since.day, until.day) == (1, 1)
    assert until <= now
    assert 28 <= (until - since).days <= 31
