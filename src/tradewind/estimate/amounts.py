"""How figures of a run become integers, once each, and the bounds that keep them inside a BIGINT."""

from __future__ import annotations

from typing import Final

from tradewind.domain.money import MAX_AMOUNT, MICRO, SECONDS_PER_HOUR, divide_half_even

#: Thirty years. Longer runs are costed as this long.
MAX_SECONDS: Final = 1_000_000_000
#: No amount is larger, see `domain.money`.
MAX_MICRO: Final = MAX_AMOUNT * MICRO
#: An exabyte of traffic.
MAX_MB: Final = 1_000_000_000_000
#: Traffic at more than five dollars per GB is a slip of somebody's pen.
MAX_TRAFFIC_MICRO_PER_GB: Final = 5_000_000
HOURS_PER_MONTH: Final = 730
MB_PER_GB: Final = 1_000
#: Bounds a float of hours before it is turned into an integer.
MAX_HOURS: Final = 1e9


def whole_mb(gigabytes: float) -> int:
    """Whole MB, to the nearest."""
    return round(gigabytes * MB_PER_GB)


def whole_seconds(hours: float) -> int:
    """Whole seconds, to the nearest, at most thirty years."""
    return min(round(min(hours, MAX_HOURS) * SECONDS_PER_HOUR), MAX_SECONDS)


def charge_per_hour(micro_per_hour: int, seconds: int) -> int:
    """What an hourly price without a billing rule comes to, half to even."""
    return min(divide_half_even(micro_per_hour * seconds, SECONDS_PER_HOUR), MAX_MICRO)


def charge_traffic(megabytes: int, micro_per_gb: int) -> int:
    """What this traffic costs, half to even."""
    return min(divide_half_even(megabytes * micro_per_gb, MB_PER_GB), MAX_MICRO)


def for_nodes(micro: int, nodes: int) -> int:
    """What so many nodes cost that cost this much each."""
    return min(micro * nodes, MAX_MICRO)
