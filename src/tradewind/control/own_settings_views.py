"""Settings of the machine at hand as the API shows them: what holds, who said it, what would hold otherwise."""

from __future__ import annotations

from typing import Any, Final, Literal

from tradewind.control.money_views import money_view
from tradewind.control.own_settings import Found, OwnSettings, unset_settled
from tradewind.domain.money import hourly_worst_micro
from tradewind.domain.schemas_settings import (
    PowerPlaces,
    PowerPlaceView,
    SettingsRequest,
    SettingsView,
    SettingView,
)
from tradewind.estimate.currencies import known_currencies
from tradewind.estimate.own_figures import (
    CONFIG_KEYS,
    ENVIRONMENT,
    Origin,
    OwnFigures,
    PowerPrice,
    Settled,
)
from tradewind.estimate.tariff import PowerPlace, power_countries, power_states

_KINDS: Final[dict[str, Literal["country", "zone", "number"]]] = {"country": "country", "carbon_zone": "zone"}
_TITLES: Final = {
    "country": ("Country", "Where this machine stands. Electricity and grid are taken from its tables."),
    "electricity_price": ("Electricity price", "What a kilowatt-hour costs you, with taxes and fees."),
    "carbon_zone": (
        "Carbon zone",
        "The grid that the machine draws from, where it is not that of the whole country.",
    ),
    "carbon_g_per_kwh": (
        "Carbon intensity",
        "Grams of CO2e per kilowatt-hour, where you know them better: a contract for green power, your own panels.",
    ),
    "watts_idle": (
        "Power at rest",
        "What the whole machine draws when nothing runs. Measure it at the wall.",
    ),
    "watts_max": (
        "Power flat out",
        "What the whole machine draws at full load. Jobs are charged between the two where no meter can be read.",
    ),
}
_UNITS: Final = {
    "electricity_price": "per kWh", "carbon_g_per_kwh": "g CO2e/kWh", "watts_idle": "W", "watts_max": "W",
}  # fmt: skip
#: What a request calls a figure, where it is not what the figure is called here.
_REQUESTED: Final = {"carbon_g_per_kwh": "carbon_grams_per_kwh"}
_PRECEDENCE: Final = (
    "A variable of the server's environment goes before what is set here, that before config.toml, and where nobody "
    "says anything the tables of the country hold, then the means of the world. What has begun keeps its rate."
)
_NO_COUNTRY: Final = "not set: the means of the world"


def figures_of(request: SettingsRequest) -> OwnFigures:
    """What a request sets."""
    price = request.electricity_price
    return OwnFigures(
        country=None if request.country is None else request.country.upper(),
        carbon_zone=None if request.carbon_zone is None else request.carbon_zone.upper(),
        electricity_price=None
        if price is None
        else PowerPrice(amount=price, currency=request.electricity_currency),
        carbon_g_per_kwh=request.carbon_grams_per_kwh,
        watts_idle=request.watts_idle,
        watts_max=request.watts_max,
    )


def settings_view(own: OwnSettings, here: Found | None, why_not: str | None) -> SettingsView:
    """What holds now. `here` is the machine at hand as it was found, `why_not` why the caller may only look."""
    settled, tariff = own.settled, own.settled.tariff
    price = own.stored.figures.electricity_price
    return SettingsView(
        items=[
            _item(own, here, name) for name in _TITLES if here is not None or not name.startswith("watts")
        ],
        electricity_currency="USD" if price is None else price.currency,
        known_currencies=sorted(known_currencies()),
        machine=None if here is None else here.name,
        price_text=tariff.price_note,
        carbon_text=tariff.carbon_note,
        hour_text=None if here is None else _hour_text(own, settled, here),
        precedence=_PRECEDENCE,
        can_change=why_not is None,
        why_not=why_not,
        updated_at=own.stored.updated_at,
        updated_by=own.stored.updated_by,
    )


