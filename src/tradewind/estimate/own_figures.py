"""What is known of the machine that a server is on: electricity, grid and power, from whoever was asked first.

Each figure is taken by itself: what the environment says goes before what was set on the settings page, that before the
configuration file, and where nobody says anything the tables of the country stand, then the means of the world.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.currencies import known_currencies
from tradewind.estimate.tariff import Tariff, check_country, check_zone, tariff_for

T = TypeVar("T")
#: More is a mistake in the unit: dollars per kilowatt-hour, grams per kilowatt-hour, watts.
MOST_USD_PER_KWH: Final = Decimal(100)
MOST_GRAMS_PER_KWH: Final = 5_000.0
MOST_WATTS: Final = 1_000_000.0


class Origin(StrEnum):
    """Who said a figure."""

    ENVIRONMENT = "environment"  #: a variable of the server's environment
    SETTINGS = "settings"  #: the settings page, for all servers of the installation
    CONFIG_FILE = "config_file"  #: config.toml of the server
    COUNTRY = "country"  #: the table, by the country
    ZONE = "zone"  #: the table, by the carbon zone
    WORLD = "world"  #: the mean of the world: nobody has said where the machine stands
    MACHINE = "machine"  #: worked out from the parts of the machine


#: Who is asked, in this order.
ASKED: Final = (Origin.ENVIRONMENT, Origin.SETTINGS, Origin.CONFIG_FILE)

#: The variable of each figure.
ENVIRONMENT: Final = {
    "country": "TRADEWIND_COUNTRY",
    "carbon_zone": "TRADEWIND_CARBON_ZONE",
    "electricity_price": "TRADEWIND_ELECTRICITY_PRICE_USD_PER_KWH",
    "carbon_g_per_kwh": "TRADEWIND_CARBON_GRAMS_PER_KWH",
    "watts_idle": "TRADEWIND_WATTS_IDLE",
    "watts_max": "TRADEWIND_WATTS_MAX",
}
#: The key of each figure under `[local]` in config.toml.
CONFIG_KEYS: Final = {
    "country": "country",
    "carbon_zone": "carbon_zone",
    "electricity_price": "electricity_price_usd_per_kwh",
    "carbon_g_per_kwh": "carbon_grams_per_kwh",
    "watts_idle": "watts_idle",
    "watts_max": "watts_max",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPrice:
    """A price of electricity per kilowatt-hour as somebody wrote it."""

    amount: Decimal
    currency: str = "USD"

    @property
    def usd(self) -> Decimal:
        """The same in dollars, by the table of rates that ships."""
        return self.amount * known_currencies()[self.currency].usd_per_unit

    @property
    def text(self) -> str:
        """As a user reads it."""
        return f"{self.amount:f} {self.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFigures:
    """What one of those who are asked has said. None: nothing."""

    country: str | None = None
    carbon_zone: str | None = None
    electricity_price: PowerPrice | None = None
    carbon_g_per_kwh: float | None = None
    #: Of the whole machine, at rest and flat out.
    watts_idle: float | None = None
    watts_max: float | None = None


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """A figure and who said it; None and nobody where no one did."""

    value: T | None
    origin: Origin | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What holds, figure by figure."""

    country: Chosen[str]
    carbon_zone: Chosen[str]
    electricity_price: Chosen[PowerPrice]
    carbon_g_per_kwh: Chosen[float]
    watts_idle: Chosen[float]
    watts_max: Chosen[float]
    tariff: Tariff
    #: Who settled the two figures of the tariff.
    price_origin: Origin
    carbon_origin: Origin


def settle(said: Mapping[Origin, OwnFigures]) -> Settled:
    """What holds of all that was said.

    Raises:
        InvalidInputError: a figure is impossible.
    """
    for figures in said.values():
        check(figures)
    chosen: dict[str, Chosen[Any]] = {}
    for field in fields(OwnFigures):
        chosen[field.name] = Chosen(None, None)
        for origin in ASKED:
            value = getattr(said.get(origin, OwnFigures()), field.name)
            if value is not None:
                chosen[field.name] = Chosen(value, origin)
                break
    price: PowerPrice | None = chosen["electricity_price"].value
    country, zone = chosen["country"].value, chosen["carbon_zone"].value
    carbon = chosen["carbon_g_per_kwh"]
    tariff = tariff_for(
        country,
        None if price is None else price.usd,
        carbon.value,
        carbon_zone=zone,
        price_note=_price_note(price),
    )
    by_place = Origin.COUNTRY if country else Origin.WORLD
    price_by_place = by_place if tariff.has_price_of_country else Origin.WORLD
    return Settled(
        **chosen,
        tariff=tariff,
        price_origin=chosen["electricity_price"].origin or price_by_place,
        carbon_origin=carbon.origin or (Origin.ZONE if zone else by_place),
    )


def check(figures: OwnFigures) -> None:
    """Returns if every figure is possible. Raises InvalidInputError, which names the one that is not."""
    if figures.country is not None:
        check_country(figures.country)
    if figures.carbon_zone is not None:
        check_zone(figures.carbon_zone)
    price = figures.electricity_price
    if price is not None:
        if price.currency not in known_currencies():
            raise InvalidInputError(
                f"electricity price: no rate is known for {price.currency}",
                hint=f"currencies with a rate: {', '.join(sorted(known_currencies()))}",
            )
        if not 0 <= price.usd <= MOST_USD_PER_KWH:
            raise InvalidInputError(
                f"electricity price: {price.text} per kilowatt-hour cannot be right",
                hint=f"between 0 and {MOST_USD_PER_KWH} USD; a price in cents is divided by 100",
            )
    if figures.carbon_g_per_kwh is not None and not 0 <= figures.carbon_g_per_kwh <= MOST_GRAMS_PER_KWH:
        raise InvalidInputError(
            f"carbon intensity: {figures.carbon_g_per_kwh:g} grams per kilowatt-hour cannot be right",
            hint=f"between 0 and {MOST_GRAMS_PER_KWH:g}; the mean of the world is 475",
        )
    for name, watts in (("at rest", figures.watts_idle), ("flat out", figures.watts_max)):
        if watts is not None and not 0 <= watts <= MOST_WATTS:
            raise InvalidInputError(
                f"power {name}: {watts:g} watts cannot be right", hint=f"between 0 and {MOST_WATTS:,.0f}"
            )
    if figures.watts_idle is not None and figures.watts_max is not None:
        check_watts(figures.watts_idle, figures.watts_max)


def check_watts(idle: float, most: float) -> None:
    """Returns if a machine draws no more at rest than flat out. Raises InvalidInputError."""
    if idle > most:
        raise InvalidInputError(
            f"power: the machine would draw {idle:g} W at rest and only {most:g} W flat out",
            hint="give both figures, or leave both out",
        )


def _price_note(price: PowerPrice | None) -> str | None:
    if price is None:
        return None
    if price.currency == "USD":
        return "your own electricity price"
    rate = known_currencies()[price.currency]
    assumed = " assumed" if rate.is_assumed else ""
    return (
        f"your own electricity price, {price.text}; "
        f"{rate.usd_per_unit} USD per {price.currency}{assumed}, {rate.as_of}"
    )
