"""What a kilowatt-hour costs and emits where a machine of the user's stands.

Shipped tables: electricity by country (GlobalPetrolPrices, Eurostat and others, 2025; `source` says which rows
are only believed), exchange rates, carbon intensity by country (Our World in Data mix, 2022-23, CC BY 4.0).
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


def tariff_for(
    country: str | None, price_usd_per_kwh: Decimal | None = None, carbon_g_per_kwh: float | None = None
) -> Tariff:
    """The tariff in a country (ISO 3166 alpha-3), with the user's own figures where given.

    Raises:
        InvalidInputError: the country is in neither table.
    """
    code = country.upper() if country else None
    if code is not None and code not in _carbon():
        raise InvalidInputError(
            f"{country!r} is not a known country",
            hint="write the three-letter ISO code, for example DEU or USA",
        )
    if price_usd_per_kwh is not None:
        price, price_note = price_usd_per_kwh, "your own electricity price"
    else:
        price, price_note = _prices().get(code or "", _prices()[""])
    if carbon_g_per_kwh is not None:
        carbon, carbon_note = carbon_g_per_kwh, "your own carbon intensity"
    elif code is None:
        carbon, carbon_note = WORLD_CARBON_G_PER_KWH, "world mean carbon intensity"
    else:
        carbon, carbon_note = _carbon()[code]
    return Tariff(
        micro_usd_per_kwh=Money.parse(price).micro,
        carbon_g_per_kwh=carbon,
        price_note=f"{price:.3f} USD/kWh ({price_note})",
        carbon_note=f"{carbon:.0f} g CO2e/kWh ({carbon_note})",
    )


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
