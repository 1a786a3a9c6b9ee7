"""What it costs to train on the user's own machine, by either of two ways to say it.

The hourly way: a figure in dollars per hour of running, taken as it is. The physical way: watts times a price per
kilowatt-hour; watts default to what a machine with such an accelerator draws, the price to that of the country.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import SECONDS_PER_HOUR, Money, Quantity, Rate
from tradewind.estimate.amounts import whole_seconds
from tradewind.estimate.band import Band
from tradewind.estimate.energy import estimate_energy, node_watts
from tradewind.estimate.tariff import tariff_for
from tradewind.hardware.accelerators import AcceleratorModel

#: More than a rack draws.
MAX_WATTS = 1_000_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCost:
    """Micro-dollars; `watts` and `energy_kwh` are there in both ways, as carbon needs them."""

    p50_micro: int
    p90_micro: int
    per_hour_micro: int
    watts: Band
    energy_kwh: Band
    #: What the figure rests on, in one sentence.
    basis: str


def local_cost(
    hours: Band,
    *,
    cost_usd_per_hour: Decimal | None = None,
    electricity_price_usd_per_kwh: Decimal | None = None,
    power_watts: float | None = None,
    accelerator: AcceleratorModel | None = None,
    accelerator_count: float = 1,
    country: str | None = None,
) -> LocalCost:
    """What these hours on one's own machine cost. An hourly figure wins over a price per kilowatt-hour.

    Raises:
        InvalidInputError: a figure is negative, not a number, or beyond anything that stands in a house; the country is
            unknown.
    """
    for name, value in (
        ("local_electricity_cost", cost_usd_per_hour),
        ("electricity_price_usd_per_kwh", electricity_price_usd_per_kwh),
    ):
        if value is not None and not (value.is_finite() and 0 <= value < 10**6):
            raise InvalidInputError(f"{name} is {value}", hint="write an amount of dollars, for example 0.25")
    if power_watts is not None and not 0 <= power_watts <= MAX_WATTS:
        raise InvalidInputError(f"local_power_watts is {power_watts}", hint="write watts, for example 450")
    watts = _watts(power_watts, accelerator, accelerator_count, hours)
    energy = estimate_energy(watts, hours)
    if cost_usd_per_hour is not None:
        rate = Rate(micro_per_unit=Money.parse(cost_usd_per_hour).micro, per=Quantity.HOUR)
        p50, p90 = (rate.charge(whole_seconds(each)).micro for each in (hours.p50, hours.p90))
        return LocalCost(
            p50_micro=p50,
            p90_micro=p90,
            per_hour_micro=rate.micro_per_unit,
            watts=watts,
            energy_kwh=energy,
            basis=f"{cost_usd_per_hour} USD per hour of running, as you said",
        )
    tariff = tariff_for(country, electricity_price_usd_per_kwh)
    rate = Rate(micro_per_unit=tariff.micro_usd_per_kwh, per=Quantity.KWH)
    p50, p90 = (rate.charge(_joules(each)).micro for each in (energy.p50, energy.p90))
    return LocalCost(
        p50_micro=p50,
        p90_micro=max(p50, p90),
        per_hour_micro=rate.charge(round(watts.p50 * SECONDS_PER_HOUR)).micro,
        watts=watts,
        energy_kwh=energy,
        basis=f"{watts.p50:.0f} W ({watts.basis}) at {tariff.price_note}",
    )


def _watts(
    power_watts: float | None, accelerator: AcceleratorModel | None, count: float, hours: Band
) -> Band:
    if power_watts is not None:
        said = "as you said"
        return Band(p10=power_watts, p50=power_watts, p90=power_watts, layer=hours.layer, basis=said)
    return node_watts(accelerator, count)


def _joules(kilowatt_hours: float) -> int:
    return round(kilowatt_hours * 1_000 * SECONDS_PER_HOUR)