def power_places() -> PowerPlaces:
    """Where a machine may stand."""
    return PowerPlaces(
        countries=[_place(each) for each in power_countries()],
        zones=[_place(each) for each in power_states()],
    )


def _place(place: PowerPlace) -> PowerPlaceView:
    price = "" if place.usd_per_kwh is None else f"{place.usd_per_kwh:.3f} USD/kWh, "
    return PowerPlaceView(
        code=place.code, name=place.name, detail=f"{price}{place.carbon_g_per_kwh:.0f} g CO2e/kWh"
    )


def _item(own: OwnSettings, here: Found | None, name: str) -> SettingView:
    title, about = _TITLES[name]
    stored = getattr(own.stored.figures, name)
    value, text, origin = _holds(own.settled, here, name)
    _, otherwise, otherwise_origin = _holds(unset_settled(own, name), here, name)
    return SettingView(
        name=_REQUESTED.get(name, name),
        title=title,
        help=about,
        kind=_KINDS.get(name, "number"),
        unit=_UNITS.get(name, ""),
        value=value,
        text=text,
        origin=origin.value,
        origin_text=_origin_text(name, origin),
        stored=None if stored is None else _plain(stored),
        overruled_by=ENVIRONMENT[name] if origin is Origin.ENVIRONMENT else None,
        otherwise=f"{otherwise} ({_origin_text(name, otherwise_origin)})",
    )


def _holds(settled: Settled, here: Found | None, name: str) -> tuple[str | None, str, Origin]:
    """What holds of a figure: as a value, in words, and who said it."""
    chosen = getattr(settled, name)
    if name == "country":
        text = _NO_COUNTRY if chosen.value is None else _names().get(chosen.value.upper(), chosen.value)
        return chosen.value, text, chosen.origin or Origin.WORLD
    if name == "carbon_zone":
        zone, origin = chosen.value, chosen.origin
        if zone is None:
            zone, origin = settled.country.value, Origin.COUNTRY
        text = _NO_COUNTRY if zone is None else _names().get(zone.upper(), zone)
        return chosen.value, text, Origin.WORLD if zone is None else origin
    if name == "electricity_price":
        micro = settled.tariff.micro_usd_per_kwh
        return f"{micro / 1_000_000:.6g}", settled.tariff.price_note, settled.price_origin
    if name == "carbon_g_per_kwh":
        grams = settled.tariff.carbon_g_per_kwh
        return f"{grams:g}", settled.tariff.carbon_note, settled.carbon_origin
    found = 0.0 if here is None else getattr(here, name)
    watts = found if chosen.value is None else chosen.value
    return f"{watts:g}", f"{watts:,.0f} W", chosen.origin or Origin.MACHINE


def _hour_text(own: OwnSettings, settled: Settled, here: Found) -> str:
    terms = own.terms()
    most = here.watts_max if settled.watts_max.value is None else settled.watts_max.value
    money = money_view(hourly_worst_micro(terms.rate, most))
    grams = most / 1000 * terms.grams_co2e_per_kwh
    return f"An hour of {here.name} at full load costs {money.text} and emits {grams:,.0f} g CO2e."


def _origin_text(name: str, origin: Origin) -> str:
    return {
        Origin.ENVIRONMENT: f"from {ENVIRONMENT[name]} in the server's environment",
        Origin.SETTINGS: "set here",
        Origin.CONFIG_FILE: f"from local.{CONFIG_KEYS[name]} in config.toml",
        Origin.COUNTRY: "by the country",
        Origin.ZONE: "by the carbon zone",
        Origin.WORLD: "mean of the world",
        Origin.MACHINE: "worked out from its parts",
    }[origin]


def _plain(value: Any) -> str:
    if isinstance(value, PowerPrice):
        return f"{value.amount:f}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _names() -> dict[str, str]:
    return {place.code: place.name for place in (*power_countries(), *power_states())}
