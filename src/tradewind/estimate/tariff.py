"""What a kilowatt-hour costs and emits where a machine of the user's stands.

Shipped tables: electricity by country (GlobalPetrolPrices, Eurostat and others, 2025; `source` says which rows
are only believed), exchange rates, carbon intensity by country (Our World in Data mix, 2022-23, CC BY 4.0)
and by state of the USA (EPA eGRID2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import Money
from tradewind.estimate.currencies import known_currencies
from tradewind.estimate.tables import read_rows

#: Used where no country is configured.
WORLD_CARBON_G_PER_KWH: Final = 475.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """Micro-dollars and grams CO2e per kilowatt-hour, with sentences that say where they come from."""

    micro_usd_per_kwh: int
    carbon_g_per_kwh: float
    price_note: str
    carbon_note: str
    #: False where the country's price is not in the table, or no country is known.
    has_price_of_country: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPlace:
    """A country, or a part of one with a grid figure of its own. `usd_per_kwh` is what households pay, where known."""

    code: str
    name: str
    carbon_g_per_kwh: float
    usd_per_kwh: Decimal | None


def tariff_for(
    country: str | None,
    price_usd_per_kwh: Decimal | None = None,
    carbon_g_per_kwh: float | None = None,
    *,
    carbon_zone: str | None = None,
    price_note: str | None = None,
) -> Tariff:
    """The tariff in a country (ISO 3166 alpha-3), with the user's own figures where given.

    `carbon_zone` is where the grid's figure is taken from instead: a country, or a state such as `US-CA`.
    `price_note` says what the user's own price is.

    Raises:
        InvalidInputError: the country or the zone is in no table.
    """
    code = check_country(country) if country else None
    has_price = price_usd_per_kwh is None and code in _prices()
    if price_usd_per_kwh is not None:
        price, price_note = price_usd_per_kwh, price_note or "your own electricity price"
    else:
        price, price_note = _prices().get(code or "", _prices()[""])
    if carbon_g_per_kwh is not None:
        carbon, carbon_note = carbon_g_per_kwh, "your own carbon intensity"
    elif carbon_zone is not None:
        carbon, carbon_note = _zones()[check_zone(carbon_zone)]
    elif code is None:
        carbon, carbon_note = WORLD_CARBON_G_PER_KWH, "world mean carbon intensity"
    else:
        carbon, carbon_note = _carbon()[code]
    return Tariff(
        micro_usd_per_kwh=Money.parse(price).micro,
        carbon_g_per_kwh=carbon,
        price_note=f"{price:.3f} USD/kWh ({price_note})",
        carbon_note=f"{carbon:.0f} g CO2e/kWh ({carbon_note})",
        has_price_of_country=has_price,
    )


def check_country(country: str) -> str:
    """The code of a country. Raises InvalidInputError if it is in no table."""
    code = country.upper()
    if code not in _carbon():
        raise InvalidInputError(
            f"{country!r} is not a known country",
            hint="write the three-letter ISO code, for example DEU or USA",
        )
    return code


def check_zone(zone: str) -> str:
    """The code of a carbon zone. Raises InvalidInputError if it is in no table."""
    code = zone.upper()
    if code not in _zones():
        raise InvalidInputError(
            f"{zone!r} is not a known carbon zone",
            hint="write the three-letter ISO code of a country, or a state of the USA, for example US-CA",
        )
    return code


def power_countries() -> list[PowerPlace]:
    """Every country with a grid figure, by name."""
    prices = _prices()
    found = [
        PowerPlace(
            code=row["iso3"],
            name=row["country"],
            carbon_g_per_kwh=float(row["gco2e_per_kwh"]),
            usd_per_kwh=prices[row["iso3"]][0] if row["iso3"] in prices else None,
        )
        for row in read_rows("carbon_country.csv")
    ]
    return sorted(found, key=lambda place: place.name)


def power_states() -> list[PowerPlace]:
    """Every part of a country with a grid figure of its own, by name."""
    found = [
        PowerPlace(
            code=f"US-{row['state']}",
            name=f"USA, {row['name'].title()}",
            carbon_g_per_kwh=float(row["gco2e_per_kwh"]),
            usd_per_kwh=None,
        )
        for row in read_rows("carbon_us_state.csv")
    ]
    return sorted(found, key=lambda place: place.name)


@cache
def _zones() -> dict[str, tuple[float, str]]:
    states = {
        f"US-{row['state']}": (float(row["gco2e_per_kwh"]), f"{row['name'].title()}, {row['source']}")
        for row in read_rows("carbon_us_state.csv")
    }
    return _carbon() | states


@cache
def _prices() -> dict[str, tuple[Decimal, str]]:
    found: dict[str, tuple[Decimal, str]] = {}
    for row in read_rows("electricity_price.csv"):
        key = row["iso3"] or ("" if row["region"] == "World mean" else None)
        if key is not None and row["household_per_kwh"]:
            rate, converted = _usd_per(row["currency"])
            place = row["region"] if row["iso3"] else "world mean"
            note = f"{place}, household {row['period']}{converted}"
            found[key] = (Decimal(row["household_per_kwh"]) * rate, note)
    return found


def _usd_per(currency: str) -> tuple[Decimal, str]:
    """Dollars per unit of a currency, and what to say of a price that was converted."""
    rate = known_currencies()[currency]
    if currency == "USD":
        return rate.usd_per_unit, ""
    said = " assumed" if rate.is_assumed else ""
    return rate.usd_per_unit, f"; {rate.usd_per_unit} USD per {currency}{said}, {rate.as_of}"


@cache
def _carbon() -> dict[str, tuple[float, str]]:
    return {
        row["iso3"]: (float(row["gco2e_per_kwh"]), f"{row['country']}, {row['year']}")
        for row in read_rows("carbon_country.csv")
    }
