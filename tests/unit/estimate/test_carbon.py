"""Grams of CO2e, each with what it rests on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.estimate.offers_for_tests import band
from tradewind.estimate.band import Layer
from tradewind.estimate.carbon import (
    CarbonIntensity,
    carbon_intensity,
    country_intensity,
    embodied_g_per_hour,
    estimate_carbon,
    pue,
)
from tradewind.estimate.regions import place_of
from tradewind.hardware.accelerators import all_models


@pytest.mark.parametrize(
    ("provider", "region", "grams", "said"),
    [
        ("gcp", "us-central1", 412.72, "Google 2024"),
        ("gcp", "us-central1-a", 412.72, "Google 2024"),
        ("vertex", "europe-west9", 16.3, "Google 2024"),
        ("aws", "us-east-1", 244.8, "state"),
        ("aws", "us-east-1b", 244.8, "state"),
        ("sagemaker", "eu-north-1", 40.7, "country"),
        ("lambda", "us-midwest-1", 369.5, "country"),
        ("verda", "FIN-03", 79.2, "country"),
        ("vast", "Oregon, US, NA", 165.5, "Oregon"),
        ("vast", ", US, NA", 369.5, "United States"),
        ("vast", "CA, NA", 170.0, "Canada"),
        ("runpod", "EU-RO-1", 240.6, "Romania"),
        ("runpod", "CA-MTL-1", 5.48, "Montréal"),
        ("digitalocean", "nyc3", 211.8, "New York"),
    ],
)
def test_the_grid_behind_a_region(provider: str, region: str, grams: float, said: str) -> None:
    found = carbon_intensity(provider, region)
    assert found.g_per_kwh == pytest.approx(grams, abs=0.6)
    assert said in found.basis
    assert not found.is_world_mean


@pytest.mark.parametrize(("provider", "region"), [("lyceum", ""), ("vast", "Atlantis"), ("", "?!")])
def test_where_nothing_is_known_it_is_the_world_and_says_so(provider: str, region: str) -> None:
    found = carbon_intensity(provider, region)
    assert found.is_world_mean
    assert found.g_per_kwh == 475
    assert "world mean" in found.basis


@pytest.mark.parametrize(
    ("region", "country", "state"),
    [
        ("Georgia, US, NA", "USA", "GA"),
        ("Georgia, GE, AS", "GEO", None),
        ("US-TX-3", "USA", "TX"),
        ("us-ashburn-1", "USA", "VA"),
        ("paris-france-1", "FRA", None),
        ("fra1", "DEU", None),
        ("SEA-SG-1", "SGP", None),
        ("The Netherlands, NL, EU", "NLD", None),
        ("South Korea, KR, AS", "KOR", None),
        ("us-west-9", "USA", None),
    ],
)
def test_places_in_names(region: str, country: str, state: str | None) -> None:
    place = place_of(region)
    assert place is not None
    assert (place.country, place.state) == (country, state)


@given(st.text(max_size=40))
def test_no_name_is_too_strange(region: str) -> None:
    assert carbon_intensity("vast", region).g_per_kwh > 0


def test_countries_are_known_by_their_code() -> None:
    assert country_intensity("deu").g_per_kwh == pytest.approx(380.9)
    assert country_intensity("XYZ").is_world_mean


def test_buildings_take_their_share_and_assumed_ones_are_marked() -> None:
    assert pue("aws").p50 == 1.15
    assert pue("aws").layer is Layer.MEASURED
    assert pue("lambda").p50 == 1.3
    assert pue("lambda").layer is Layer.FAMILY
    assert (pue("lambda").p10, pue("lambda").p90) == (1.2, 1.5)
    assert pue("local").p50 == 1.05


def test_use_is_electricity_times_building_times_grid() -> None:
    carbon = estimate_carbon(band(10), "gcp", "us-central1")
    assert carbon.use.p50 == pytest.approx(10 * 1.1 * 412.72)
    assert carbon.embodied.p50 == 0
    assert carbon.total.p50 == carbon.use.p50
    assert "Google 2024" in carbon.total.basis
    assert "PUE" in carbon.total.basis


def test_one_may_bring_ones_own_grid() -> None:
    mine = CarbonIntensity(g_per_kwh=30, basis="my roof", uncertainty=0)
    assert estimate_carbon(band(10), "local", "", intensity=mine).use.p50 == pytest.approx(10 * 1.05 * 30)


def test_the_making_counts_by_the_hour_and_by_the_silicon() -> None:
    a100, h100, l4 = (embodied_g_per_hour(all_models()[key]) for key in ("A100-SXM-40GB", "H100-SXM", "L4"))
    assert 2 < a100.p50 < 5
    assert l4.p50 < a100.p50 < h100.p50 < 8
    assert embodied_g_per_hour(None).p50 == pytest.approx(150_000 / 8_760 / 5)
    assert "memory" in embodied_g_per_hour(all_models()["B200"]).basis
    held = estimate_carbon(
        band(0), "aws", "us-east-1", accelerator=all_models()["H100-SXM"], accelerator_hours=80
    )
    assert held.embodied.p50 == pytest.approx(80 * h100.p50)
    assert held.use.p50 == 0
    assert held.total.p50 == held.embodied.p50


@given(st.floats(0, 1e6), st.floats(1, 4), st.floats(1, 4), st.floats(0, 1e6))
def test_more_electricity_never_emits_less(
    kilowatt_hours: float, spread: float, more: float, hours: float
) -> None:
    one = estimate_carbon(
        band(kilowatt_hours, kilowatt_hours * spread), "aws", "eu-north-1", accelerator_hours=hours
    )
    other = estimate_carbon(
        band(kilowatt_hours * more, kilowatt_hours * more * spread),
        "aws",
        "eu-north-1",
        accelerator_hours=hours,
    )
    assert one.total.p50 <= other.total.p50
    assert one.use.p10 <= one.use.p50 <= one.use.p90
    assert one.total.p50 == pytest.approx(one.use.p50 + one.embodied.p50)
