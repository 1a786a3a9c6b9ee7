"""Grams of CO2e of a run: electricity times the building's overhead times the grid, and a share of the making.

    use = kWh x PUE x g/kWh          embodied = kg per accelerator x hours held / hours of its life

Grid: the provider's own figure for a region where it publishes one (Google, 2024, location based), else that of the
state (EPA eGRID2023) or country (Our World in Data mix, CC BY 4.0), else the world's mean. The making of a data-centre
accelerator of the A100 and H100 class is taken as 150 kg, of others in proportion to their silicon (die figures of
Boavizta), over four to six years of service; the rest of the machine is not counted. Every figure carries its basis.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Final

from tradewind.estimate.band import Band, Layer
from tradewind.estimate.energy import multiply_bands
from tradewind.estimate.place_fees import place_fees
from tradewind.estimate.regions import place_of
from tradewind.estimate.tables import read_rows
from tradewind.estimate.tariff import WORLD_CARBON_G_PER_KWH
from tradewind.hardware.accelerators import AcceleratorModel

#: Of an accelerator with the mean silicon of A100 and H100. Known only roughly: half to twice as much.
CLASS_EMBODIED_KG: Final = 150.0
CLASS_DIE_MM2: Final = (1_798.0 + 2_810.4) / 2
#: Silicon of accelerators nobody has published: a straight line through the eight that are, by memory.
DIE_MM2_BASE: Final = 485.0
DIE_MM2_PER_GB: Final = 29.5
LIFE_YEARS: Final = (4.0, 5.0, 6.0)
HOURS_PER_YEAR: Final = 8_760.0
#: How far a grid's figure may be off, either way: published for the region, taken from state or country, world mean.
_PUBLISHED, _DERIVED, _GUESSED = 0.15, 0.3, 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonIntensity:
    """Grams CO2e per kilowatt-hour of a place's grid."""

    g_per_kwh: float
    basis: str
    #: Of `g_per_kwh`, either way.
    uncertainty: float
    #: True where nothing but the world's mean was found.
    is_world_mean: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonEstimate:
    """Grams CO2e. `total` is `use` and `embodied` together."""

    total: Band
    use: Band
    embodied: Band
    intensity: CarbonIntensity
    pue: Band


@lru_cache(maxsize=4_096)
def carbon_intensity(provider_id: str, region: str) -> CarbonIntensity:
    """The grid behind a region. Never fails: an unknown place has the mean of the world, and the basis says so."""
    network = place_fees(provider_id).network or provider_id
    for name in dict.fromkeys((provider_id, network)):
        for pattern, grams, source in _cloud_regions().get(name, ()):
            if fnmatchcase(region, pattern) or fnmatchcase(_without_zone(region), pattern):
                is_own = not source.startswith("derived")
                return CarbonIntensity(
                    g_per_kwh=grams,
                    basis=f"{region}: {source}",
                    uncertainty=_PUBLISHED if is_own else _DERIVED,
                )
    place = place_of(region)
    if place is None:
        return CarbonIntensity(
            g_per_kwh=WORLD_CARBON_G_PER_KWH,
            basis=f"world mean: where {region or 'it'} lies is not known",
            uncertainty=_GUESSED,
            is_world_mean=True,
        )
    if place.carbon_g_per_kwh is not None:
        return CarbonIntensity(
            g_per_kwh=place.carbon_g_per_kwh, basis=f"{region}: {place.note}", uncertainty=_DERIVED
        )
    if place.state is not None:
        grams, name, source = _states()[place.state]
        return CarbonIntensity(g_per_kwh=grams, basis=f"{region}: {name}, {source}", uncertainty=_DERIVED)
    return _of_country(place.country, f"{region}: ", place.note)


def country_intensity(country: str) -> CarbonIntensity:
    """The grid of a country (ISO 3166 alpha-3), or the mean of the world."""
    return _of_country(country.upper(), "", "")


@lru_cache(maxsize=256)
def pue(provider_id: str) -> Band:
    """Electricity of the building over that of the machines."""
    row = _pues().get(provider_id) or _pues()[""]
    return Band(
        p10=float(row["pue_low"]),
        p50=float(row["pue"]),
        p90=float(row["pue_high"]),
        layer=Layer.FAMILY if row["is_assumed"] == "yes" else Layer.MEASURED,
        basis=f"PUE {row['pue']}: {row['note']} ({row['source']})",
    )


