"""The two ways to say what training at home costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.estimate.offers_for_tests import band, offer
from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.cost import estimate_cost
from tradewind.estimate.local_cost import local_cost
from tradewind.hardware.accelerators import all_models

RTX_4090 = all_models()["RTX-4090"]


def test_dollars_per_hour_are_taken_as_they_are() -> None:
    cost = local_cost(band(10), cost_usd_per_hour=Decimal("2.50"))
    assert (cost.p50_micro, cost.per_hour_micro) == (25_000_000, 2_500_000)
    cloud = estimate_cost(offer("lambda", 1_290_000, source="reference-2024"), band(10)).p50_micro
    assert f"{1 - cloud / cost.p50_micro:.1%}" == "48.4%", "the worked example"


def test_watts_times_price_is_the_physical_way() -> None:
    cost = local_cost(band(10), electricity_price_usd_per_kwh=Decimal("0.20"), power_watts=500)
    assert (cost.p50_micro, cost.p90_micro, cost.per_hour_micro) == (1_000_000, 1_000_000, 100_000)
    assert cost.energy_kwh.p50 == 5


def test_watts_default_to_a_machine_with_that_accelerator() -> None:
    cost = local_cost(band(1), electricity_price_usd_per_kwh=Decimal("0.17"), accelerator=RTX_4090)
    assert cost.per_hour_micro == pytest.approx(100_000, rel=0.05), "about ten cents an hour"
    assert cost.p90_micro > cost.p50_micro
    two = local_cost(
        band(1), electricity_price_usd_per_kwh=Decimal("0.17"), accelerator=RTX_4090, accelerator_count=2
    )
    assert two.per_hour_micro > 1.6 * cost.per_hour_micro


def test_the_price_defaults_to_that_of_the_country() -> None:
    germany = local_cost(band(1), power_watts=1_000, country="DEU")
    assert germany.per_hour_micro == round(0.3835 * 1.13 * 1_000_000)
    assert "1.13 USD per EUR assumed, 2025" in germany.basis
    assert local_cost(band(1), power_watts=1_000).per_hour_micro == 165_000


def test_the_hourly_figure_wins_and_no_hours_cost_nothing() -> None:
    both = local_cost(
        band(2), cost_usd_per_hour=Decimal(1), electricity_price_usd_per_kwh=Decimal(9), power_watts=1
    )
    assert both.p50_micro == 2_000_000
    assert local_cost(band(0), power_watts=500).p50_micro == 0


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"cost_usd_per_hour": Decimal(-1)}, "local_electricity_cost"),
        ({"cost_usd_per_hour": Decimal("NaN")}, "local_electricity_cost"),
        ({"electricity_price_usd_per_kwh": Decimal("Infinity")}, "electricity_price_usd_per_kwh"),
        ({"power_watts": -5.0}, "local_power_watts"),
        ({"power_watts": float("nan")}, "local_power_watts"),
        ({"country": "XYZ"}, "XYZ"),
    ],
)
def test_figures_that_make_no_sense_are_refused(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        local_cost(band(1), **wrong)  # type: ignore[arg-type]
