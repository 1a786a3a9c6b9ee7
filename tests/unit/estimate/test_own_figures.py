"""Who is believed, figure by figure, and what of it is possible."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Accelerator
from tradewind.estimate.own_figures import ASKED, Origin, OwnFigures, PowerPrice, settle
from tradewind.estimate.power import Watts, share_of
from tradewind.estimate.tariff import power_countries, power_states, tariff_for

_FIGURES = st.builds(
    OwnFigures,
    country=st.none() | st.sampled_from(["DEU", "usa", "FRA"]),
    carbon_zone=st.none() | st.sampled_from(["US-CA", "deu"]),
    electricity_price=st.none()
    | st.builds(
        PowerPrice,
        amount=st.decimals(0, 5, places=3),
        currency=st.sampled_from(["USD", "EUR"]),
    ),
    carbon_g_per_kwh=st.none() | st.floats(0, 900),
    watts_idle=st.none() | st.floats(0, 100),
    watts_max=st.none() | st.floats(100, 9000),
)
_SAID = st.dictionaries(st.sampled_from(ASKED), _FIGURES)


@given(_SAID)
def test_each_figure_is_of_the_first_who_said_it(said: dict[Origin, OwnFigures]) -> None:
    settled = settle(said)
    for field in fields(OwnFigures):
        who = [each for each in ASKED if getattr(said.get(each, OwnFigures()), field.name) is not None]
        chosen = getattr(settled, field.name)
        assert chosen.origin == (who[0] if who else None)
        assert chosen.value == (getattr(said[who[0]], field.name) if who else None)


@given(_SAID)
def test_the_tariff_is_exact_and_says_who_settled_it(said: dict[Origin, OwnFigures]) -> None:
    settled = settle(said)
    price = settled.electricity_price
    if price.value is not None:
        micro = price.value.usd * 1_000_000
        assert settled.tariff.micro_usd_per_kwh == micro.to_integral_value()
        assert settled.price_origin is price.origin
    else:
        assert settled.tariff.micro_usd_per_kwh == tariff_for(settled.country.value).micro_usd_per_kwh
        assert settled.price_origin in (Origin.COUNTRY, Origin.WORLD)
    if settled.carbon_g_per_kwh.value is not None:
        assert settled.tariff.carbon_g_per_kwh == settled.carbon_g_per_kwh.value
    elif settled.carbon_zone.value is not None:
        assert settled.carbon_origin is Origin.ZONE


def test_where_nobody_says_anything_the_means_of_the_world_hold() -> None:
    settled = settle({})
    assert (settled.price_origin, settled.carbon_origin) == (Origin.WORLD, Origin.WORLD)
    assert settled.tariff == tariff_for(None)


def test_a_country_without_a_price_of_its_own_pays_the_mean_of_the_world_and_says_so() -> None:
    country = next(each for each in power_countries() if each.usd_per_kwh is None)
    settled = settle({Origin.CONFIG_FILE: OwnFigures(country=country.code)})
    assert (settled.price_origin, settled.carbon_origin) == (Origin.WORLD, Origin.COUNTRY)


def test_a_state_has_its_own_grid_and_the_country_its_price() -> None:
    california = next(each for each in power_states() if each.code == "US-CA")
    settled = settle({Origin.SETTINGS: OwnFigures(country="USA", carbon_zone="us-ca")})
    assert settled.tariff.carbon_g_per_kwh == california.carbon_g_per_kwh
    assert settled.tariff.micro_usd_per_kwh == tariff_for("USA").micro_usd_per_kwh
    assert "California" in settled.tariff.carbon_note


def test_a_price_in_another_currency_says_by_which_rate_it_was_converted() -> None:
    price = PowerPrice(amount=Decimal("0.31"), currency="EUR")
    settled = settle({Origin.SETTINGS: OwnFigures(electricity_price=price)})
    assert settled.tariff.micro_usd_per_kwh == 350_300
    assert "0.31 EUR" in settled.tariff.price_note
    assert "1.13 USD per EUR assumed" in settled.tariff.price_note


@pytest.mark.parametrize(
    ("figures", "what"),
    [
        (OwnFigures(country="XYZ"), "not a known country"),
        (OwnFigures(carbon_zone="US-ZZ"), "not a known carbon zone"),
        (OwnFigures(electricity_price=PowerPrice(amount=Decimal(31), currency="XXX")), "no rate is known"),
        (OwnFigures(electricity_price=PowerPrice(amount=Decimal(101))), "cannot be right"),
        (OwnFigures(carbon_g_per_kwh=5001.0), "carbon intensity"),
        (OwnFigures(watts_max=-1.0), "power flat out"),
        (OwnFigures(watts_idle=200.0, watts_max=100.0), "200 W at rest"),
    ],
)
def test_what_cannot_be_is_refused(figures: OwnFigures, what: str) -> None:
    with pytest.raises(InvalidInputError, match=what):
        settle({Origin.ENVIRONMENT: figures})


@given(
    idle=st.floats(0, 2000),
    more=st.floats(0, 2000),
    tdp=st.floats(1, 1000),
    held=st.integers(0, 4),
    cpus=st.floats(0, 16),
)
def test_shares_add_up_to_no_more_than_the_machine_draws(
    idle: float, more: float, tdp: float, held: int, cpus: float
) -> None:
    devices = tuple(
        Accelerator(name="GPU", memory_bytes=1, index=each, uuid=f"{each}", tdp_watts=tdp)
        for each in range(4)
    )
    machine = Watts(idle, idle + more)
    mine = share_of(machine, 16, devices, cpus, devices[:held])
    rest = share_of(machine, 16, devices, 16 - cpus, devices[held:])
    assert 0 <= mine.idle <= mine.busy
    assert mine.busy + rest.busy <= machine.busy * (1 + 1e-9) + 1e-9