def embodied_g_per_hour(model: AcceleratorModel | None) -> Band:
    """Grams per hour held of making one accelerator of this model (None: unknown, as one of the A100 class)."""
    kilograms = CLASS_EMBODIED_KG
    basis = f"{CLASS_EMBODIED_KG:g} kg, as for the A100 and H100 class"
    if model is not None:
        die = _dies().get(model.key)
        source = "its die" if die else "its memory"
        kilograms *= (die or DIE_MM2_BASE + DIE_MM2_PER_GB * model.memory_gb) / CLASS_DIE_MM2
        basis = f"{kilograms:.0f} kg, scaled by {source} from 150 kg of the A100 and H100 class"
    short, usual, long = LIFE_YEARS
    grams = kilograms * 1_000 / HOURS_PER_YEAR
    return Band(
        p10=grams / long / 2,
        p50=grams / usual,
        p90=grams / short * 2,
        layer=Layer.FAMILY,
        basis=f"{basis}, over {short:g} to {long:g} years",
    )


def estimate_carbon(
    energy: Band,
    provider_id: str,
    region: str,
    *,
    accelerator: AcceleratorModel | None = None,
    accelerator_hours: float = 0.0,
    intensity: CarbonIntensity | None = None,
) -> CarbonEstimate:
    """What these kilowatt-hours emit there, and the share of the making for the hours accelerators are held.

    `accelerator_hours` counts each accelerator of each node. `intensity` replaces what is known of the region.
    """
    grid = intensity or carbon_intensity(provider_id, region)
    overhead = pue(provider_id)
    low, high = 1 - grid.uncertainty, 1 + grid.uncertainty
    grams = Band(
        p10=grid.g_per_kwh * low,
        p50=grid.g_per_kwh,
        p90=grid.g_per_kwh * high,
        layer=energy.layer,
        basis=f"{grid.g_per_kwh:.0f} g/kWh ({grid.basis}), {overhead.basis}",
    )
    use = multiply_bands(multiply_bands(energy, overhead), grams)
    embodied = embodied_g_per_hour(accelerator).scaled(accelerator_hours)
    middle = use.p50 + embodied.p50
    total = Band(
        p10=max(middle - _distance(use.p50 - use.p10, embodied.p50 - embodied.p10), 0.0),
        p50=middle,
        p90=middle + _distance(use.p90 - use.p50, embodied.p90 - embodied.p50),
        layer=use.layer,
        basis=f"{use.basis}; making: {embodied.basis}",
    )
    return CarbonEstimate(total=total, use=use, embodied=embodied, intensity=grid, pue=overhead)


def _distance(one: float, other: float) -> float:
    return float((one * one + other * other) ** 0.5)


def _of_country(country: str, prefix: str, note: str) -> CarbonIntensity:
    found = _countries().get(country)
    if found is None:
        return CarbonIntensity(
            g_per_kwh=WORLD_CARBON_G_PER_KWH,
            basis=f"{prefix}world mean: nothing is known of {country}",
            uncertainty=_GUESSED,
            is_world_mean=True,
        )
    grams, name, year = found
    said = f"; {note}" if note else ""
    return CarbonIntensity(
        g_per_kwh=grams,
        basis=f"{prefix}{name}, mix of {year} (Our World in Data){said}",
        uncertainty=_DERIVED,
    )


def _without_zone(region: str) -> str:
    """`us-central1-a` and `us-east-1a` without their zone."""
    if len(region) > 2 and region[-1].isalpha() and (region[-2] == "-" or region[-2].isdigit()):
        return region[:-1].removesuffix("-")
    return region


@cache
def _cloud_regions() -> dict[str, tuple[tuple[str, float, str], ...]]:
    found: dict[str, tuple[tuple[str, float, str], ...]] = {}
    for row in read_rows("carbon_cloud_region.csv"):
        entry = (row["region"], float(row["gco2e_per_kwh"]), row["source"])
        found[row["provider"]] = (*found.get(row["provider"], ()), entry)
    return found


@cache
def _states() -> dict[str, tuple[float, str, str]]:
    return {
        row["state"]: (float(row["gco2e_per_kwh"]), row["name"].title(), row["source"])
        for row in read_rows("carbon_us_state.csv")
    }


@cache
def _countries() -> dict[str, tuple[float, str, str]]:
    return {
        row["iso3"]: (float(row["gco2e_per_kwh"]), row["country"], row["year"])
        for row in read_rows("carbon_country.csv")
    }


@cache
def _pues() -> dict[str, dict[str, str]]:
    return {row["provider"]: row for row in read_rows("pue.csv")}


@cache
def _dies() -> dict[str, float]:
    return {row["accelerator"]: float(row["die_mm2"]) for row in read_rows("embodied.csv")}
