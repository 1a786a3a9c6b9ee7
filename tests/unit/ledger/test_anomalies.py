"""Money divided by time, and what is out of the ordinary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.money import MICRO
from tradewind.ledger.anomalies import LEAST_WINDOWS, custom_of
from tradewind.ledger.spreading import Piece, share, windows

NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
moments = st.timedeltas(timedelta(0), timedelta(hours=10)).map(lambda span: NOW - span)


@given(moments, moments, st.integers(0, 10**12))
def test_parts_add_up_to_the_whole(one: datetime, other: datetime, micro: int) -> None:
    start, end = sorted((one, other))
    found = windows([Piece(start, end, micro)], NOW + HOUR, HOUR, 12)
    assert sum(found) == micro
    assert all(part >= 0 for part in found)


@given(moments, moments, moments, st.integers(-(10**9), 10**9))
def test_two_neighbouring_shares_are_the_share_of_both(
    one: datetime, other: datetime, between: datetime, micro: int
) -> None:
    start, end = sorted((one, other))
    piece = Piece(start, end, micro)
    first, last = NOW - 20 * HOUR, NOW + HOUR
    assert share(piece, first, between) + share(piece, between, last) == share(piece, first, last) == micro


def test_an_interval_falls_into_the_windows_that_it_covers() -> None:
    piece = Piece(NOW - 3 * HOUR, NOW - HOUR / 2, 500)
    assert windows([piece], NOW, HOUR, 4) == [0, 200, 200, 100]
    assert windows([piece], NOW, HOUR, 1) == [100]
    assert windows([piece], NOW - 3 * HOUR, HOUR, 2) == [0, 0]


def test_quiet_hours_and_single_dear_ones_do_not_move_the_mark() -> None:
    steady = [2 * MICRO] * 10
    custom = custom_of([*steady, *[0] * 150, 90 * MICRO], MICRO)
    assert custom is not None
    assert (custom.median_micro, custom.limit_micro) == (2 * MICRO, 4 * MICRO)
    varied = custom_of([(2 + number % 3) * MICRO for number in range(30)], MICRO)
    assert varied is not None
    # The median distance is a dollar: six spreads above the median.
    assert varied.limit_micro == round((3 + 6 * 1.4826) * MICRO)


def test_without_a_custom_nothing_is_out_of_the_ordinary() -> None:
    assert custom_of([0] * 100 + [MICRO] * (LEAST_WINDOWS - 1), MICRO) is None
    small = custom_of([10] * LEAST_WINDOWS, MICRO)
    assert small is not None
    assert small.limit_micro == MICRO
