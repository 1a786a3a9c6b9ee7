"""Exact money: integer micro-units with a currency, rates per quantity, and one stated place where rounding happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

MICRO: Final = 1_000_000
#: Whole units; in micro-units this still fits a BIGINT.
MAX_AMOUNT: Final = 1_000_000_000_000
JOULES_PER_KWH: Final = 3_600_000
SECONDS_PER_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in millionths of one unit of a currency.

    Raises:
        ValueError: when amounts in different currencies are added or compared.
    """

    micro: int
    currency: str = "USD"

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.micro + other.micro, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.micro - other.micro, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.micro < other.micro

    def __le__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.micro <= other.micro

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")

    @classmethod
    def parse(cls, amount: Decimal | int | str, currency: str = "USD") -> Money:
        """Reads a decimal amount; anything finer than a micro-unit is rounded half to even.

        Raises:
            ValueError: when it is not a finite number below 10^12.
        """
        try:
            number = Decimal(amount)
        except InvalidOperation:
            raise ValueError(f"{amount!r} is not an amount of money") from None
        if not number.is_finite() or abs(number) >= MAX_AMOUNT:
            raise ValueError(f"{amount!r} is not an amount of money")
        return cls(int(number.scaleb(6).to_integral_value(rounding=ROUND_HALF_EVEN)), currency)

    def __str__(self) -> str:
        return format_money(self.micro, self.currency)


class Quantity(StrEnum):
    """What a rate is charged per."""

    HOUR = "hour"
    KWH = "kwh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A price per quantity with its billing rule.

    `micro_per_unit` is integer micro-units of `currency` per hour or per kilowatt-hour. The quantity charged is
    in base units: seconds for an hourly rate, joules for an energy rate. `granularity` and `minimum` are in the
    same base units: a quantity is raised to the minimum, then rounded up to a multiple of the granularity. What
    that costs is raised to `minimum_micro`. Nothing costs nothing.
    """

    micro_per_unit: int
    per: Quantity
    currency: str = "USD"
    granularity: int = 1
    minimum: int = 0
    minimum_micro: int = 0

    def charge(self, quantity: int) -> Money:
        """What a closed interval with this quantity costs; rounded half to even, here and nowhere else.

        Raises:
            ValueError: when the quantity is negative.
        """
        if quantity < 0:
            raise ValueError(f"a quantity cannot be negative: {quantity}")
        if not quantity:
            return Money(0, self.currency)
        micro = divide_half_even(self.billed(quantity) * self.micro_per_unit, self.base)
        return Money(max(micro, self.minimum_micro), self.currency)

    @property
    def base(self) -> int:
        """Base units in the unit of the price: seconds in an hour, joules in a kilowatt-hour."""
        return SECONDS_PER_HOUR if self.per is Quantity.HOUR else JOULES_PER_KWH

    def billed(self, quantity: int) -> int:
        """What is charged where this much was used: at least the minimum, in whole steps of the granularity."""
        return -(-max(quantity, self.minimum) // self.granularity) * self.granularity

    def largest_within(self, micro: int) -> int | None:
        """The largest quantity that costs no more than this; 0: none does; None: there is no largest one."""
        if micro < self.minimum_micro:
            return 0
        if not self.micro_per_unit:
            return None
        billed = micro * self.base // self.micro_per_unit // self.granularity * self.granularity
        return billed if billed >= self.billed(1) else 0


def worst_case_micro(rate: Rate, watts_max: float, seconds: float, *, used: float = 0.0) -> int:
    """The most that this many seconds can cost under the rate's billing rule, rounded up.

    `used` is what was used before, in seconds or joules: then it is the most that all of it can cost.
    """
    added = watts_max * seconds if rate.per is Quantity.KWH else seconds
    billed = rate.billed(-int(-(used + added) // 1))
    return max(-(-billed * rate.micro_per_unit // rate.base), rate.minimum_micro)


def hourly_worst_micro(rate: Rate, watts_max: float) -> int:
    """What an hour costs at full load, without minimum and granularity; rounded up."""
    if rate.per is Quantity.HOUR:
        return rate.micro_per_unit
    return -int(-(watts_max * SECONDS_PER_HOUR * rate.micro_per_unit) // JOULES_PER_KWH)


def rate_of_all(rates: Sequence[Rate], watts_max: Sequence[float]) -> Rate:
    """One rate for what is charged at several at the same time: per hour where they differ in what they charge for.

    `watts_max` is the most that each draws. For showing and comparing: what each comes to is charged at its own rate.
    """
    first = rates[0]
    if all(each.per is Quantity.KWH and each.micro_per_unit == first.micro_per_unit for each in rates):
        return first
    return Rate(
        micro_per_unit=sum(
            hourly_worst_micro(each, watts) for each, watts in zip(rates, watts_max, strict=True)
        ),
        per=Quantity.HOUR,
        currency=first.currency,
        granularity=max((each.granularity for each in rates if each.per is Quantity.HOUR), default=1),
        minimum=max((each.minimum for each in rates if each.per is Quantity.HOUR), default=0),
        minimum_micro=sum(each.minimum_micro for each in rates),
    )


def divide_half_even(numerator: int, denominator: int) -> int:
    """Integer division rounded to nearest, ties to even; `denominator` is positive."""
    quotient, remainder = divmod(numerator, denominator)
    twice = remainder * 2
    if twice > denominator or (twice == denominator and quotient % 2):
        quotient += 1
    return quotient


def format_money(micro: int, currency: str = "USD") -> str:
    """Money for people: two decimals; below ten cents two digits that say something (`$0.05`, `$0.0042`)."""
    sign = "-" if micro < 0 else ""
    amount = Decimal(abs(micro)) / MICRO
    places = 2
    if amount and amount < Decimal("0.10"):
        places = min(6, 1 - amount.adjusted())
    text = f"{amount:,.{places}f}"
    while places > 2 and text.endswith("0"):
        text, places = text[:-1], places - 1
    return f"{sign}${text}" if currency == "USD" else f"{sign}{text} {currency}"
