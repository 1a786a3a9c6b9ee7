"""What a rented machine cost, from the time the provider began to charge until it ceased.

The rule of billing (`Rate`) is applied once to the whole time; stretches of it, cut where the price changed or where
another job held the machine, get what the whole had come to by their end less what it had come to by their start. So
they add up to the bill, to the last millionth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tradewind.domain.money import SECONDS_PER_HOUR, Rate, divide_half_even


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the time with one price: seconds that are billed, and what they come to."""

    started_at: datetime
    ended_at: datetime
    micro_per_hour: int
    seconds: int
    amount_micro: int


def bill(
    rate: Rate, started_at: datetime, ended_at: datetime, prices: Sequence[tuple[datetime, int]] = ()
) -> list[Stretch]:
    """The stretches of a machine's time, one per price; empty when it ended as it began.

    `prices` are changes of the price per hour, with the time of each, in order. A change counts from the next full
    second of the machine's time on. Seconds that the rule adds at the end (minimum, granularity) cost the last price.
    """
    ran = -(-(ended_at - started_at) // timedelta(seconds=1)) if ended_at > started_at else 0
    if not ran:
        return []
    billed = -(-max(ran, rate.minimum) // rate.granularity) * rate.granularity
    bounds = [(0, rate.micro_per_unit, started_at)]
    for at, micro in prices:
        second = -(-(at - started_at) // timedelta(seconds=1))
        if second <= 0:
            bounds[0] = (0, micro, started_at)
        elif second < ran and micro != bounds[-1][1]:
            bounds.append((second, micro, started_at + timedelta(seconds=second)))
    stretches: list[Stretch] = []
    exact = charged = 0
    for position, (second, micro, start) in enumerate(bounds):
        is_last = position == len(bounds) - 1
        end_second = billed if is_last else bounds[position + 1][0]
        exact += (end_second - second) * micro
        total = divide_half_even(exact, SECONDS_PER_HOUR)
        if is_last:
            total = max(total, rate.minimum_micro)
        stretches.append(
            Stretch(
                started_at=start,
                ended_at=ended_at if is_last else bounds[position + 1][2],
                micro_per_hour=micro,
                seconds=end_second - second,
                amount_micro=total - charged,
            )
        )
        charged = total
    return stretches


def bill_rest(
    rate: Rate,
    started_at: datetime,
    ended_at: datetime,
    prices: Sequence[tuple[datetime, int]],
    settled_to: datetime,
    settled_micro: int,
) -> list[Stretch]:
    """The stretches after `settled_to`, when what was before is in the ledger with `settled_micro`.

    That was settled as if the machine had ended then, and may hold seconds that only the rule of billing added. The
    rest gets what the whole comes to less that, so that all of it adds up to the bill. A machine that turns out to
    have ended before gives one stretch of no time that puts the difference right.
    """
    rest = bill_micro(rate, started_at, ended_at, prices) - settled_micro
    price = rate.micro_per_unit
    for at, micro in prices:
        if at <= settled_to:
            price = micro
    if ended_at <= settled_to:
        nothing = Stretch(
            started_at=settled_to, ended_at=settled_to, micro_per_hour=price, seconds=0, amount_micro=rest
        )
        return [nothing] if rest else []
    changes = [(settled_to, price), *((at, micro) for at, micro in prices if at > settled_to)]
    stretches = bill(replace(rate, minimum=0, granularity=1), settled_to, ended_at, changes)
    others = sum(each.amount_micro for each in stretches[:-1])
    return [*stretches[:-1], replace(stretches[-1], amount_micro=rest - others)]


def bill_micro(
    rate: Rate, started_at: datetime, ended_at: datetime, prices: Sequence[tuple[datetime, int]] = ()
) -> int:
    """What the whole time comes to."""
    return sum(each.amount_micro for each in bill(rate, started_at, ended_at, prices))
