"""The arithmetic of `amounts.py` and `Rate.charge` on columns of 64-bit integers, rounding as they do."""

from __future__ import annotations

import numpy as np

from tradewind.domain.money import SECONDS_PER_HOUR
from tradewind.estimate.amounts import MAX_HOURS, MAX_MICRO, MAX_SECONDS
from tradewind.estimate.cost_facts import Floats, Ints


def bill(
    seconds: Ints, granularity: Ints, minimum: Ints, minimum_micro: Ints, price: Ints, nodes: int
) -> Ints:
    """`Rate.charge` for each row, times the nodes."""
    billed = -(-np.maximum(seconds, minimum) // granularity) * granularity
    micro = np.where(seconds > 0, np.maximum(charge_per_hour(price, billed), minimum_micro), 0)
    return np.where(micro > MAX_MICRO // nodes, MAX_MICRO, micro * nodes)


def charge_per_hour(micro_per_hour: Ints, seconds: Ints) -> Ints:
    """Half to even, at most `MAX_MICRO`; by whole hours and the rest, so that no product leaves 64 bits."""
    # NumPy divides by a constant much faster than it divides and takes the rest.
    whole = seconds // SECONDS_PER_HOUR
    part = (seconds - whole * SECONDS_PER_HOUR) * micro_per_hour
    quotient = part // SECONDS_PER_HOUR
    remainder = part - quotient * SECONDS_PER_HOUR
    charged: Ints = np.minimum(
        _round(whole * micro_per_hour + quotient, remainder, SECONDS_PER_HOUR), MAX_MICRO
    )
    return charged


def divide_half_even(numerator: Ints, denominator: int) -> Ints:
    """At most `MAX_MICRO`."""
    quotient = numerator // denominator
    charged: Ints = np.minimum(_round(quotient, numerator - quotient * denominator, denominator), MAX_MICRO)
    return charged


def _round(quotient: Ints, remainder: Ints, denominator: int) -> Ints:
    twice = remainder * 2
    is_up = (twice > denominator) | ((twice == denominator) & (quotient & 1 == 1))
    rounded: Ints = quotient + is_up
    return rounded


def whole_seconds(hours: Floats) -> Ints:
    """To the nearest, at most thirty years."""
    exact = np.rint(np.minimum(hours, MAX_HOURS) * SECONDS_PER_HOUR)
    seconds: Ints = np.minimum(exact.astype(np.int64), MAX_SECONDS)
    return seconds
