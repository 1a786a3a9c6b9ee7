"""A machine's bill: the rule is applied once, and stretches add up to it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.money import Quantity, Rate
from tradewind.ledger.rent import bill, bill_micro, bill_rest

START = datetime(2026, 1, 1, tzinfo=UTC)
DOLLAR = 1_000_000


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def hourly(micro: int, granularity: int = 1, minimum: int = 0) -> Rate:
    return Rate(micro_per_unit=micro, per=Quantity.HOUR, granularity=granularity, minimum=minimum)


def test_one_price_is_charged_like_any_interval() -> None:
    rate = hourly(3 * DOLLAR, granularity=60, minimum=600)
    assert bill_micro(rate, START, at(61)) == rate.charge(61).micro == 500_000
    assert bill_micro(rate, START, at(3600.5)) == rate.charge(3601).micro
    assert bill_micro(rate, START, START) == 0


def test_a_change_of_price_cuts_the_time_at_a_full_second() -> None:
    stretches = bill(hourly(3600), START, at(20), [(at(9.2), 7200)])
    assert [(each.seconds, each.amount_micro) for each in stretches] == [(10, 10), (10, 20)]
    assert stretches[0].ended_at == stretches[1].started_at == at(10)
    assert stretches[1].ended_at == at(20)


def test_what_the_rule_adds_at_the_end_costs_the_last_price() -> None:
    assert bill_micro(hourly(3600, granularity=3600), START, at(20), [(at(10), 7200)]) == 10 + 3590 * 2


def test_a_price_from_before_the_start_replaces_the_one_it_was_offered_at() -> None:
    assert bill_micro(hourly(3600), START, at(10), [(at(-5), 7200)]) == 20


@given(
    ran_s=st.floats(0.001, 200_000),
    first=st.integers(0, 50 * DOLLAR),
    changes=st.lists(st.tuples(st.floats(0, 200_000), st.integers(0, 50 * DOLLAR)), max_size=8),
    granularity=st.sampled_from([1, 60, 3600]),
    minimum=st.sampled_from([0, 60, 600]),
)
def test_stretches_add_up_to_the_whole(
    ran_s: float, first: int, changes: list[tuple[float, int]], granularity: int, minimum: int
) -> None:
    """Against the sum of every second's price, rounded once."""
    prices = sorted((at(second), micro) for second, micro in changes)
    end = at(ran_s)
    rate = hourly(first, granularity, minimum)
    stretches = bill(rate, START, end, prices)
    seconds = sum(each.seconds for each in stretches)
    ran = -(-(end - START) // timedelta(seconds=1))
    assert seconds == -(-max(ran, minimum) // granularity) * granularity
    exact = sum(each.seconds * each.micro_per_hour for each in stretches)
    assert abs(sum(each.amount_micro for each in stretches) * 3600 - exact) <= 1800
    assert all(each.amount_micro >= 0 for each in stretches)
    for earlier, later in itertools.pairwise(stretches):
        assert earlier.ended_at == later.started_at


@given(
    ran_s=st.floats(1, 100_000),
    cuts=st.lists(st.floats(0, 110_000), max_size=4),
    first=st.integers(0, 50 * DOLLAR),
    changes=st.lists(st.tuples(st.floats(0, 100_000), st.integers(0, 50 * DOLLAR)), max_size=5),
    granularity=st.sampled_from([1, 60, 3600]),
    minimum=st.sampled_from([0, 60, 600]),
)
def test_what_is_settled_on_the_way_and_the_rest_add_up_to_the_bill(
    ran_s: float,
    cuts: list[float],
    first: int,
    changes: list[tuple[float, int]],
    granularity: int,
    minimum: int,
) -> None:
    """Settled when one job lets go and the next takes over, some of it after the machine had ended, unknown to us."""
    prices = sorted((at(second), micro) for second, micro in changes)
    rate, charged, settled_to = hourly(first, granularity, minimum), 0, None
    for moment in [*sorted(at(each) for each in cuts), at(ran_s)]:
        if settled_to is None:
            stretches = bill(rate, START, moment, prices)
        else:
            stretches = bill_rest(rate, START, moment, prices, settled_to, charged)
        charged += sum(each.amount_micro for each in stretches)
        settled_to = moment
    assert charged == bill_micro(rate, START, at(ran_s), prices)
