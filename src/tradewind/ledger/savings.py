"""What the same work would have cost otherwise. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tradewind.domain.money import SECONDS_PER_HOUR, divide_half_even
from tradewind.ledger.reports import Rented


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """What was paid for what can be compared, what that would have cost otherwise, and what cannot be compared."""

    actual_micro: int = 0
    otherwise_micro: int = 0
    left_out_micro: int = 0

    @property
    def saved_micro(self) -> int:
        """Below zero where the other way would have been cheaper."""
        return self.otherwise_micro - self.actual_micro

    @property
    def percent(self) -> float | None:
        """Of what it would have cost; None where that is nothing."""
        return round(100 * self.saved_micro / self.otherwise_micro, 1) if self.otherwise_micro > 0 else None


def against_on_demand(times: Iterable[Rented]) -> Otherwise:
    """The same machines for the same billed time, at the price on demand that was seen as they were rented.

    What was rented on demand is its own price. What no price was written down for is left out.
    """
    actual = otherwise = left_out = 0
    for each in times:
        if each.market == "on_demand":
            actual, otherwise = actual + each.amount_micro, otherwise + each.amount_micro
        elif each.on_demand_micro is None:
            left_out += each.amount_micro
        else:
            actual += each.amount_micro
            otherwise += divide_half_even(each.billed_s * each.on_demand_micro, SECONDS_PER_HOUR)
    return Otherwise(actual_micro=actual, otherwise_micro=otherwise, left_out_micro=left_out)


def in_all(parts: Iterable[Otherwise]) -> Otherwise:
    """The sum of several."""
    found = list(parts)
    return Otherwise(
        actual_micro=sum(each.actual_micro for each in found),
        otherwise_micro=sum(each.otherwise_micro for each in found),
        left_out_micro=sum(each.left_out_micro for each in found),
    )
