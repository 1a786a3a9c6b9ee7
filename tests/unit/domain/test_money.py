"""Money is exact: every rule of rounding against decimal arithmetic."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.money import (
    MICRO,
    Money,
    Quantity,
    Rate,
    divide_half_even,
    format_money,
    worst_case_micro,
)

amounts = st.integers(min_value=-(10**18), max_value=10**18)
rates = st.builds(
    Rate,
    micro_per_unit=st.integers(0, 10**10),
    per=st.sampled_from(Quantity),
    granularity=st.integers(1, 10_000),
    minimum=st.integers(0, 10_000),
)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**9))
def test_division_rounds_as_decimals_do(numerator: int, denominator: int) -> None:
    with localcontext(prec=80) as context:
        context.rounding = ROUND_HALF_EVEN
        twice = Decimal(2 * numerator) / denominator
        # Doubling first makes a tie a whole odd number, exact in decimals whatever the denominator.
        expected = (
            (twice / 2).to_integral_value()
            if twice == twice.to_integral_value()
            else (Decimal(numerator) / denominator).to_integral_value()
        )
    assert divide_half_even(numerator, denominator) == int(expected)


@pytest.mark.parametrize(
    ("numerator", "expected"), [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2)]
)
def test_ties_go_to_the_even_neighbour(numerator: int, expected: int) -> None:
    assert divide_half_even(numerator, 2) == expected


@given(rates, st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_never_costs_less(rate: Rate, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert rate.charge(low) <= rate.charge(high)


@given(rates)
def test_nothing_costs_nothing(rate: Rate) -> None:
    assert rate.charge(0) == Money(0)


def test_a_charge_is_raised_to_the_minimum_then_to_the_granularity() -> None:
    rate = Rate(micro_per_unit=3_600 * MICRO, per=Quantity.HOUR, granularity=60, minimum=90)
    assert rate.charge(1) == Money(120 * MICRO)
    assert rate.charge(120) == Money(120 * MICRO)
    assert rate.charge(121) == Money(180 * MICRO)


def test_a_charge_is_raised_to_the_least_amount() -> None:
    rate = Rate(micro_per_unit=MICRO, per=Quantity.HOUR, minimum_micro=10_000)
    assert [rate.charge(seconds).micro for seconds in (0, 1, 36, 72)] == [0, 10_000, 10_000, 20_000]
    assert worst_case_micro(rate, 0.0, 1) == 10_000
    assert worst_case_micro(rate, 0.0, 72) == 20_000


def test_energy_is_charged_per_kilowatt_hour() -> None:
    rate = Rate(micro_per_unit=300_000, per=Quantity.KWH)
    assert rate.charge(3_600_000) == Money(300_000)
    assert rate.charge(6) == Money(0)  # half a micro-dollar, to the even neighbour
    assert rate.charge(18) == Money(2)  # one and a half, to the even neighbour


def test_a_negative_quantity_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative: -1"):
        Rate(micro_per_unit=1, per=Quantity.HOUR).charge(-1)


@given(amounts, amounts)
def test_adding_and_taking_away_are_opposites(one: int, other: int) -> None:
    assert Money(one) + Money(other) - Money(other) == Money(one)


@given(amounts, amounts)
def test_amounts_are_ordered_as_numbers_are(one: int, other: int) -> None:
    assert (Money(one) < Money(other), Money(one) >= Money(other)) == (one < other, one >= other)


def test_currencies_do_not_mix() -> None:
    dollars, euros = Money(1, "USD"), Money(1, "EUR")
    assert dollars != euros
    for combine in (
        lambda: dollars + euros,
        lambda: dollars - euros,
        lambda: dollars < euros,
        lambda: dollars >= euros,
    ):
        with pytest.raises(ValueError, match="cannot combine"):
            combine()


@given(amounts)
def test_reading_what_a_decimal_says_is_exact(micro: int) -> None:
    if abs(micro) < 10**18:
        assert Money.parse(Decimal(micro).scaleb(-6)) == Money(micro)


@pytest.mark.parametrize(
    ("text", "micro"),
    [("0.0000005", 0), ("0.0000015", 2), ("0.0000025", 2), ("12.5", 12_500_000), ("-1", -MICRO)],
)
def test_finer_than_a_micro_unit_is_rounded_half_to_even(text: str, micro: int) -> None:
    assert Money.parse(text).micro == micro


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", "1e12", "1e400"])
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of money"):
        Money.parse(text)


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (12, "$0.000012"),
        (123, "$0.00012"),
        (4_200, "$0.0042"),
        (12_300, "$0.012"),
        (50_000, "$0.05"),
        (99_999, "$0.10"),
        (100_000, "$0.10"),
        (999_999, "$1.00"),
        (1_234_567_890, "$1,234.57"),
        (-4_200, "-$0.0042"),
        (-1_500_000, "-$1.50"),
    ],
)
def test_money_for_people(micro: int, text: str) -> None:
    assert format_money(micro) == text
    assert str(Money(micro)) == text


def test_other_currencies_are_named() -> None:
    assert format_money(1_500_000, "EUR") == "1.50 EUR"


@given(amounts.filter(bool))
def test_a_real_amount_never_looks_like_nothing(micro: int) -> None:
    assert any(digit in "123456789" for digit in format_money(micro))
