"""What one stay at one place costs, draws and emits. Rounded once per node, half to even."""

from __future__ import annotations

from dataclasses import replace

from tradewind.domain.money import JOULES_PER_KWH, SECONDS_PER_HOUR, Quantity, divide_half_even
from tradewind.estimate.amounts import MAX_MICRO, charge_per_hour, for_nodes
from tradewind.placement.replay.world import Option, Place


def charge_stay(place: Place, option: Option, start_s: int, end_s: int) -> int:
    """What the machines cost that were held and billed from start to end.

    A price that changes meanwhile counts for the seconds that it held; what the billing rule adds (minimum,
    granularity) is charged at the last price. With one price it is exactly `Rate.charge`.
    """
    seconds = end_s - start_s
    if seconds <= 0:
        return 0
    if place.rate.per is Quantity.KWH:
        rate = replace(place.rate, micro_per_unit=place.price.at(start_s))
        return for_nodes(rate.charge(round((option.watts or 0.0) * seconds)).micro, option.nodes)
    rate = place.rate
    billed = max(seconds, rate.minimum)
    billed = -(-billed // rate.granularity) * rate.granularity
    last = place.price.at(end_s - 1)
    total = (billed - seconds) * last + sum(
        part * price for part, price in place.price.stretches(start_s, end_s)
    )
    micro = max(divide_half_even(total, SECONDS_PER_HOUR), rate.minimum_micro)
    return for_nodes(min(micro, MAX_MICRO), option.nodes)


def charge_disk(option: Option, seconds: int) -> int:
    """What is rented beside the machines' own disks."""
    return charge_per_hour(option.disk_micro_per_hour, max(seconds, 0))


def energy_kwh(option: Option, seconds: int) -> float | None:
    """What the machines drew; None where nobody knows."""
    return None if option.watts is None else option.watts * option.nodes * max(seconds, 0) / JOULES_PER_KWH
